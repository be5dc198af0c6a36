"""Every panel's SQL, sent as Grafana sends it, against known rows."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from dashboard_answers import AGES, ANSWERS, Window
from expectations import MADE
from questdb_server import ROOT

from dashboard.grafana import panels
from dashboard.grafana.panels import Panel, TimeRange
from dashboard.grafana.variables import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from dashboard_rows import Event, Rows

# Dashboards of datasets, but for those of `make new-dataset`, whose panels tests/datasets asks; tests/monitoring looks at that of
# the stack itself.
FILES = [
    file
    for file in sorted((ROOT / "dashboard" / "grafana" / "dashboards").glob("*.json"))
    if (ROOT / "questdb" / "schema" / f"{file.stem}.sql").exists() and file.stem not in {made.name for made in MADE}
]
PANELS = {
    (file.stem, panel.title): panel for file in FILES for panel in panels.panels(panels.load(file)) if panel.queries
}
COMPUTED = [key for key in PANELS if key not in AGES]
# Values of the variables, beside those that choose everything, and the events that they choose.
CHOICES: dict[str, tuple[dict[str, Value], Callable[[Event], bool]]] = {
    "one type": ({"type": Value(("PushEvent",), several=True)}, lambda event: event.type == "PushEvent"),
    "bots": ({"who": Value(("bots",))}, lambda event: event.bot),
    "people": ({"who": Value(("people",))}, lambda event: not event.bot),
    "repositories": ({"repo": Value(("REPO-1",))}, lambda event: "repo-1" in event.repo),
    "all of it": (
        {
            "type": Value(("PushEvent", "WatchEvent"), several=True),
            "who": Value(("people",)),
            "repo": Value(("octo/repo-0",)),
        },
        lambda event: event.type in {"PushEvent", "WatchEvent"} and not event.bot and event.repo == "octo/repo-0",
    ),
}
CHOOSING = (
    *("Events", "Mean rate", "Events a second, by type", "Type distribution", "Activity by type"),
    *("Top repositories", "Top actors"),
)
RANGES = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "3h": timedelta(hours=3),
    "6h": timedelta(hours=6),
    "2d": timedelta(days=2),
    "30d": timedelta(days=30),
}
# Columns that hold numbers, times or text on the wire (type numbers of PostgreSQL).
NUMBERS, TIMES, TEXTS = {20, 23, 701}, {1114}, {1043}


def window(rows: Rows, panel: Panel, span: timedelta) -> Window:
    """End between two rows' seconds, as a time picker does."""
    end = datetime.fromtimestamp(rows.now, timezone.utc) + timedelta(milliseconds=321)
    times = TimeRange(end - span, end)
    return Window(rows, times, _step(panel, times) // 1_000)


def _step(panel: Panel, times: TimeRange) -> int:
    return panels.interval(times, panel.model.get("maxDataPoints", panels.DEFAULT_POINTS), panel.model["interval"])


def comparable(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Round means, and sort: LongToWide needs only times in order, which has its own test."""
    return sorted(
        (tuple(round(cell, 6) if isinstance(cell, float) else cell for cell in row) for row in rows), key=repr
    )


def query(panel: Panel, times: TimeRange) -> str:
    ((_, sql),) = panel.expanded(times)
    return sql


def test_every_panel_is_recomputed() -> None:
    assert set(PANELS) == set(ANSWERS) | AGES
    assert not set(ANSWERS) & AGES


@pytest.mark.parametrize("span", RANGES)
@pytest.mark.parametrize("key", COMPUTED, ids="-".join)
def test_a_panel_shows_what_the_rows_say(
    reader: psycopg.Connection[Any], rows: Rows, key: tuple[str, str], span: str
) -> None:
    panel = PANELS[key]
    view = window(rows, panel, RANGES[span])
    _, answer = panels.run(reader, query(panel, view.times))
    assert answer
    assert comparable(answer) == comparable(ANSWERS[key](view))


@pytest.mark.parametrize("span", ["1h", "30d"])
@pytest.mark.parametrize("title", CHOOSING)
@pytest.mark.parametrize("choice", CHOICES)
def test_a_panel_shows_what_is_chosen(
    reader: psycopg.Connection[Any], rows: Rows, choice: str, title: str, span: str
) -> None:
    panel = PANELS["github_events", title]
    values, chosen = CHOICES[choice]
    view = window(replace(rows, events=[event for event in rows.events if chosen(event)]), panel, RANGES[span])
    # No view knows repositories; those of repositories and actors know nothing else.
    view = replace(view, raw="repo" in values or title.startswith("Top "))
    ((_, sql),) = panel.expanded(view.times, panel.defaults | values)
    _, answer = panels.run(reader, sql)
    shown = [row for row in answer if row[-1]]
    assert shown
    assert comparable(shown) == comparable(ANSWERS["github_events", title](view))


def test_a_choice_of_a_poller(reader: psycopg.Connection[Any], rows: Rows) -> None:
    panel = PANELS["github_events", "Requests left this hour"]
    times = window(rows, panel, RANGES["1h"]).times
    for poller, found in (("python", True), ("other", False)):
        ((_, sql),) = panel.expanded(times, panel.defaults | {"poller": Value((poller,), several=True)})
        assert bool(panels.run(reader, sql)[1]) is found


@pytest.mark.parametrize("ago", [0, 200])
def test_the_current_rate_is_that_of_five_minutes(reader: psycopg.Connection[Any], rows: Rows, ago: int) -> None:
    panel = PANELS["github_events", "Current rate"]
    end = rows.now - ago
    sql = query(panel, window(rows, panel, RANGES["30d"]).times).replace("now()", f"{end * 1_000_000}::timestamp")
    fresh = sum(poll.fresh for poll in rows.polls if end - 300 < poll.at <= end)
    assert panels.run(reader, sql)[1] == [(pytest.approx(fresh / 300),)]


@pytest.mark.parametrize("key", sorted(AGES - {("github_events", "Current rate")}), ids="-".join)
def test_an_age_is_that_of_the_newest_row(reader: psycopg.Connection[Any], rows: Rows, key: tuple[str, str]) -> None:
    panel = PANELS[key]
    _, ((age,),) = panels.run(reader, query(panel, window(rows, panel, RANGES["5m"]).times))
    newest = {"github_events": max(row.at for row in rows.events), "iot_data": max(row.at for row in rows.points)}
    most = time.time() - (rows.now if key[1] == "Since the last write" else newest[key[0]])
    assert 0 <= age <= most
    assert age > most - 5 or key[1] == "Since the last write"


@pytest.mark.parametrize("key", [key for key in PANELS if PANELS[key].kind in {"timeseries", "heatmap"}], ids="-".join)
def test_a_time_series_has_the_shape_grafana_wants(
    reader: psycopg.Connection[Any], rows: Rows, key: tuple[str, str]
) -> None:
    panel = PANELS[key]
    cursor = reader.execute(query(panel, window(rows, panel, RANGES["6h"]).times).encode())
    kinds = {column.name: column.type_code for column in cursor.description or ()}
    assert panel.model["targets"][0]["format"] == "time_series"
    assert kinds.pop("time") in TIMES
    if "metric" in kinds:
        assert kinds.pop("metric") in TEXTS
        assert len(kinds) == 1, "with more than one value column the series would be named after both"
    assert set(kinds.values()) <= NUMBERS
    times = [row[0] for row in cursor.fetchall()]
    assert times == sorted(times), "Grafana refuses a long series out of order"


@pytest.mark.parametrize(
    "key", [key for key in PANELS if PANELS[key].kind in {"stat", "gauge", "piechart", "bargauge"}]
)
def test_a_table_has_names_then_one_number(reader: psycopg.Connection[Any], rows: Rows, key: tuple[str, str]) -> None:
    panel = PANELS[key]
    cursor = reader.execute(query(panel, window(rows, panel, RANGES["6h"]).times).encode())
    *names, value = [column.type_code for column in cursor.description or ()]
    assert panel.model["targets"][0]["format"] == "table"
    assert value in NUMBERS
    assert set(names) <= TEXTS
    assert len(names) == (0 if panel.kind == "stat" else 1)


@pytest.mark.parametrize("span", RANGES)
@pytest.mark.parametrize("key", PANELS, ids="-".join)
def test_no_panel_reads_a_whole_table(
    reader: psycopg.Connection[Any], rows: Rows, key: tuple[str, str], span: str
) -> None:
    panel = PANELS[key]
    sql = query(panel, window(rows, panel, RANGES[span]).times)
    plan = [str(line) for (line,) in reader.execute(f"EXPLAIN {sql}".encode()).fetchall()]
    scans = [line.strip() for line in plan if re.search(r"scan on: ", line)]
    if "max(timestamp)" in sql and "300.0" not in sql:
        # From the newest row back, up to the first that is not of the future.
        assert scans == [f"Interval backward scan on: {key[0]}"]
        assert any("take-rows-max: 1" in line for line in plan), plan
    elif "tables()" in sql:
        assert not scans
    else:
        # Beside what was expected, where a panel shows that; and before and after whole days, the rest of their views.
        rest = 2 if "_1d" in sql and RANGES[span] > timedelta(days=2) else 0
        assert len(scans) == 1 + rest + sql.count("FROM github_events_forecast"), f"one source for each range: {plan}"
        assert all(re.match(r"Interval (forward|backward) scan on: ", scan) for scan in scans), plan


@pytest.mark.parametrize(
    ("span", "source"), [("3h", "github_events"), ("6h", "github_events_type_1m"), ("30d", "github_events_type_1h")]
)
def test_long_ranges_read_views(reader: psycopg.Connection[Any], rows: Rows, span: str, source: str) -> None:
    panel = PANELS["github_events", "Events a second, by type"]
    sql = query(panel, window(rows, panel, RANGES[span]).times)
    plan = reader.execute(f"EXPLAIN {sql}".encode()).fetchall()
    assert [line for (line,) in plan if line.endswith(f"scan on: {source}")], plan


@pytest.mark.parametrize("key", PANELS, ids="-".join)
def test_a_panel_of_an_empty_range_answers_without_error(
    reader: psycopg.Connection[Any], rows: Rows, key: tuple[str, str]
) -> None:
    panel = PANELS[key]
    end = datetime.fromtimestamp(rows.now, timezone.utc) - timedelta(days=200)
    for span in RANGES.values():
        panels.run(reader, query(panel, TimeRange(end - span, end)))
