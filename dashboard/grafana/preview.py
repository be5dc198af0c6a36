"""Draws a provisioned dashboard as one HTML page, from its own JSON and SQL, for those who run without Grafana.

`python -m dashboard.grafana.preview DASHBOARD.json … --out FILE.html` reads QUESTDB_PG_HOST, QUESTDB_PG_PORT,
QUESTDB_READONLY_USER and QUESTDB_READONLY_PASSWORD. A notebook calls `figure(panel, results)` for one panel.
It shows what the panels say, not how Grafana looks: layout, titles and units follow the JSON, the rest is Plotly's.
"""

from __future__ import annotations

import argparse
import html
import os
import sys
import webbrowser
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import psycopg
from plotly.colors import hex_to_rgb, qualitative

from dashboard.grafana import panels
from dashboard.grafana.panels import Panel, TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DASHBOARDS = Path(__file__).parent / "dashboards"
CELL = (76, 36)  # width and height in pixels of Grafana's 24-column grid on a 1920 pixel wide screen
GAP = 8
COLOURS = {
    "green": "#73BF69",
    "yellow": "#FADE2A",
    "orange": "#FF9830",
    "red": "#F2495C",
    "blue": "#5794F2",
    "text": "#8E8E8E",
}
SUFFIXES = {
    "short": "",
    "eps": " evt/s",
    "cps": " c/s",
    "Bps": " B/s",
    "decbytes": " B",
    "percent": " %",
    "s": " s",
    "ms": " ms",
    "velocitykmh": " km/h",
}
TIMES = ((86_400, " days"), (3_600, " hours"), (60, " min"), (1, " s"))
STYLE = """
body { background: #111217; color: #ccccdc; font: 14px Inter, Helvetica, Arial, sans-serif; margin: 16px }
h1 { font-size: 20px; font-weight: 500 } h1 small { color: #8e8e8e; font-weight: 400; margin-left: 12px }
.board { position: relative }
.panel { position: absolute; background: #181b1f; border: 1px solid #2a2d33; border-radius: 3px; overflow: hidden }
.panel h2 { font-size: 14px; font-weight: 500; margin: 8px 10px 0 } .row { position: absolute; font-weight: 500; padding-top: 8px }
.error { color: #f2495c; padding: 10px; white-space: pre-wrap }
"""


@dataclass(frozen=True)
class Result:
    """What one query of a panel returned."""

    names: list[str]
    rows: list[tuple[Any, ...]]

    def column(self, name: str) -> list[Any]:
        """Return the values of one column."""
        index = self.names.index(name)
        return [row[index] for row in self.rows]

    def series(self) -> dict[str, tuple[list[datetime], list[float | None]]]:
        """Split a time series as Grafana does: by the column `metric` if there is one, else a series for each value column."""
        if "metric" not in self.names:
            return {name: (self.column("time"), self.column(name)) for name in self.names if name != "time"}
        split: dict[str, tuple[list[datetime], list[float | None]]] = defaultdict(lambda: ([], []))
        value = next(name for name in self.names if name not in {"time", "metric"})
        for time, metric, number in zip(self.column("time"), self.column("metric"), self.column(value), strict=True):
            split[metric][0].append(time)
            split[metric][1].append(number)
        return dict(split)


def fetch(connection: psycopg.Connection[Any], panel: Panel, times: TimeRange) -> list[Result]:
    """Run the queries of a panel."""
    return [Result(*panels.run(connection, sql)) for _, sql in panel.expanded(times)]


def figure(panel: Panel, results: list[Result]) -> go.Figure:
    """Draw one panel; a kind that has no drawing here becomes a table."""
    drawn = go.Figure(layout=_layout())
    DRAWINGS.get(panel.kind, _table)(drawn, panel, results[0])
    return drawn


def write(dashboard: dict[str, Any], connection: psycopg.Connection[Any], times: TimeRange) -> str:
    """Return the dashboard as HTML without its frame; panels stand where the grid says."""
    boxes = [_box(model, connection, times) for model in _flat(dashboard["panels"])]
    rows = max(model["gridPos"]["y"] + model["gridPos"]["h"] for model in dashboard["panels"])
    heading = f"<h1>{html.escape(dashboard['title'])}<small>{times}</small></h1>"
    return f'{heading}<div class="board" style="height:{rows * CELL[1]}px">{"".join(boxes)}</div>'


def page(boards: Iterable[str]) -> str:
    """Return a whole page of dashboards, Plotly inside, so that it opens without a network."""
    script = go.Figure().to_html(full_html=False, include_plotlyjs=True)
    head = f'<!doctype html><meta charset="utf-8"><title>Dashboards</title><style>{STYLE}</style>'
    return f"{head}<div hidden>{script}</div>{''.join(boards)}"


def _flat(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for model in models for each in (model, *model.get("panels", []))]


def _place(model: dict[str, Any]) -> tuple[int, int, int, int]:
    grid = model["gridPos"]
    return grid["x"] * CELL[0], grid["y"] * CELL[1], grid["w"] * CELL[0] - GAP, grid["h"] * CELL[1] - GAP


def _box(model: dict[str, Any], connection: psycopg.Connection[Any], times: TimeRange) -> str:
    x, y, width, height = _place(model)
    place = f"left:{x}px;top:{y}px;width:{width}px;height:{height}px"
    title = html.escape(model["title"])
    if model["type"] == "row":
        return f'<div class="row" style="{place}">{title}</div>'
    tip = html.escape(model.get("description", ""))
    inside = _inside(Panel(model), connection, times, height)
    return f'<div class="panel" style="{place}" title="{tip}"><h2>{title}</h2>{inside}</div>'


def _inside(panel: Panel, connection: psycopg.Connection[Any], times: TimeRange, height: int) -> str:
    try:
        drawn = figure(panel, fetch(connection, panel, times))
    except psycopg.Error as error:
        return f'<div class="error">{html.escape(str(error))}</div>'
    drawn.update_layout(height=height - 30)
    plain: str = drawn.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False})
    return plain


def _layout() -> go.Layout:
    axis = {"gridcolor": "#2a2d33", "zeroline": False, "automargin": True}
    return go.Layout(
        template="plotly_dark",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        font={"size": 12},
        xaxis=axis,
        yaxis=axis,
        bargap=0,
    )


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = panel.model["fieldConfig"]["defaults"]
    return defaults


def _suffix(panel: Panel) -> str:
    return SUFFIXES[_defaults(panel).get("unit", "short")]


def _fixed_colours(panel: Panel) -> dict[str, str]:
    return {
        override["matcher"]["options"]: COLOURS[prop["value"]["fixedColor"]]
        for override in panel.model["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "color"
    }


def _by_name(names: Iterable[str]) -> dict[str, str]:
    """Give the same names the same colours in every panel."""
    return dict(zip(sorted(names), cycle(qualitative.Plotly + qualitative.Set3)))


def _colour(panel: Panel, value: float | None) -> str:
    steps = _defaults(panel).get("thresholds", {}).get("steps", [])
    reached = [
        step["color"] for step in steps if step["value"] is None or (value is not None and value >= step["value"])
    ]
    return COLOURS[reached[-1]] if reached else COLOURS["text"]


def _scaled(value: float | None, suffix: str) -> tuple[float | None, str]:
    """Show long times in minutes, hours or days."""
    if value is None or suffix != SUFFIXES["s"]:
        return value, suffix
    length, name = next((length, name) for length, name in TIMES if value >= length or length == 1)
    return value / length, name


def _labels(result: Result) -> tuple[list[str], list[Any]]:
    """Return the first text column and the last column: what Grafana takes for names and values of a table."""
    return [str(row[0]) for row in result.rows], [row[-1] for row in result.rows]


def _timeseries(drawn: go.Figure, panel: Panel, result: Result) -> None:
    custom = _defaults(panel)["custom"]
    series = result.series()
    colours = {**_by_name(series), **_fixed_colours(panel)}
    for name, (times, values) in series.items():
        look = {"name": name, "x": times, "y": values}
        if custom["drawStyle"] == "bars":
            drawn.add_bar(**look, marker={"color": colours[name], "line": {"width": 0}})
        else:
            drawn.add_scatter(**look, **_line(panel, name, colours[name]))
    below = panel.model["options"]["legend"]["placement"] == "bottom"
    drawn.update_layout(barmode="stack", showlegend=True, legend={"orientation": "h", "y": -0.25} if below else {})
    drawn.update_xaxes(tickangle=0, nticks=5)
    drawn.update_yaxes(ticksuffix=_suffix(panel), rangemode="tozero")


def _line(panel: Panel, name: str, colour: str) -> dict[str, Any]:
    """Return how a line looks; Grafana fills below to another line, Plotly to the line drawn before it."""
    custom = {**_defaults(panel)["custom"], **_overridden(panel, name)}
    look = {
        "mode": "lines",
        "line": {"color": colour, "width": custom["lineWidth"]},
        "connectgaps": custom["spanNulls"],
    }
    if "fillBelowTo" in custom:
        red, green, blue = hex_to_rgb(colour)
        look |= {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},{custom['fillOpacity'] / 100})"}
    return look


def _overridden(panel: Panel, name: str) -> dict[str, Any]:
    """Return what the overrides of one series say about its drawing."""
    return {
        prop["id"].removeprefix("custom."): prop["value"]
        for override in panel.model["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == name
        for prop in override["properties"]
        if prop["id"].startswith("custom.")
    }


def _stat(drawn: go.Figure, panel: Panel, result: Result) -> None:
    value = result.rows[0][-1] if result.rows else None
    colour, decimals = _colour(panel, value), _defaults(panel).get("decimals", 0)
    value, suffix = _scaled(value, _suffix(panel))
    number = {"suffix": suffix, "font": {"color": colour, "size": 40}, "valueformat": f",.{decimals}f"}
    drawn.add_indicator(mode="number", value=value, number=number)


def _gauge(drawn: go.Figure, panel: Panel, result: Result) -> None:
    defaults = _defaults(panel)
    names, values = _labels(result)
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        left, right = index / len(names), (index + 0.9) / len(names)
        drawn.add_indicator(
            mode="gauge+number",
            value=value,
            title={"text": name, "font": {"size": 11}},
            number={"suffix": _suffix(panel), "valueformat": f",.{defaults.get('decimals', 1)}f", "font": {"size": 13}},
            gauge={"axis": {"range": [defaults["min"], defaults["max"]], "showticklabels": False}},
            domain={"x": [left, right], "y": [0, 0.75]},
        )


def _pie(drawn: go.Figure, _: Panel, result: Result) -> None:
    names, values = _labels(result)
    colours = _by_name(names)
    drawn.add_pie(
        labels=names,
        values=values,
        hole=0.5,
        sort=False,
        textinfo="percent",
        marker={"colors": [colours[name] for name in names]},
    )
    drawn.update_layout(legend={"x": 1})


def _bars(drawn: go.Figure, panel: Panel, result: Result) -> None:
    names, values = _labels(result)
    drawn.add_bar(
        x=values, y=names, orientation="h", text=values, marker={"color": values, "colorscale": "BuPu", "cmin": 0}
    )
    drawn.update_yaxes(autorange="reversed", ticksuffix=" ")
    drawn.update_xaxes(ticksuffix=_suffix(panel), rangemode="tozero")


def _heatmap(drawn: go.Figure, panel: Panel, result: Result) -> None:
    exponent = panel.model["options"]["color"]["exponent"]
    drawn.add_heatmap(
        x=result.column("time"),
        y=result.column("metric"),
        z=[value**exponent for value in result.column(result.names[-1])],
        customdata=result.column(result.names[-1]),
        hovertemplate="%{x}<br>%{y}: %{customdata}<extra></extra>",
        colorscale="Blues_r",
        xgap=1,
        ygap=1,
        showscale=False,
    )
    drawn.update_xaxes(tickangle=0, nticks=5)


def _map(drawn: go.Figure, _: Panel, result: Result) -> None:
    """Draw the positions on plain axes: a real map would fetch its tiles from the network."""
    drawn.add_scatter(
        x=result.column("longitude"),
        y=result.column("latitude"),
        text=result.column("device_id"),
        mode="markers+text",
        textposition="bottom center",
        marker={
            "size": 12,
            "color": result.column("speed"),
            "colorscale": "RdYlGn_r",
            "showscale": True,
            "colorbar": {"title": "km/h"},
        },
    )
    drawn.update_xaxes(title="longitude")
    drawn.update_yaxes(title="latitude")


def _table(drawn: go.Figure, _: Panel, result: Result) -> None:
    drawn.add_table(header={"values": result.names}, cells={"values": list(zip(*result.rows, strict=True))})


DRAWINGS: dict[str, Callable[[go.Figure, Panel, Result], None]] = {
    "timeseries": _timeseries,
    "stat": _stat,
    "gauge": _gauge,
    "piechart": _pie,
    "bargauge": _bars,
    "heatmap": _heatmap,
    "geomap": _map,
}


def connect() -> psycopg.Connection[Any]:
    """Connect to QuestDB as the read-only user, by the settings of .env."""
    return psycopg.connect(
        host=os.environ.get("QUESTDB_PG_HOST", "127.0.0.1"),
        port=os.environ.get("QUESTDB_PG_PORT", "8812"),
        user=os.environ.get("QUESTDB_READONLY_USER", "user"),
        password=os.environ.get("QUESTDB_READONLY_PASSWORD", "quest"),
        dbname="qdb",
        sslmode="disable",
        autocommit=True,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dashboard.grafana.preview", description="Draw dashboards without Grafana."
    )
    parser.add_argument("dashboards", nargs="*", type=Path, help="JSON files, by default all provisioned ones")
    parser.add_argument(
        "--from", dest="start", help='start, as in the time picker: "now-6h"; by default what the dashboard says'
    )
    parser.add_argument("--out", type=Path, default=Path("preview.html"))
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    return parser.parse_args()


def main() -> None:
    """Write the page."""
    arguments = _arguments()
    files = arguments.dashboards or sorted(DASHBOARDS.glob("*.json"))
    now = datetime.now(timezone.utc)
    with connect() as connection:
        boards = []
        for dashboard in map(panels.load, files):
            times = (
                TimeRange.parse(arguments.start, "now", now)
                if arguments.start
                else panels.default_range(dashboard, now)
            )
            boards.append(write(dashboard, connection, times))
    arguments.out.write_text(page(boards), encoding="utf-8")
    sys.stdout.write(f"{arguments.out}: {len(boards)} dashboards\n")
    if arguments.open:
        webbrowser.open(arguments.out.resolve().as_uri())


if __name__ == "__main__":
    main()
