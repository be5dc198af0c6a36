"""A drawing for each kind of panel: what the browser, the preview and the notebook show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.drawing import series, totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.drawing.results import Result
    from dashboard.grafana.panels import Panel, TimeRange

Drawing = dict[str, Any]
KINDS: dict[str, Callable[[Panel, list[Result], TimeRange], Drawing]] = {
    "timeseries": series.timeseries,
    "candlestick": series.candles,
    "heatmap": series.heatmap,
    "stat": totals.stat,
    "bargauge": totals.bars,
    "gauge": totals.gauges,
    "piechart": totals.pie,
    "geomap": totals.positions,
    "table": totals.table,
    "text": totals.text,
}


def draw(panel: Panel, results: list[Result], times: TimeRange) -> Drawing:
    """Return a drawing that can be written as JSON.

    Its `kind` is "plot" (traces, layout and legend for Plotly), "stat", "bars", "table" or "text". Times are
    milliseconds since 1970. A kind of panel that is not known here becomes a table.
    """
    return KINDS.get(panel.kind, totals.table)(panel, results, times)
