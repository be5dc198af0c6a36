"""Each alert on rows that are missing, empty, of the future, ill and well: all cases in one QuestDB, each at a time of its own.

A case is a moment some days after the one before, and `now()` of the queries is that moment. So the rows of all later cases are
its future.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import questdb_server

from dashboard.grafana import panels, preview
from monitoring import alerts, check
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from questdb_server import Server

ALERTS = alerts.read()
# Not in the past, where rows would expire.
FIRST = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=2)
APART = timedelta(days=4)
LOOK = 10  # seconds between two looks
NEVER = {
    "events_stale": ["github_events, where no event has ever arrived"],
    "monitoring_silent": ["telegraf, which has never written"],
}

Value = str | int | float | bool


class Row(NamedTuple):
    """A row of a table, so many seconds before the case's moment."""

    table: str
    ago: float
    values: dict[str, Value]


def looks(table: str, **values: Value | Callable[[int], Value]) -> list[Row]:
    """Return the rows of 400 s of monitoring; a function gets the seconds ago."""
    times = range(400, -1, -LOOK)
    return [Row(table, ago, {name: v(ago) if callable(v) else v for name, v in values.items()}) for ago in times]


def group(name: str = "connect-github_events", **values: Value | Callable[[int], Value]) -> list[Row]:
    """Return looks at a consumer group that commits, and has a little to read."""
    usual: dict[str, Value | Callable[[int], Value]] = {
        "topic": "github_events",
        "partition_id": "0",
        "committed": lambda ago: 10_000 - ago,
        "lag": 3,
        "members": 1,
    }
    return looks("stack_groups", consumer_group=name, **{**usual, **values})


def polls(interval: float, *, minutes: int = 60, page: int = 1, poller: str = "python", **values: Value) -> list[Row]:
    """Return the requests of one page, each when it is due; all answers are full and share nothing, as on the public feed."""
    good: dict[str, Value] = {
        "status": 200,
        "fetched": 100,
        "fresh": 67,
        "duplicate": 33,
        "overlap": 0,
        "saturated": True,
    }
    rows = max(1, round(minutes * 60 / interval))
    offset = interval * page / 4
    return [
        Row(
            "github_polls",
            (rows - poll) * interval + offset,
            {"poller": poller, "page": page, "poll": poll, "interval": interval, "duration_ms": 400, **good, **values},
        )
        for poll in range(1, rows + 1)
    ]


def pages(interval: float, **values: Any) -> list[Row]:  # noqa: ANN401 - as of polls
    return [row for page in (1, 2, 3) for row in polls(interval, page=page, **values)]


WELL = {
    "disks": looks("stack_disks", path="/data", used_percent=50.0),
    "brokers": looks("stack_brokers", instance="broker:8778", offline_partitions=0, under_replicated=0),
    "topics": looks("stack_topics", topic="github_events", partition_id="0", first=0, next=lambda ago: 10_003 - ago),
    "dead letters": looks("stack_topics", topic="iot_data_dlq", partition_id="0", first=7, next=7),
    "groups": group(),
    "idle group": group(topic="iot_data", committed=20, lag=0),
    "tasks": looks("stack_tasks", connector="github_events", task="0", state="RUNNING"),
    "sinks": looks("stack_sinks", connector="github_events", task="0", outage=0, acknowledgement_age_ms=900),
    "jvm of the broker": looks("stack_jvms", part="broker", instance="broker:8778", threads=9),
    "jvm of Connect": looks("stack_jvms", part="connect", instance="kafka-connect:8779", threads=9),
    "questdb": looks("stack_questdb", instance="questdb:9003", commits_total=1),
    "reconciler": looks("stack_reconciler", problems=0, restarts=2),
    "polls": pages(30),
    "events": [Row("github_events", 300, {"id": "1", "type": "PushEvent", "repo": "a/b", "actor": "c"})],
}


def since(rows: Iterable[Row], ago: float) -> list[Row]:
    """Return the rows that are older: what wrote them has stopped."""
    return [row for row in rows if row.ago > ago]


@dataclass(frozen=True)
class Case:
    """What the tables hold at one moment.

    Rows instead of, or beside, those of WELL; `on` are the subjects of the alerts that must be on, all others must be off.
    """

    name: str
    rows: dict[str, list[Row]]
    on: dict[str, list[str]]


def having(rows: Iterable[Row], **values: Value) -> list[Row]:
    """Return the rows with other values."""
    return [row._replace(values=row.values | values) for row in rows]


REMOVED = since(looks("stack_tasks", connector="removed", task="0", state="RUNNING"), 100)
DOUBLE = Case(
    "two partitions, two tasks and a broker that is busy now and then",
    {
        "partition": looks(
            "stack_topics", topic="github_events", partition_id="1", first=0, next=lambda ago: 9_000 - ago
        ),
        "lag": group(partition_id="1", lag=4),
        "sinks": [
            row
            for task in ("0", "1")
            for row in looks(
                "stack_sinks",
                connector="github_events",
                task=task,
                outage=0,
                rows_total=lambda ago: 9_000 - 2 * ago,
                retries_total=lambda ago: 5 if ago < 95 else 3,
                rejected_total=0,
            )
        ],
        "brokers": looks(
            "stack_brokers",
            instance="broker:8778",
            offline_partitions=0,
            under_replicated=0,
            handlers_idle=lambda ago: 0.25 if ago == 50 else 0.75,
        ),
    },
    {},
)
CASES = [
    Case("well", {}, {}),
    DOUBLE,
    Case(
        "dead letters in two partitions",
        {
            "ill": [
                *looks("stack_topics", topic="a_dlq", partition_id="0", first=0, next=2),
                *looks("stack_topics", topic="a_dlq", partition_id="1", first=0, next=1),
            ]
        },
        {"dead_letters": ["a_dlq"]},
    ),
    Case("full disk", {"ill": looks("stack_disks", path="/full", used_percent=81.0)}, {"disk_full": ["/full"]}),
    Case(
        "stale events",
        {"events": [Row("github_events", 901, WELL["events"][0].values)]},
        {"events_stale": ["github_events"]},
    ),
    Case("growing lag", {"ill": group("g", lag=lambda ago: 9_000 - ago)}, {"lag_growing": ["g on github_events 0"]}),
    Case("growing lag of a group that has ended", {"ill": group("g", lag=lambda ago: 9_000 - ago, members=0)}, {}),
    Case(
        "growing lag of a connector without a worker",
        {"groups": group(lag=lambda ago: 9_000 - ago, members=0)},
        {"lag_growing": ["connect-github_events on github_events 0"]},
    ),
    Case(
        "growing lag while Connect does not answer",
        {"groups": group(lag=lambda ago: 9_000 - ago, members=0), "tasks": since(WELL["tasks"], 300)},
        {"lag_growing": ["connect-github_events on github_events 0"], "part_down": ["connect"]},
    ),
    Case(
        "one message that waits",
        {"groups": group(committed=500, lag=1)},
        {"group_stalled": ["connect-github_events on github_events 0"], "sink_outage": ["github_events"]},
    ),
    Case(
        "one message of a paused connector waits",
        {
            "groups": group(committed=500, lag=1),
            "tasks": looks("stack_tasks", connector="github_events", task="0", state="PAUSED"),
        },
        {
            "group_stalled": ["connect-github_events on github_events 0"],
            "task_not_running": ["github_events task 0 is PAUSED"],
        },
    ),
    Case(
        "nothing was ever committed",
        {
            "groups": [
                Row(r.table, r.ago, {k: v for k, v in r.values.items() if k != "committed"}) for r in group(lag=5)
            ]
        },
        {"group_stalled": ["connect-github_events on github_events 0"], "sink_outage": ["github_events"]},
    ),
    Case(
        "nothing committed for two minutes",
        {"groups": group(committed=lambda ago: 500 - max(ago, 120), lag=9)},
        {"sink_outage": ["github_events"]},
    ),
    Case("nothing committed for half a minute", {"groups": group(committed=lambda ago: 500 - max(ago, 30), lag=9)}, {}),
    Case(
        "another group stands still",
        {"ill": group("mine", committed=1, lag=1)},
        {"group_stalled": ["mine on github_events 0"]},
    ),
    Case("a group that has ended", {"ill": group("mine", committed=1, lag=1, members=0)}, {}),
    Case(
        "one message of a connector that was removed",
        {"ill": group("connect-removed", committed=1, lag=1, members=0), "its tasks": REMOVED},
        {},
    ),
    Case(
        "growing lag of a connector that was removed",
        {"ill": group("connect-removed", lag=lambda ago: 9_000 - ago, members=0), "its tasks": REMOVED},
        {},
    ),
    Case(
        "a sink that can't store",
        {"sinks": looks("stack_sinks", connector="github_events", task="0", outage=1)},
        {"sink_outage": ["github_events"]},
    ),
    Case(
        "one of two tasks can't store",
        {"ill": looks("stack_sinks", connector="github_events", task="1", outage=1)},
        {"sink_outage": ["github_events"]},
    ),
    Case(
        "a sink that could not store a moment ago",
        {"sinks": looks("stack_sinks", connector="github_events", task="0", outage=lambda ago: int(ago > 10))},
        {},
    ),
    Case(
        "telegraf stopped",
        {name: since(rows, 100) for name, rows in WELL.items() if rows[0].table.startswith("stack_")},
        {"monitoring_silent": ["telegraf"]},
    ),
    Case(
        "telegraf has just started",
        {name: [r for r in rows if r.ago < 30] for name, rows in WELL.items() if rows[0].table == "stack_disks"}
        | {
            name: []
            for name, rows in WELL.items()
            if rows[0].table.startswith("stack_") and rows[0].table != "stack_disks"
        },
        {},
    ),
    Case(
        "not as the files say",
        {"reconciler": looks("stack_reconciler", problems=2, restarts=0)},
        {"not_as_files_say": ["reconciler"]},
    ),
    Case(
        "a reconciler that has just begun",
        {"reconciler": [row for row in looks("stack_reconciler", problems=2, restarts=0) if row.ago < 20]},
        {},
    ),
    Case(
        "a reconciler whose problems have just ended",
        {"reconciler": looks("stack_reconciler", problems=lambda ago: 2 * int(ago > 10), restarts=0)},
        {},
    ),
    Case(
        "a copy is missing",
        {"brokers": looks("stack_brokers", instance="broker:8778", offline_partitions=0, under_replicated=4)},
        {"partitions_at_risk": ["broker:8778"]},
    ),
    Case(
        "a task has failed",
        {"tasks": looks("stack_tasks", connector="github_events", task="0", state="FAILED")},
        {"task_not_running": ["github_events task 0 is FAILED"]},
    ),
    Case(
        "the broker stopped",
        {
            name: since(WELL[name], 60)
            for name in ("brokers", "topics", "dead letters", "groups", "idle group", "jvm of the broker")
        },
        {"part_down": ["broker", "broker (offsets of topics)", "broker broker:8778"]},
    ),
    Case(
        "the second worker stopped",
        {"ill": since(looks("stack_jvms", part="connect", instance="kafka-connect-2:8779", threads=9), 60)},
        {"part_down": ["connect kafka-connect-2:8779"]},
    ),
    Case("the reconciler never answered", {"reconciler": []}, {"part_down": ["reconciler (never)"]}),
    Case(
        "all but disks never answered",
        {name: [] for name, rows in WELL.items() if rows[0].table.startswith("stack_") and name != "disks"},
        {
            "part_down": [
                f"{part} (never)"
                for part in (
                    "broker",
                    "broker (offsets of topics)",
                    "connect",
                    "connect (JMX)",
                    "questdb",
                    "reconciler",
                )
            ]
        },
    ),
    # The plans, on a feed of which every answer misses events.
    *(
        Case(
            f"a request of each page every {interval} s",
            {"polls": pages(interval, minutes=max(60, 2 * interval // 60))},
            {},
        )
        for interval in (2, 30, 60, 180, 600, 3600, 40_000)
    ),
    Case("a poller whose first hour has just begun", {"polls": pages(60, minutes=3)}, {}),
    Case("unchanged answers", {"polls": pages(60, status=304, fetched=0, fresh=0, saturated=False)}, {}),
    Case(
        "a poller that was stopped for the night",
        {"polls": [*[row._replace(ago=row.ago + 30_000) for row in pages(30)], *pages(30, minutes=12)]},
        {},
    ),
    Case(
        "a poller in another language took over",
        {"polls": [*since(pages(30), 900), *pages(60, poller="go", minutes=14)]},
        {},
    ),
    Case(
        "refused for half an hour",
        {"polls": [*since(pages(30), 1800), *pages(60, minutes=30, poll=99, status=401, error="unauthorized")]},
        {"poll_coverage": [f"python page {page}" for page in (1, 2, 3)], "polls_failing": ["python: unauthorized"]},
    ),
    Case(
        "refused for five minutes",
        {"polls": [*since(pages(30), 300), *pages(60, minutes=5, poll=99, status=401, error="unauthorized")]},
        {},
    ),
    Case(
        "restarted and refused again and again",
        {"polls": pages(30, minutes=20, poll=1, status=401, error="unauthorized")},
        {"polls_failing": ["python: unauthorized"]},
    ),
    Case(
        "no answer at all since the start",
        {"polls": pages(30, minutes=20, status=0, error="network")},
        {"poll_coverage": [f"python page {page}" for page in (1, 2, 3)], "polls_failing": ["python: network"]},
    ),
    Case(
        "limited, and waiting for the next hour",
        {
            "polls": [
                *since(pages(30), 1000),
                *(
                    Row(
                        "github_polls",
                        1000,
                        {
                            "poller": "python",
                            "page": page,
                            "poll": 90,
                            "interval": 3000.0,
                            "status": 403,
                            "error": "limit",
                        },
                    )
                    for page in (1, 2, 3)
                ),
            ]
        },
        {"poll_coverage": [f"python page {page}" for page in (1, 2, 3)], "polls_failing": ["python: limit"]},
    ),
    Case(
        "a limit that another program uses up",
        {"polls": [*since(pages(60), 1800), *pages(300, minutes=30, poll=99)]},
        {"poll_coverage": [f"python page {page}" for page in (1, 2, 3)]},
    ),
    Case(
        "answers that take three times the interval",
        {"polls": having(pages(90), interval=30.0)},
        {"poll_coverage": [f"python page {page}" for page in (1, 2, 3)]},
    ),
    Case(
        "a poller that hangs",
        {"polls": [r for r in pages(30) if r.ago > 1000]},
        {"poll_coverage": [f"python page {page}" for page in (1, 2, 3)]},
    ),
    Case(
        "one page of three fails",
        {"polls": [*polls(30, page=1), *polls(30, page=2, status=500, error="server"), *polls(30, page=3)]},
        {"poll_coverage": ["python page 2"]},
    ),
    Case(
        "every fourth answer fails",
        {
            "polls": [
                r._replace(
                    values=r.values | ({"status": 502, "error": "server"} if int(r.values["poll"]) % 4 == 0 else {})
                )
                for r in pages(30)
            ]
        },
        {},
    ),
]


def moment(case: Case) -> datetime:
    """Return the time at which a case is looked at."""
    return FIRST + (1 + CASES.index(case)) * APART


def concerned(case: Case) -> list[alerts.Alert]:
    """Return the alerts that read a table whose rows differ from those of WELL; all where none differ."""
    differ = {row.table for name in case.rows for row in [*case.rows[name], *WELL.get(name, [])]}
    return [alert for alert in ALERTS if not differ or any(table in alert.sql for table in differ)]


def evaluate(server: Server, at: datetime, wanted: Iterable[alerts.Alert] = ALERTS) -> dict[str, list[str]]:
    """Return the subjects of the alerts that are on at a time, and check what Grafana needs of their rows."""
    found = {}
    for alert in wanted:
        rows = server.sql(alert.query().replace("now()", f"'{at:%Y-%m-%dT%H:%M:%SZ}'::timestamp"))
        for row in rows:
            assert row.keys() == {"subject", "value"}, alert.name
            assert row["subject"], f"{alert.name}: Grafana makes a label of the subject"
            assert row["value"] is not None, f"{alert.name}: Grafana takes a NULL for no data"
            assert math.isfinite(row["value"]), alert.name
            assert row["value"] >= 0, f"{alert.name}: Grafana's rule compares with -1"
            assert check.sentence(alert, row)
        subjects = sorted(row["subject"] for row in rows)
        assert len(subjects) == len(set(subjects)), f"{alert.name}: Grafana refuses two rows with one label"
        if subjects:
            found[alert.name] = subjects
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A QuestDB with all tables and no row, until `server` fills it."""
    with questdb_server.running(tmp_path_factory.mktemp("questdb")) as running:
        yield running


@pytest.fixture(scope="module")
def server(empty: Server) -> Server:
    """That QuestDB with the rows of all cases, and in each table a row of NULLs at each case's moment."""
    assert evaluate(empty, FIRST) == NEVER, "no row at all"
    assert not any(tiles(empty).values()), "no tile shows a number, or fails"
    written = {row.table for row in all_rows(CASES[0])}
    columns = {
        table: {c["column"]: c["type"] for c in empty.sql(f"SELECT * FROM table_columns('{table}')")}
        for table in written
    }
    answer = empty.write(line(row, columns[row.table], moment(case)) for case in CASES for row in all_rows(case))
    assert answer.ok, answer.text
    for table in written - {"github_events"}:  # where any row is an event
        values = ", ".join(f"('{moment(case) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}')" for case in CASES)
        empty.sql(f"INSERT INTO {table} (timestamp) VALUES {values}")
    empty.settle()
    return empty


def tiles(server: Server) -> dict[str, list[object]]:
    """Return the numbers but 0 of the tiles of all dashboards; one that has none shows a word of its own."""
    found = {}
    times = panels.TimeRange(FIRST - timedelta(minutes=5), FIRST)
    with server.connect() as reader:
        for path in sorted((ROOT / "dashboard" / "grafana" / "dashboards").glob("*.json")):
            for panel in panels.panels(panels.load(path)):
                if panel.kind in {"stat", "gauge"}:
                    assert panel.model["fieldConfig"]["defaults"]["noValue"], panel.title
                    (result,) = preview.fetch(reader, panel, times)
                    found[f"{path.stem}: {panel.title}"] = [cell for row in result.rows for cell in row if cell]
    return found


def all_rows(case: Case) -> list[Row]:
    """Return the rows of a case."""
    return [row for rows in (WELL | case.rows).values() for row in rows]


def line(row: Row, columns: dict[str, str], now: datetime) -> str:
    """Return a row in line protocol."""
    symbols = "".join(f",{name}={escaped(value)}" for name, value in row.values.items() if columns[name] == "SYMBOL")
    fields = ",".join(f"{name}={number(value)}" for name, value in row.values.items() if columns[name] != "SYMBOL")
    return f"{row.table}{symbols} {fields} {round((now.timestamp() - row.ago) * 1e6)}"


def escaped(value: Value) -> str:
    """Return a tag's value."""
    return re.sub(r"([ ,=])", r"\\\1", str(value))


def number(value: Value) -> str:
    """Return a field's value."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value}i" if isinstance(value, int) else str(value)


def test_without_a_row_what_must_never_be_silent_is_on(server: Server) -> None:
    """All rows of the cases are of the future here."""
    assert evaluate(server, FIRST) == NEVER


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_exactly_what_is_ill_is_on(server: Server, case: Case) -> None:
    on = {name: sorted(subjects) for name, subjects in case.on.items()}
    assert evaluate(server, moment(case), concerned(case)) == on


def test_every_condition_on_rows_has_a_case() -> None:
    tested = {name for case in CASES for name in case.on} | NEVER.keys()
    assert tested == {alert.name for alert in ALERTS if "now()" in alert.sql}


def test_panels_add_up_partitions_and_tasks_and_show_the_worst(server: Server) -> None:
    now = moment(DOUBLE)
    dashboard = panels.load(ROOT / "dashboard" / "grafana" / "dashboards" / "stack.json")
    shown: dict[str, set[tuple[object, ...]]] = {}
    with server.connect() as reader:
        for panel in panels.panels(dashboard):
            if panel.title in DOUBLED:
                (result,) = preview.fetch(reader, panel, panels.TimeRange(now - timedelta(seconds=300), now))
                shown[panel.title] = {row[1:] for row in result.rows}
    assert {title: DOUBLED[title] <= rows for title, rows in shown.items()} == dict.fromkeys(DOUBLED, True), shown


# By title: rows that a chart has among others, without their time.
DOUBLED: dict[str, set[tuple[object, ...]]] = {
    "Messages a second, by topic": {("github_events", 2.0)},
    "Consumer lag, by group": {("connect-github_events", 7)},
    "Partitions at risk": {(0, 0)},
    "Request handlers busy, by broker": {("broker:8778", 75.0), ("broker:8778", 25.0)},
    "Sink: outages, retries and rejected records": {(0, 4, 0), (0, 0, 0)},
}
