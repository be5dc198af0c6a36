"""Numbers, colours and series as Grafana shows them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dashboard.drawing import colours, units
from dashboard.drawing.drawings import draw
from dashboard.drawing.results import Result, wide
from dashboard.grafana.panels import Panel, TimeRange
from dashboard.server.words import for_browser

NOON = datetime(2026, 11, 24, 12)  # noqa: DTZ001 - as QuestDB gives it
HOUR = TimeRange.parse("2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z", NOON)


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (0, "short", None, "0"),
        (0, "eps", 1, "0.0 evt/s"),
        (7, "short", None, "7"),
        (999, "short", None, "999"),
        (1_230, "short", None, "1.23 K"),
        (-1_230, "short", None, "-1.23 K"),
        (4_560_000, "short", None, "4.56 Mil"),
        (0.0123, "short", None, "0.0123"),
        (99.949, "percent", 1, "99.9%"),
        (170.25, "eps", 1, "170.2 evt/s"),
        (12_000.0, "eps", None, "12K evt/s"),
        (1_500_000, "decbytes", None, "1.5 MB"),
        (2_048, "bytes", None, "2 KiB"),
        (1_500, "Bps", None, "1.5 kB/s"),
        (0.002, "s", None, "2 ms"),
        (59, "s", 0, "59 s"),
        (90, "s", None, "1.5 min"),
        (5_400, "s", None, "1.5 hours"),
        (172_800, "s", None, "2 days"),
        (2_500, "ms", None, "2.5 s"),
        (88.6, "velocitykmh", 0, "89 km/h"),
        (3, "pigs", None, "3 pigs"),
        (None, "short", None, "-"),
        (float("nan"), "eps", None, "-"),
        (True, "short", None, "True"),
        ("text", "short", None, "text"),
    ],
)
def test_a_value_in_its_unit(value: object, unit: str, decimals: int | None, text: str) -> None:
    assert units.text(value, unit, decimals) == text


@pytest.mark.parametrize(
    ("least", "most", "unit", "texts"),
    [
        (0, 98, "short", ["0", "20", "40", "60", "80", "100", "120"]),
        (0, 0.3, "eps", ["0 evt/s", "0.1 evt/s", "0.2 evt/s", "0.3 evt/s", "0.4 evt/s"]),
        (0, 7_000, "s", ["0 s", "30 min", "1 hours", "1.5 hours", "2 hours", "2.5 hours"]),
        (-5, 5, "short", ["-6", "-4", "-2", "0", "2", "4", "6"]),
        (3, 3, "short", ["3", "3.2", "3.4", "3.6", "3.8", "4", "4.2"]),
    ],
)
def test_an_axis_has_round_steps_and_room_above(least: float, most: float, unit: str, texts: list[str]) -> None:
    values, written = units.ticks(least, most, unit)
    assert written == texts
    assert values[-1] > most


def test_names_have_their_colours_everywhere_and_no_two_the_same() -> None:
    names = [f"{name}Event" for name in ("Push", "Watch", "Create", "Fork", "Delete", "Issues", "Member", "Public")]
    assert len(set(colours.by_name(names).values())) == len(names)
    assert colours.by_name(["PushEvent"])["PushEvent"] == colours.by_name(["PushEvent", "zz"])["PushEvent"]


@pytest.mark.parametrize(("value", "colour"), [(None, "red"), (49, "red"), (50, "yellow"), (95, "green")])
def test_a_threshold_colours_what_reaches_it(value: float | None, colour: str) -> None:
    steps = [{"value": None, "color": "red"}, {"value": 50, "color": "yellow"}, {"value": 95, "color": "green"}]
    assert colours.by_threshold({"steps": steps}, value) == colours.NAMED[colour]


def test_a_long_answer_becomes_series_with_gaps() -> None:
    later = NOON + timedelta(seconds=30)
    rows = [(NOON, "a", 1), (NOON, "b", 2), (later, "b", 3)]
    assert wide([Result(["time", "metric", "n"], rows)]) == ([NOON, later], {"a": [1, None], "b": [2, 3]})


def test_two_queries_share_one_axis() -> None:
    first = Result(["time", "actual"], [(NOON, 1.0)])
    second = Result(["time", "forecast"], [(NOON + timedelta(hours=1), 2.0)])
    times, series = wide([first, second])
    assert len(times) == 2
    assert series == {"actual": [1.0, None], "forecast": [None, 2.0]}


def panel(kind: str, **model: Any) -> Panel:  # noqa: ANN401 - parts of a panel's JSON
    return Panel({"type": kind, "title": "t", "fieldConfig": {"defaults": {}, "overrides": []}, **model})


def test_an_interval_is_filled_down_to_its_lower_line() -> None:
    overrides = [
        {
            "matcher": {"id": "byName", "options": "upper"},
            "properties": [{"id": "custom.fillBelowTo", "value": "lower"}],
        }
    ]
    model = panel("timeseries", fieldConfig={"defaults": {"custom": {"fillOpacity": 20}}, "overrides": overrides})
    result = Result(["time", "forecast", "upper", "lower"], [(NOON, 2.0, 3.0, 1.0)])
    names = [trace["name"] for trace in draw(model, [result], HOUR)["data"]]
    assert names.index("upper") == names.index("lower") + 1
    assert [trace["fill"] for trace in draw(model, [result], HOUR)["data"] if trace["name"] == "upper"] == ["tonexty"]


def test_a_bar_spans_its_bucket() -> None:
    model = panel(
        "timeseries", maxDataPoints=60, fieldConfig={"defaults": {"custom": {"drawStyle": "bars"}}, "overrides": []}
    )
    (bar,) = draw(model, [Result(["time", "n"], [(NOON, 4)])], HOUR)["data"]
    assert (bar["offset"], bar["width"]) == (0, 60_000)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/${__value.text}", "https://github.com/a/b"),
        ("/d/x/y?var-repo=${__data.fields[0]}", "/d/x/y?var-repo=a/b"),
    ],
)
def test_a_bar_leads_to_what_it_stands_for(url: str, expected: str) -> None:
    links = {"defaults": {"links": [{"title": "Open", "url": url}]}, "overrides": []}
    drawing = draw(panel("bargauge", fieldConfig=links), [Result(["repo", "n"], [("a/b", 4)])], HOUR)
    assert [link["url"] for link in drawing["rows"][0]["links"]] == [expected]


@pytest.mark.parametrize(
    "kind", ["timeseries", "heatmap", "stat", "bargauge", "gauge", "piechart", "table", "text", "canvas"]
)
@pytest.mark.parametrize("rows", [[], [(NOON, None)]], ids=["no row", "NULL"])
def test_nothing_is_no_error(kind: str, rows: list[tuple[Any, ...]]) -> None:
    model = panel(kind, options={"color": {"exponent": 1}})
    assert draw(model, [Result(["time", "n"], rows)], HOUR)["kind"]


@pytest.mark.parametrize(
    ("spans", "shown", "lonely"),
    [
        (False, [1, None, 2, None, None, 3], True),
        (True, [1, 2, 3], False),
        (20_000, [1, 2, None, None, 3], True),
        (30_000, [1, 2, 3], False),
    ],
)
def test_a_line_goes_over_short_gaps_only(spans: bool | int, shown: list[int | None], lonely: bool) -> None:  # noqa: FBT001
    config = {"defaults": {"custom": {"spanNulls": spans}}, "overrides": []}
    rows = [(NOON + timedelta(seconds=10 * n), value) for n, value in enumerate([1, None, 2, None, None, 3])]
    (trace,) = draw(panel("timeseries", fieldConfig=config), [Result(["time", "n"], rows)], HOUR)["data"]
    assert trace["y"] == shown
    assert len(trace["x"]) == len(trace["customdata"]) == len(shown)
    assert ("markers" in trace["mode"]) is lonely, "a value alone has no line to be seen by"


def test_the_cell_of_a_heatmap_ends_at_its_time() -> None:
    model = panel("heatmap", options={"color": {"exponent": 1}}, maxDataPoints=60, interval="1s")
    (trace,) = draw(model, [Result(["time", "metric", "rate"], [(NOON, "a", 1)])], HOUR)["data"]
    assert trace["x"] == [NOON.replace(tzinfo=timezone.utc).timestamp() * 1_000 - 30_000]


def test_words_become_html_without_the_html_in_them() -> None:
    drawn = for_browser(draw(panel("text", options={"content": "**b** <i>i</i> [x](javascript:alert)"}), [], HOUR))
    assert drawn["html"] == "<p><strong>b</strong> &lt;i&gt;i&lt;/i&gt; [x](javascript:alert)</p>\n"
