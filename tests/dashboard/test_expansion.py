"""Macros and intervals as Grafana's PostgreSQL data source expands them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from dashboard.grafana import panels
from dashboard.grafana.panels import Panel, TimeRange

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def last(**span: float) -> TimeRange:
    return TimeRange(NOON - timedelta(**span), NOON)


@pytest.mark.parametrize(
    ("macro", "sql"),
    [
        ("$__timeFilter(timestamp)", "timestamp BETWEEN '2026-11-24T11:00:00Z' AND '2026-11-24T12:00:00Z'"),
        ("$__timeFilter( a.t )", "a.t BETWEEN '2026-11-24T11:00:00Z' AND '2026-11-24T12:00:00Z'"),
        ("$__timeFrom()", "'2026-11-24T11:00:00Z'"),
        ("$__timeTo()", "'2026-11-24T12:00:00Z'"),
        ("$__unixEpochTo() - $__unixEpochFrom()", "1795521600 - 1795518000"),
        ("SAMPLE BY $__interval", "SAMPLE BY 15s"),
        ("$__interval_ms < 60000", "15000 < 60000"),
        ("'%$' $1", "'%$' $1"),
    ],
)
def test_a_macro(macro: str, sql: str) -> None:
    assert panels.expand(macro, last(hours=1), 15_000) == sql


def test_times_are_sent_in_utc_with_their_fraction() -> None:
    start = datetime(2026, 11, 24, 12, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=2)))
    assert panels.expand("$__timeFrom()", TimeRange(start, NOON), 1_000) == "'2026-11-24T10:00:00.123000Z'"


def test_an_unknown_macro_is_named() -> None:
    with pytest.raises(ValueError, match=r"\$__timeGrupo"):
        panels.expand("$__timeGrupo(timestamp, 5m)", last(hours=1), 1_000)


@pytest.mark.parametrize(
    ("span", "points", "minimum", "text"),
    [
        (last(minutes=5), 1_000, "1s", "1s"),  # 200 ms, which QuestDB could not read
        (last(minutes=5), 1_000, "100ms", "200ms"),
        (last(minutes=5), 120, "1s", "2s"),
        (last(hours=1), 120, "1s", "30s"),
        (last(hours=3), 120, "1s", "2m"),
        (last(hours=6), 120, ">1s", "2m"),
        (last(hours=24), 120, "1s", "10m"),
        (last(days=7), 120, "1s", "1h"),
        (last(days=30), 120, "1s", "6h"),
        (last(days=90), 120, "1s", "12h"),
        (last(days=365), 60, "1s", "1d"),
        (last(days=365), 60, "7d", "7d"),
        (last(days=36_500), 60, "1s", "1y"),
    ],
)
def test_an_interval_is_round_and_no_shorter_than_asked(span: TimeRange, points: int, minimum: str, text: str) -> None:
    assert panels.duration(panels.interval(span, points, minimum)) == text


def test_a_minimum_that_is_no_duration_is_named() -> None:
    with pytest.raises(ValueError, match="'soon'"):
        panels.interval(last(hours=1), 100, "soon")


def test_relative_times() -> None:
    assert TimeRange.parse("now-6h", "now", NOON) == last(hours=6)
    assert TimeRange.parse("now-2d", "now-1d", NOON) == TimeRange(NOON - timedelta(days=2), NOON - timedelta(days=1))
    with pytest.raises(ValueError, match="yesterday"):
        TimeRange.parse("yesterday", "now", NOON)


def test_a_panel_sends_its_own_interval() -> None:
    targets = [{"refId": "B", "rawSql": "SAMPLE BY $__interval"}]
    panel = Panel({"type": "timeseries", "title": "t", "interval": "1m", "maxDataPoints": 100, "targets": targets})
    assert panel.expanded(last(minutes=5)) == [("B", "SAMPLE BY 1m")]


def test_panels_inside_rows_are_found() -> None:
    inner = {"type": "stat", "title": "inner"}
    dashboard = {"panels": [{"type": "row", "title": "row", "panels": [inner]}, {"type": "stat", "title": "outer"}]}
    assert [panel.title for panel in panels.panels(dashboard)] == ["inner", "outer"]
