"""Panels that show one moment: single numbers, bars, gauges, pies, tables, text and positions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from dashboard.drawing import colours, units
from dashboard.drawing.fields import Field
from dashboard.drawing.results import Result, epoch_ms

if TYPE_CHECKING:
    from dashboard.grafana.panels import Panel, TimeRange

GREEN_TO_RED = list(zip((0, 0.5, 1), colours.GRADIENTS["continuous-GrYlRd"], strict=True))


def stat(panel: Panel, results: list[Result], _: TimeRange) -> dict[str, Any]:
    """Show the last value of each query, in the colour of its threshold."""
    values = []
    for result in results:
        name = result.names[-1] if result.names else ""
        field = Field.of(panel.model, name)
        known = [row[-1] for row in result.rows if row[-1] is not None]
        value = known[-1] if known else None
        # What is not known is neither well nor ill.
        colour = colours.named("text") if value is None else field.colour(value) or colours.named("text")
        values.append({"label": name, "text": field.text(value), "colour": colour})
    background = panel.model.get("options", {}).get("colorMode") == "background"
    return {"kind": "stat", "values": values, "background": background, "labelled": len(values) > 1}


def bars(panel: Panel, results: list[Result], _: TimeRange) -> dict[str, Any]:
    """Show a horizontal bar for each row, the longest first as the query orders them."""
    result = results[0]
    field = Field.of(panel.model, result.names[-1] if result.names else "")
    rows = result.labelled()
    most = field.settings.get("max") or max((value or 0 for _, value in rows), default=0) or 1
    drawn = [_bar(name, value, (value or 0) / most, field) for name, value in rows]
    return {"kind": "bars", "rows": drawn}


def _bar(name: str, value: float | None, share: float, field: Field) -> dict[str, Any]:
    colour = field.colour(value, share) or colours.named("blue")
    return {"name": name, "text": field.text(value), "share": share, "colour": colour, "links": _links(field, name)}


def _links(field: Field, name: str) -> list[dict[str, str]]:
    """Return the data links of a bar or cell, which name what it stands for as ${__value.text} or ${__data.fields[0]}."""
    holders = ("${__value.text}", "${__value.raw}", "${__data.fields[0]}", "${__field.name}", "${__series.name}")
    links = []
    for link in field.links:
        url = str(link["url"])
        for holder in holders:
            url = url.replace(holder, name)
        links.append({"title": str(link.get("title", "")), "url": url})
    return links


def gauges(panel: Panel, results: list[Result], _: TimeRange) -> dict[str, Any]:
    """Show a half circle for each row."""
    rows = results[0].labelled()
    field = Field.of(panel.model, results[0].names[-1] if results[0].names else "")
    palette = colours.by_name(name for name, _ in rows)
    traces = [
        _gauge(value, field, field.colour(value) or palette[name], (index / len(rows), (index + 0.92) / len(rows)))
        for index, (name, value) in enumerate(rows)
    ]
    labels = [
        label for index, row in enumerate(rows) for label in _gauge_labels(*row, field, (index + 0.46) / len(rows))
    ]
    return {"kind": "plot", "data": traces, "layout": {"annotations": labels}, "legend": None}


def _gauge_labels(name: str, value: float | None, field: Field, x: float) -> list[dict[str, Any]]:
    """Write the value into the half circle, and the name below it."""
    place = {"x": x, "xref": "paper", "yref": "paper", "xanchor": "center", "showarrow": False}
    value_label = place | {"y": 0.36, "text": field.text(value), "font": {"size": 16}}
    return [value_label, place | {"y": 0.12, "text": name, "font": {"size": 12}}]


def _gauge(value: float | None, field: Field, colour: str, place: tuple[float, float]) -> dict[str, Any]:
    least, most = field.settings.get("min", 0), field.settings.get("max", 100)
    return {
        "type": "indicator",
        "mode": "gauge",
        "value": value,
        "gauge": {
            "axis": {"range": [least, most], "showticklabels": False, "ticks": ""},
            "bar": {"color": colour, "thickness": 1},
            "borderwidth": 0,
            "bgcolor": "rgba(128,128,128,0.2)",
        },
        "domain": {"x": list(place), "y": [0.2, 1]},
    }


def pie(panel: Panel, results: list[Result], _: TimeRange) -> dict[str, Any]:
    """Show the share of each row."""
    rows = [(name, value) for name, value in results[0].labelled() if value]
    field = Field.of(panel.model, results[0].names[-1] if results[0].names else "")
    palette = colours.by_name(name for name, _ in rows)
    total = sum(value for _, value in rows)
    trace = {
        "type": "pie",
        "labels": [name for name, _ in rows],
        "values": [value for _, value in rows],
        "text": [field.text(value) for _, value in rows],
        "hovertemplate": "%{label}  %{text}  %{percent}<extra></extra>",
        "textinfo": "none",
        "hole": 0.55 if panel.model.get("options", {}).get("pieType") == "donut" else 0,
        "sort": False,
        "direction": "clockwise",
        "marker": {"colors": [palette[name] for name, _ in rows]},
    }
    legend = {
        "placement": panel.model.get("options", {}).get("legend", {}).get("placement", "right"),
        "headings": ["Value", "Percent"],
        "rows": [
            {"name": name, "colour": palette[name], "values": [field.text(value), f"{100 * value / total:.0f}%"]}
            for name, value in rows
        ],
    }
    return {"kind": "plot", "data": [trace] if rows else [], "layout": {}, "legend": legend}


def positions(panel: Panel, results: list[Result], _: TimeRange) -> dict[str, Any]:
    """Show places on plain axes: the tiles of a real map would come from the network."""
    result = results[0]
    layer = panel.model["options"]["layers"][0]["config"]["style"]
    coloured, named = layer["color"].get("field"), layer.get("text", {}).get("field")
    values = result.column(coloured) if coloured in result.names else []
    field = Field.of(panel.model, coloured or "")
    trace = {
        "type": "scatter",
        "mode": "markers+text",
        "x": result.column("longitude"),
        "y": result.column("latitude"),
        "text": result.column(named) if named in result.names else [],
        "textposition": "bottom center",
        "customdata": [field.text(value) for value in values],
        "hovertemplate": "%{text}<br>%{customdata}<extra></extra>",
        "marker": {"size": 11, "color": values, "colorscale": GREEN_TO_RED, "showscale": True},
    }
    axis = {"automargin": True}
    layout = {"xaxis": axis | {"title": {"text": "longitude"}}, "yaxis": axis | {"title": {"text": "latitude"}}}
    return {"kind": "plot", "data": [trace] if result.rows else [], "layout": layout, "legend": None}


def table(panel: Panel, results: list[Result], _: TimeRange) -> dict[str, Any]:
    """Show the rows as they are, each column with its unit, colours and links."""
    result = results[0]
    fields = [Field.of(panel.model, name) for name in result.names]
    names = [str(field.settings.get("displayName", name)) for field, name in zip(fields, result.names, strict=True)]
    rows = [[_cell(value, field) for value, field in zip(row, fields, strict=True)] for row in result.rows]
    return {"kind": "table", "columns": names, "rows": rows}


def _cell(value: Any, field: Field) -> dict[str, Any]:  # noqa: ANN401 - a cell
    if isinstance(value, datetime):
        return {"time": epoch_ms(value)}
    number = isinstance(value, int | float) and not isinstance(value, bool)
    text = field.text(value) if number or value is None else units.text(value)
    cell: dict[str, Any] = {"text": text, "number": number, "links": _links(field, str(value))}
    if number and field.custom.get("cellOptions", {}).get("type", "auto") != "auto":
        cell["colour"] = field.colour(value)
    return cell


def text(panel: Panel, _: list[Result], __: TimeRange) -> dict[str, Any]:
    """Show the panel's own words, as they are written."""
    return {"kind": "text", "text": panel.model.get("options", {}).get("content", "")}
