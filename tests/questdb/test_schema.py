"""Tables and views of questdb/schema on a real QuestDB."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from expectations import DATASETS, MADE
from questdb_server import ROOT

from operations.reconciler import tables

if TYPE_CHECKING:
    from pathlib import Path

    from questdb_server import Server

SCHEMA = ROOT / "questdb" / "schema"
STATEMENTS = tables.read(SCHEMA)
DEDUPLICATED = {dataset.name: dataset.deduplicated for dataset in DATASETS}
MINUTE, TEN_MINUTES, HOUR, DAY = 60, 600, 3_600, 86_400
KINDS = ("PushEvent", "WatchEvent", "CreateEvent")
REPOS = ("octo/busy", "octo/quiet", "octo/rare", "octo/ünïcode")
ACTORS = ("ann", "bob", "helper[bot]", "[bot]ish")


@dataclass(frozen=True)
class Event:
    """One row of github_events; `at` in seconds since 1970."""

    at: int
    id: str
    type: str
    repo: str
    actor: str

    @property
    def line(self) -> str:
        """As line protocol."""
        fields = f'id="{self.id}",repo="{self.repo}",actor="{self.actor}"'
        return f"github_events,type={self.type} {fields} {self.at * 1_000_000}"


def some_events(count: int, start: int, span: int, seed: int = 1) -> list[Event]:
    """Return `count` events with different ids from `start` on, within `span` seconds."""
    chance = random.Random(seed)  # noqa: S311 - test data
    return [
        Event(
            start + chance.randrange(span),
            f"{seed}-{number}",
            chance.choice(KINDS),
            chance.choices(REPOS, (20, 3, 1, 5))[0],
            chance.choices(ACTORS, (20, 5, 3, 1))[0],
        )
        for number in range(count)
    ]


def write(server: Server, events: list[Event]) -> None:
    response = server.write(event.line for event in events)
    assert response.status_code == 204, response.text
    server.settle()


def stored(server: Server) -> set[Event]:
    columns = "(timestamp::long / 1000000) AS at, id, type, repo, actor"
    return {Event(**row) for row in server.sql(f"SELECT {columns} FROM github_events")}


def an_hour_ago() -> int:
    return int(time.time()) // HOUR * HOUR - HOUR


def definitions(server: Server) -> dict[str, str]:
    kinds = {statement.name: "MATERIALIZED VIEW" if statement.is_view else "TABLE" for statement in STATEMENTS}
    return {name: server.sql(f"SHOW CREATE {kind} {name}")[0]["ddl"] for name, kind in kinds.items()}


def test_applying_the_schema_again_changes_nothing(questdb: Server) -> None:
    before = definitions(questdb)
    questdb.apply_schema()
    assert definitions(questdb) == before
    assert set(before) == {statement.name for statement in STATEMENTS}


@pytest.mark.parametrize("path", sorted(SCHEMA.glob("*.sql")), ids=lambda path: path.stem)
def test_a_file_makes_the_table_of_its_name(questdb: Server, path: Path) -> None:
    row = questdb.sql(f"SELECT * FROM tables() WHERE table_name = '{path.stem}'")[0]
    assert row["designatedTimestamp"] == "timestamp"
    assert row["dedup"] == DEDUPLICATED.get(path.stem, True)
    if path.stem not in {dataset.name for dataset in MADE}:  # those keep a sample, however old
        assert (row["partitionBy"], row["ttlUnit"]) == ("DAY", "DAY")
        assert row["ttlValue"] >= 30


def test_columns_and_keys(questdb: Server) -> None:
    columns = questdb.sql("SELECT \"column\", type, upsertKey FROM table_columns('github_events')")
    assert [(row["column"], row["type"]) for row in columns] == [
        ("timestamp", "TIMESTAMP"),
        ("id", "VARCHAR"),
        ("type", "SYMBOL"),
        ("action", "SYMBOL"),
        ("repo", "VARCHAR"),
        ("actor", "VARCHAR"),
        ("org", "VARCHAR"),
    ]
    assert [row["column"] for row in columns if row["upsertKey"]] == ["timestamp", "id"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT timestamp, repo, COUNT() FROM github_events SAMPLE BY 5m;",
        "SELECT timestamp as time, type, count(*) as total FROM github_events sample by 15s;",
    ],
)
def test_queries_that_users_know(fresh: Server, query: str) -> None:
    events = some_events(200, an_hour_ago(), HOUR)
    write(fresh, events)
    with fresh.connect() as connection:
        rows = connection.execute(query.encode()).fetchall()
    assert sum(row[2] for row in rows) == len(events)
    assert {row[1] for row in rows} in ({event.repo for event in events}, {event.type for event in events})


def test_a_replay_stores_every_event_once(fresh: Server) -> None:
    events = some_events(500, an_hour_ago(), HOUR)
    again = random.Random(2).sample(events, len(events))  # noqa: S311 - test data
    for batch in (events, again, again[:100], events[250:]):
        write(fresh, batch)
    assert stored(fresh) == set(events)
    assert fresh.sql("SELECT count() AS rows FROM github_events")[0]["rows"] == len(events)


def test_the_same_id_at_another_second_is_another_event(fresh: Server) -> None:
    event = some_events(1, an_hour_ago(), HOUR)[0]
    both = [event, replace(event, at=event.at + 1)]
    write(fresh, both)
    assert stored(fresh) == set(both)


def test_the_last_write_of_an_event_wins(fresh: Server) -> None:
    event = some_events(1, an_hour_ago(), HOUR)[0]
    renamed = replace(event, repo="octo/renamed", type="ForkEvent")
    write(fresh, [event])
    write(fresh, [renamed])
    assert stored(fresh) == {renamed}


def by_type(events: set[Event], bucket: int) -> dict[tuple[int, str], tuple[int, int]]:
    """Count events and bots as the views of types should."""
    keys = [((event.at // bucket * bucket, event.type), event.actor.endswith("[bot]")) for event in events]
    counts, bots = Counter(key for key, _ in keys), Counter(key for key, bot in keys if bot)
    return {key: (count, bots[key]) for key, count in counts.items()}


def busy(events: set[Event], column: str) -> dict[tuple[int, str], int]:
    """Count as the views of busy repositories and actors should."""
    counts = Counter((event.at // TEN_MINUTES * TEN_MINUTES, str(getattr(event, column))) for event in events)
    return {key: count for key, count in counts.items() if count > 2}


def busy_days(events: set[Event], column: str) -> dict[tuple[int, str], int]:
    totals: Counter[tuple[int, str]] = Counter()
    for (at, name), count in busy(events, column).items():
        totals[at // DAY * DAY, name] += count
    return {key: count for key, count in totals.items() if count > 10}


def check_views(server: Server) -> None:
    events = stored(server)
    for view, bucket in (("github_events_type_1m", MINUTE), ("github_events_type_1h", HOUR)):
        rows = server.sql(f"SELECT timestamp::long / 1000000 AS at, type, events, bots FROM {view}")
        assert {(row["at"], row["type"]): (row["events"], row["bots"]) for row in rows} == by_type(events, bucket), view
        assert len(rows) == len(by_type(events, bucket))
    for column in ("repo", "actor"):
        rows = server.sql(f"SELECT timestamp::long / 1000000 AS at, {column}, events FROM github_events_{column}_10m")
        assert {(row["at"], row[column]): row["events"] for row in rows} == busy(events, column), column
        assert len(rows) == len(busy(events, column))
        rows = server.sql(f"SELECT timestamp::long / 1000000 AS at, {column}, events FROM github_events_{column}_1d")
        assert {(row["at"], row[column]): row["events"] for row in rows} == busy_days(events, column), column
        assert len(rows) == len(busy_days(events, column))


def test_views_stay_exact_under_duplicates_late_events_and_upserts(fresh: Server) -> None:
    now = an_hour_ago()
    events = some_events(3_000, now, HOUR)
    write(fresh, events)
    check_views(fresh)
    write(fresh, events[500:1_500])  # the same again
    check_views(fresh)
    write(fresh, some_events(300, now - 20 * HOUR, 20 * HOUR, seed=2) + events[:50])  # hours late
    check_views(fresh)
    write(fresh, [replace(event, type="ForkEvent", repo="octo/rare", actor="helper[bot]") for event in events[::3]])
    check_views(fresh)
    assert busy_days(stored(fresh), "repo"), "nothing was busy: the test says nothing"
    assert any(bots for _, bots in by_type(stored(fresh), MINUTE).values())


def test_views_over_late_data_refresh_by_the_clock(questdb: Server) -> None:
    rows = questdb.sql(
        "SELECT view_name, view_status, refresh_type, timer_interval, timer_interval_unit FROM materialized_views()"
    )
    assert {row["view_status"] for row in rows} == {"valid"}
    timers = {row["view_name"]: row["timer_interval"] for row in rows if row["refresh_type"] == "timer"}
    assert timers == {"github_events_type_1m": 1, "github_events_repo_10m": 5, "github_events_actor_10m": 5}
    assert {row["timer_interval_unit"] for row in rows if row["refresh_type"] == "timer"} == {"MINUTE"}


def test_events_older_than_the_ttl_are_dropped(fresh: Server) -> None:
    events = some_events(10, an_hour_ago(), HOUR)
    write(fresh, [*events, *(replace(event, at=event.at - 40 * DAY) for event in events)])
    assert stored(fresh) == set(events)


def test_speeds_are_added_up_without_those_that_are_missing(questdb: Server) -> None:
    minute = an_hour_ago() * 1_000_000
    lines = [f"iot_data,device_id=d1,device_type=car speed={speed}i,lat=1.5 {minute + speed}" for speed in (10, 20, 60)]
    response = questdb.write([*lines, f"iot_data,device_id=d2,device_type=car measure1=4i {minute}", *lines])
    assert response.status_code == 204, response.text
    questdb.settle()
    row = questdb.sql("SELECT points, speed_sum, speed_count, speed_max, measure1_sum FROM iot_data_type_1m")
    assert row == [{"points": 4, "speed_sum": 90, "speed_count": 3, "speed_max": 60, "measure1_sum": 4}]
