"""The charts of the stack's own dashboard on known looks: two partitions, two tasks, two brokers, an outage, slow counters.

Ten days back, so that no other rows are near: the first 100 s are looked at, 100 s are missing, 100 s are looked at again.
Every counter grows by less than one a second, so a quotient of whole numbers would show 0.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from questdb_server import ROOT

from dashboard.grafana import marks, panels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg
    from questdb_server import Server

DASHBOARD = panels.load(ROOT / "dashboard" / "grafana" / "dashboards" / "stack.json")
PANELS = {panel.title: panel for panel in panels.panels(DASHBOARD)}
START = int(time.time()) // 3_600 * 3_600 - 240 * 3_600
LOOK, COUNT = 10, 30  # seconds, looks
MISSING = range(10, 20)
RESTART, ALARM = 5, 7  # looks
LOOKS = [look for look in range(COUNT) if look not in MISSING]


class Source(NamedTuple):
    """Rows of a table, one a look: its tags, and its fields as functions of the number of the look."""

    table: str
    tags: dict[str, str]
    fields: dict[str, Callable[[int], float]]

    def line(self, look: int) -> str:
        """Return the row of one look in line protocol."""
        tags = "".join(f",{name}={value}" for name, value in self.tags.items())
        values = {name: value(look) for name, value in self.fields.items()}
        fields = ",".join(f"{name}={value}{'i' * isinstance(value, int)}" for name, value in values.items())
        return f"{self.table}{tags} {fields} {(START + LOOK * look) * 1_000_000}"


def slope(each: int) -> Callable[[int], float]:
    """Return a counter that grows by `each` from look to look."""
    return lambda look: each * look


def stored(task: int) -> Callable[[int], float]:
    """Return a counter that grows by 3; that of task 1 starts anew, and has then stored three rows again."""
    return lambda look: 3 * (look - RESTART + 1 if task and look >= RESTART else look + 1)


def idle(name: str) -> Callable[[int], float]:
    """Return how idle a broker is; b1 is busy once."""
    return lambda look: 0.25 if look == ALARM and name == "b1" else 0.75


SOURCES = [
    *(
        Source(
            "stack_topics",
            {"topic": "github_events", "partition_id": str(partition)},
            {"first": lambda _: 0, "next": slope(1 + partition)},
        )
        for partition in (0, 1)
    ),
    *(
        Source("stack_topics", {"topic": topic, "partition_id": "0"}, {"first": lambda _: 0, "next": slope(2)})
        for topic in ("rides", "connect_status", "__consumer_offsets")  # somebody's own, and two that are no data
    ),
    *(
        Source(
            "stack_groups",
            {"consumer_group": "g", "topic": "t", "partition_id": str(partition)},
            {"lag": lambda look: 6 if look == ALARM else 2},
        )
        for partition in (0, 1)
    ),
    *(
        Source(
            "stack_sinks",
            {"connector": "github_events", "task": str(task), "instance": "worker"},
            {
                "rows_total": stored(task),
                "retries_total": lambda look: int(look >= ALARM),
                "rejected_total": lambda _: 0,
                "outage": lambda look: int(look == ALARM),
            },
        )
        for task in (0, 1)
    ),
    *(
        Source(
            "stack_brokers",
            {"instance": name},
            {
                "bytes_in": slope(5),
                "bytes_out": slope(8),
                "offline_partitions": lambda _: 0,
                "under_replicated": lambda look: int(look == ALARM),
                "handlers_idle": idle(name),
            },
        )
        for name in ("b1", "b2")
    ),
    *(
        Source(
            "stack_jvms",
            {"part": "broker", "instance": name},
            {"cpu_ns": slope(1_000_000_000), "heap_used": lambda _: 100},
        )
        for name in ("b1", "b2")
    ),
    Source("stack_questdb", {"instance": "q"}, {"committed_rows_total": slope(4), "memory_rss": lambda _: 300}),
    Source("stack_disks", {"path": "/data"}, {"used_percent": lambda _: 50.0}),
    Source("stack_reconciler", {}, {"problems": lambda _: 0, "restarts": lambda look: 2 + (look >= ALARM)}),
]

Shown = dict[str | None, tuple[object, ...]]
# By panel: what a usual look shows of each series, and what the look ALARM shows of those that differ. Rates and increases have
# nothing to show at the first look.
USUAL: dict[str, tuple[Shown, Shown]] = {
    "Messages a second, by topic": ({"github_events": (0.3,), "rides": (0.2,)}, {}),
    "Consumer lag, by group": ({"g": (4,)}, {"g": (12,)}),
    "Bytes a second, by broker": (
        {f"b{n} {way}": (rate,) for n in (1, 2) for way, rate in (("in", 0.5), ("out", 0.8))},
        {},
    ),
    "Partitions at risk": ({None: (0, 0)}, {None: (0, 2)}),
    "Request handlers busy, by broker": ({"b1": (25.0,), "b2": (25.0,)}, {"b1": (75.0,)}),
    "Rows stored a second, by connector": ({"github_events": (0.6,)}, {}),
    "Sink: outages, retries and rejected records": ({None: (0, 0, 0)}, {None: (2, 2, 0)}),
    "Rows committed a second": ({"q": (0.4,)}, {}),
    "CPU of the JVMs": ({"broker": (20.0,)}, {}),
    "Memory": ({"heap of broker": (200,), "QuestDB in all": (300,)}, {}),
    "Reconciler: problems and restarts": ({None: (0, 0)}, {None: (0, 1)}),
}


@pytest.fixture(scope="module")
def looked_at(filled: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the server with these rows."""
    assert filled.write(source.line(look) for source in SOURCES for look in LOOKS).ok
    filled.settle()
    with filled.connect() as connection:
        yield connection


def shown(
    connection: psycopg.Connection[Any], title: str, seconds: int
) -> dict[tuple[Any, str | None], tuple[Any, ...]]:
    """Return (time, series) to values of the range that begins at START."""
    start = datetime.fromtimestamp(START, timezone.utc)
    times = panels.TimeRange(start, start + timedelta(seconds=seconds - 1))
    ((_, sql),) = PANELS[title].expanded(times)
    names, rows = panels.run(connection, sql)
    skip = 2 if "metric" in names else 1
    return {(row[0], row[1] if skip == 2 else None): tuple(map(rounded, row[skip:])) for row in rows}


def rounded(cell: object) -> object:
    """Return a cell without the last digits of a fraction."""
    return round(cell, 6) if isinstance(cell, float) else cell


def at(look: int) -> datetime:
    """Return the time of a look as QuestDB gives it."""
    return datetime.fromtimestamp(START + look * LOOK, timezone.utc).replace(tzinfo=None)


@pytest.mark.parametrize("title", USUAL)
def test_looks_are_added_up_and_an_outage_is_a_gap(looked_at: psycopg.Connection[Any], title: str) -> None:
    found = shown(looked_at, title, COUNT * LOOK)
    usual, alarm = USUAL[title]
    for look in range(1, COUNT):
        for name, values in usual.items():
            expected = (alarm if look == ALARM else {}).get(name, values)
            if look in MISSING:
                expected = (None,) * len(values)
            assert found[at(look), name] == expected, (look, name)


@pytest.mark.parametrize("title", [title for title in USUAL if "a second" in title or title == "CPU of the JVMs"])
def test_a_rate_survives_zooming(looked_at: psycopg.Connection[Any], title: str) -> None:
    for hours in (1, 6, 24):
        rates = {
            (name, values) for (_, name), values in shown(looked_at, title, 3_600 * hours).items() if values != (None,)
        }
        assert rates == set(USUAL[title][0].items())


@pytest.mark.parametrize("title", [title for title in USUAL if USUAL[title][1]])
def test_a_long_bucket_shows_the_worst_of_its_looks(looked_at: psycopg.Connection[Any], title: str) -> None:
    usual, alarm = USUAL[title]
    first = shown(looked_at, title, 6 * 3_600)
    assert {name: first[at(0), name] for name in usual} == usual | alarm


def test_lines_break_where_more_than_three_looks_are_missing() -> None:
    for panel in PANELS.values():
        if panel.kind == "timeseries":
            custom = panel.model["fieldConfig"]["defaults"]["custom"]
            assert custom["drawStyle"] == "bars" or custom["spanNulls"] in {45_000, 600_000}, panel.title


def test_outages_are_marked(looked_at: psycopg.Connection[Any]) -> None:
    start = datetime.fromtimestamp(START, timezone.utc)
    times = panels.TimeRange(start, start + timedelta(seconds=COUNT * LOOK))
    found = [panels.run(looked_at, sql)[1] for _, sql in marks.questions(DASHBOARD, times, {})]
    sink, _, silent = found
    assert sink == [(at(ALARM), at(ALARM), "github_events can't store rows")] * 2, "one of each task"
    assert silent == [(at(MISSING[0] - 1), at(MISSING[-1] + 1), "Telegraf wrote nothing")]
