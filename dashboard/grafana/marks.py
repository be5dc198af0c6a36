"""The marks of a dashboard, which Grafana calls annotations: moments and spans that are marked on all its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.drawing import colours
from dashboard.drawing.results import epoch_ms
from dashboard.grafana import panels
from dashboard.grafana.variables import interpolate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboard.drawing.results import Result
    from dashboard.grafana.panels import TimeRange
    from dashboard.grafana.variables import Values


def questions(dashboard: dict[str, Any], times: TimeRange, values: Values) -> Iterator[tuple[str, str]]:
    """Yield (colour, SQL as sent) of each annotation that asks the database."""
    step = panels.interval(times, panels.DEFAULT_POINTS, "1s")
    for annotation in dashboard.get("annotations", {}).get("list", []):
        sql = annotation.get("target", {}).get("rawSql")
        if sql and annotation.get("enable", True):
            yield colours.named(annotation["iconColor"]), panels.expand(interpolate(sql, values), times, step)


def found(colour: str, result: Result) -> list[dict[str, Any]]:
    """Return the marks of one annotation: `from` and `to` in milliseconds since 1970, `text` and `colour`."""
    if not result.rows:
        return []
    spans = zip(result.column("time"), result.column("timeend"), result.column("text"), strict=True)
    return [
        {"from": epoch_ms(start), "to": epoch_ms(end), "text": text, "colour": colour} for start, end, text in spans
    ]
