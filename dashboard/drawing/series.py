"""Charts over time: lines, bars and heatmaps, as traces and a layout of Plotly."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

from dashboard.drawing import colours, units
from dashboard.drawing.fields import Field
from dashboard.drawing.results import Result, epoch_ms, wide

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.drawing.results import Series
    from dashboard.grafana.panels import Panel, TimeRange

Values = list[float]
OHLC = ("open", "high", "low", "close")
CALCULATIONS: dict[str, tuple[str, Callable[[Values], float]]] = {
    "sum": ("Total", sum),
    "mean": ("Mean", fmean),
    "min": ("Min", min),
    "max": ("Max", max),
    "last": ("Last", lambda values: values[-1]),
    "lastNotNull": ("Last *", lambda values: values[-1]),
}


def timeseries(panel: Panel, results: list[Result], times: TimeRange) -> dict[str, Any]:
    """Draw lines or stacked bars."""
    moments, series = wide(results)
    fields = {name: Field.of(panel.model, name) for name in series}
    palette = colours.by_name(series)
    looks = {name: fields[name].colour(None) or palette[name] for name in series}
    at = [epoch_ms(moment) for moment in moments]
    step = panel.step(times)
    traces = [
        _trace({"name": name, "x": at, "y": series[name]}, looks[name], fields[name], step)
        for name in _ordered(series, fields)
    ]
    layout = {"barmode": "stack", "hovermode": "x unified", "xaxis": _time_axis(times), "yaxis": _axis(panel, series)}
    return {"kind": "plot", "data": traces, "layout": layout, "legend": _legend(panel, series, fields, looks)}


def heatmap(panel: Panel, results: list[Result], times: TimeRange) -> dict[str, Any]:
    """Draw a row for each name and a cell for each bucket; the exponent of the colours is the panel's."""
    moments, series = wide(results)
    exponent = panel.model["options"]["color"].get("exponent", 1)
    names = sorted(series, reverse=True)
    step = panel.step(times)
    trace = {
        "type": "heatmap",
        # Grafana takes the time of a row for the end of its cells, and Plotly centres a cell on its x.
        "x": [epoch_ms(moment) - step / 2 for moment in moments],
        "y": names,
        "z": [[None if value is None else value**exponent for value in series[name]] for name in names],
        "customdata": [[units.text(value) for value in series[name]] for name in names],
        "hovertemplate": "%{x}<br>%{y}: %{customdata}<extra></extra>",
        "colorscale": [[0, colours.faded(colours.named("blue"), 0.15)], [1, colours.named("blue")]],
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
    }
    layout = {"xaxis": _time_axis(times), "yaxis": {"type": "category", "fixedrange": True, "automargin": True}}
    return {"kind": "plot", "data": [trace] if moments else [], "layout": layout, "legend": None}


def candles(panel: Panel, results: list[Result], times: TimeRange) -> dict[str, Any]:
    """Draw candles, and below them a bar for each volume if there is one."""
    result = results[0]
    at = [epoch_ms(moment) + panel.step(times) / 2 for moment in result.column("time")] if result.rows else []
    column = {name: result.column(name) if name in result.names else [] for name in (*OHLC, "volume")}
    chosen = panel.model.get("options", {}).get("colors", {})
    up, down = (colours.named(chosen.get(name, default)) for name, default in (("up", "green"), ("down", "red")))
    candle = {
        "type": "candlestick",
        "name": panel.title,
        "x": at,
        **{name: column[name] for name in OHLC},
        "increasing": {"line": {"color": up, "width": 1}},
        "decreasing": {"line": {"color": down, "width": 1}},
    }
    rising = [close >= opened for opened, close in zip(column["open"], column["close"], strict=True)]
    volume = {"type": "bar", "name": "volume", "x": at, "y": column["volume"], "yaxis": "y2"} | {
        "marker": {"color": [colours.faded(up if up_ else down, 0.5) for up_ in rising], "line": {"width": 0}},
        "customdata": [Field.of(panel.model, "volume").text(value) for value in column["volume"]],
        "hovertemplate": "volume  %{customdata}<extra></extra>",
    }
    prices = {name: column[name] for name in ("high", "low")}
    layout = {
        "hovermode": "x unified",
        "xaxis": _time_axis(times) | {"rangeslider": {"visible": False}},
        "yaxis": _axis(panel, prices) | {"domain": [0.22, 1]},
        "yaxis2": {"domain": [0, 0.18], "fixedrange": True, "showticklabels": False, "showgrid": False},
    }
    return {"kind": "plot", "data": [candle, volume] if at else [], "layout": layout, "legend": None}


def _ordered(series: Series, fields: dict[str, Field]) -> list[str]:
    """Put a series right after the one that it is filled down to: Plotly fills to the trace before."""
    names: list[str] = []
    for name in series:
        below = fields[name].custom.get("fillBelowTo")
        if below in series and below in names:
            names.remove(below)
        names += [below, name] if below in series else [name]
    return list(dict.fromkeys(names))


def _trace(base: dict[str, Any], colour: str, field: Field, step: int) -> dict[str, Any]:
    """Return a trace; `base` has its name, x and y, `step` is the length of a bucket in milliseconds."""
    custom = field.custom
    opacity = custom.get("fillOpacity", 0) / 100
    base |= _bridged(base["x"], base["y"], custom.get("spanNulls", False))
    base |= {
        "customdata": [field.text(value) for value in base["y"]],
        "hovertemplate": "%{fullData.name}  %{customdata}<extra></extra>",
    }
    if custom.get("drawStyle") == "bars":
        # A bucket is named after its beginning, so its bar begins there.
        marker = {"color": colours.faded(colour, opacity), "line": {"width": 0}}
        return base | {"type": "bar", "marker": marker, "width": step, "offset": 0}
    return base | {"type": "scatter"} | _line(colour, custom, opacity) | _lonely(base["y"], colour)


def _bridged(x: list[int], y: list[float | None], spans: bool | int) -> dict[str, Any]:  # noqa: FBT001 - as in the JSON
    """Leave out missing values that a line goes over: all, or where known ones are at most `spans` milliseconds apart."""
    if not spans:
        return {"x": x, "y": y}
    known = [at for at, value in zip(x, y, strict=True) if value is not None]
    near = {
        at
        for before, after in pairwise(known)
        if spans is True or after - before <= spans
        for at in x[bisect_right(x, before) : bisect_left(x, after)]
    }
    kept = [(at, value) for at, value in zip(x, y, strict=True) if at not in near]
    return {"x": [at for at, _ in kept], "y": [value for _, value in kept]}


def _lonely(values: list[float | None], colour: str) -> dict[str, Any]:
    """Mark a value without a neighbour, of which a line would show nothing."""
    padded = [None, *values, None]
    alone = [
        value is not None and before is None and after is None
        for before, value, after in zip(padded, padded[1:], padded[2:], strict=False)
    ]
    if not any(alone):
        return {}
    marker = {"color": colour, "size": [4 if one else 0 for one in alone], "line": {"width": 0}, "opacity": 1}
    return {"mode": "lines+markers", "marker": marker}


def _line(colour: str, custom: dict[str, Any], opacity: float) -> dict[str, Any]:
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    points = custom.get("showPoints") == "always" or custom.get("drawStyle") == "points"
    look: dict[str, Any] = {
        "mode": "markers" if custom.get("drawStyle") == "points" else "lines+markers" if points else "lines",
        "line": {"color": colour, "width": custom.get("lineWidth", 1)},
        "connectgaps": False,
    }
    if custom.get("fillBelowTo"):
        look |= {"fill": "tonexty", "fillcolor": colours.faded(colour, opacity)}
    elif opacity:
        look |= {"fill": "tozeroy", "fillcolor": colours.faded(colour, opacity)}
    return look | ({"stackgroup": "one"} if stacked else {})


def _time_axis(times: TimeRange) -> dict[str, Any]:
    return {"type": "date", "range": [epoch_ms(times.start), epoch_ms(times.end)], "nticks": 6, "tickangle": 0}


def _axis(panel: Panel, series: Series) -> dict[str, Any]:
    field = Field.of(panel.model, "")
    axis: dict[str, Any] = {"fixedrange": True, "automargin": True}
    if field.custom.get("scaleDistribution", {}).get("type") == "log":
        return axis | {"type": "log"}
    least, most = _extent(series, stacked=field.custom.get("stacking", {}).get("mode") == "normal")
    least = field.settings.get("min", min(least, field.custom.get("axisSoftMin", least)))
    most = field.settings.get("max", most)
    values, texts = units.ticks(least, most, field.unit)
    return axis | {"tickvals": values, "ticktext": texts, "range": [values[0], values[-1]]}


def _extent(series: Series, *, stacked: bool) -> tuple[float, float]:
    """Return the lowest and the highest point of all that is drawn."""
    if stacked:
        totals = [sum(value or 0 for value in column) for column in zip(*series.values(), strict=True)]
        return 0.0, max(totals, default=1.0)
    known = [value for values in series.values() for value in values if value is not None]
    return (min(known), max(known)) if known else (0.0, 1.0)


def _legend(panel: Panel, series: Series, fields: dict[str, Field], looks: dict[str, str]) -> dict[str, Any] | None:
    options = panel.model.get("options", {}).get("legend", {})
    if not options.get("showLegend", True):
        return None
    calculations = [name for name in options.get("calcs", []) if name in CALCULATIONS]
    rows = [
        {
            "name": name,
            "colour": looks[name],
            "values": [_calculated(calc, values, fields[name]) for calc in calculations],
        }
        for name, values in series.items()
        if fields[name].custom.get("lineWidth", 1) or not fields[name].custom.get("fillBelowTo")
    ]
    return {
        "placement": options.get("placement", "bottom"),
        "headings": [CALCULATIONS[calc][0] for calc in calculations],
        "rows": rows,
    }


def _calculated(calculation: str, values: list[float | None], field: Field) -> str:
    known = [value for value in values if value is not None]
    return field.text(CALCULATIONS[calculation][1](known) if known else None)
