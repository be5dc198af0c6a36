"""`make bench-quarter`: a quarter of a year through the stack: what grows, what TTL and retention remove, what Parquet saves.

Each simulated day is a window of ten minutes at GitHub's rate, a 144th of the day: in a window every second is as full as it is in
life, so minutes, ten minutes and partitions of a day are real ones. Messages have the times of their day. A hundred days pass, so that
tables of 30 and views of 90 days both drop their oldest. The table goes into docs/scaling.md.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import report
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from expectations import OTHER_TABLES
from load import ROWS_A_SECOND, Events
from stack import Stack
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PAGE = ROOT / "docs" / "scaling.md"
DAY, WINDOW = 86_400, 600  # seconds: of a day, and of what is simulated of it
LOOK = 10  # seconds between two looks of the monitoring
SCALE = DAY // WINDOW
EVENTS = WINDOW * ROWS_A_SECOND  # of a day
TOPIC = "github_events"
RETAINED_WITHIN = 400.0  # seconds: the broker looks every five minutes
MEGABYTE = 1e6
# In this order each reads the one before it.
VIEWS = tuple(f"{TOPIC}_{name}" for name in ("type_1m", "type_1h", "repo_10m", "repo_1d", "actor_10m", "actor_1d"))
LOOKED_AT = ("github_polls", *(table for table, writer in OTHER_TABLES.items() if writer == "telegraf"))
LARGE = 2**22  # bytes of a partition: what its files have in advance is a small part of them
QUERY = f"SELECT type, count(), count_distinct(repo) FROM {TOPIC} GROUP BY type"


class Feed:
    """Sends a day's events; the texts are those of one window, with new ids and times."""

    def __init__(self, bootstrap: str) -> None:
        """Draw the events of a window."""
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "enable.idempotence": True, "queue.buffering.max.messages": 1_000_000}
        )
        self._texts = [(event["repo"], _between(event)) for event in Events(1).many(EVENTS, 0)]
        self._next = 10**12

    def day(self, start: int) -> None:
        """Send the events of a window that begins at Unix time `start`; return when Kafka has them."""
        for number, (repo, text) in enumerate(self._texts):
            self.one(start + number // ROWS_A_SECOND, repo, text, self._next + number)
            if number % 1000 == 0:
                self._producer.poll(0)
        self._next += EVENTS
        assert self._producer.flush(120) == 0, "Kafka does not acknowledge"

    def one(self, at: int, repo: str, text: str, identity: int) -> None:
        """Queue one event."""
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        value = f'{{"id":"{identity}",{text},"created_at":"{created}"}}'
        self._producer.produce(TOPIC, value, repo, timestamp=at * 1000)

    def late(self, at: int) -> None:
        """Send an event of the past twice, as after a restart."""
        repo, text = self._texts[0]
        for _ in range(2):
            self.one(at, repo, text, self._next)
        assert self._producer.flush(60) == 0


def _between(event: dict[str, str]) -> str:
    return ",".join(f'"{key}":"{value}"' for key, value in event.items() if key not in {"id", "created_at"})


@dataclass(frozen=True)
class Sizes:
    """What there is after some days: rows and bytes of tables, bytes of topics and logs, resident memory of processes."""

    rows: dict[str, int]
    partitions: dict[str, int]
    tables: dict[str, int]
    data: dict[str, int]  # of tables, without what waits in their logs
    topics: dict[str, int]
    processes: dict[str, int]
    logs: int


def measured(stack: Stack) -> Sizes:
    """Look at everything that may grow."""
    found = stack.sql("SELECT tableName, rowCount, partitionCount, diskSize FROM table_storage()")
    kept = [row for row in found if not row[0].startswith(("look_", "sys.", "_"))]
    settings = stack.settings
    topics = [path for path in (settings.data / "kafka").iterdir() if path.name.rpartition("-")[2].isdigit()]
    return Sizes(
        {name: rows for name, rows, _, _ in kept},
        {name: partitions for name, _, partitions, _ in kept},
        {name: size for name, _, _, size in kept},
        {name: of_partitions(stack, name) for name, *_ in kept},
        {path.name.rpartition("-")[0]: occupied(path.glob("*.log")) for path in topics},
        {process.name: process.rss for process in stack.supervisor.processes() if process.rss},
        occupied(settings.logs.glob("*.log*")),
    )


def occupied(files: Iterable[Path]) -> int:
    """Return the bytes that files take on disk."""
    total = 0
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # retention has just removed it
            total += file.stat().st_blocks * 512
    return total


# --- The stage: the stack with empty tables, and nobody who writes to it ---


def prepare(stack: Stack) -> None:
    """Keep one look of the monitoring as a pattern, empty all tables, stop what would write to them."""
    until(lambda: all(stack.count(table) for table in LOOKED_AT), "rows in every table", 120, stack.logs)
    for name in ("github-events", "telegraf", "simulator"):
        stack.stop(name)
    for table in LOOKED_AT:
        ((newest,),) = stack.sql(f"SELECT max(timestamp) FROM {table}")
        one = f"SELECT * FROM {table} WHERE timestamp > dateadd('s', -{LOOK}, '{newest}')"
        stack.sql(f"CREATE TABLE look_{table} AS ({one})")
    for view in reversed(VIEWS):
        stack.sql(f"DROP MATERIALIZED VIEW {view}")
    for table in (TOPIC, *LOOKED_AT):
        stack.sql(f"DROP TABLE {table}")
    names = {TOPIC, *VIEWS, *LOOKED_AT}
    until(lambda: names <= tables(stack), "tables and views made anew", 90, lambda: stack.log("reconciler"))
    stack.stop("reconciler")  # it would undo what follows
    keep(stack, time_ms=-1, size=-1, segment=2**20)


def tables(stack: Stack) -> set[str]:
    """Return the names of all tables and views."""
    return {name for (name,) in stack.sql("SELECT table_name FROM tables()")}


def keep(stack: Stack, time_ms: int, size: int, segment: int) -> None:
    """Set the retention of the topic, in milliseconds and bytes."""
    entries = {"retention.ms": time_ms, "retention.bytes": size, "segment.bytes": segment}
    changes = [
        ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET) for name, value in entries.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=changes)
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap_servers})
    admin.incremental_alter_configs([resource])[resource].result()


# --- The days ---


def pass_day(stack: Stack, feed: Feed, start: int) -> None:
    """Let one day pass; return when all its rows are there."""
    feed.day(start)
    times = f"dateadd('s', {LOOK} * x::int, {start}000000::timestamp)"
    for table in LOOKED_AT:
        columns = [name for (name,) in stack.sql(f"SELECT \"column\" FROM table_columns('{table}')")]
        rest = ", ".join(f'"{name}"' for name in columns if name != "timestamp")
        looks = f"look_{table} CROSS JOIN long_sequence({WINDOW // LOOK})"
        stack.sql(f'INSERT INTO {table} ("timestamp", {rest}) SELECT {times}, {rest} FROM {looks}')
    window = f"timestamp >= {start}000000 AND timestamp < {start + WINDOW}000000"
    until(
        lambda: stack.sql(f"SELECT count() FROM {TOPIC} WHERE {window}")[0][0] == EVENTS,
        f"{EVENTS} events of a day",
        120,
        stack.logs,
    )


def refresh(stack: Stack) -> None:
    """Bring all views up to date: their own clock is the real one, on which a hundred days are minutes."""
    for view in VIEWS:
        stack.sql(f"REFRESH MATERIALIZED VIEW {view} INCREMENTAL")
        query = f"SELECT refresh_base_table_txn >= base_table_txn, view_status FROM materialized_views() WHERE view_name = '{view}'"
        until(lambda query=query: stack.sql(query) == [[True, "valid"]], f"{view} is up to date", 120, stack.logs)  # type: ignore[misc]
    until(
        lambda: stack.sql("SELECT count() FROM wal_tables() WHERE writerTxn < sequencerTxn")[0][0] == 0, "applied", 120
    )


def passed(stack: Stack, days: int, points: tuple[int, ...], note: Callable[[str], None]) -> dict[int, Sizes]:
    """Let all days pass up to yesterday; return what there was after some of them."""
    feed, found = Feed(stack.settings.kafka_bootstrap_servers), {0: measured(stack)}
    first = (int(time.time()) // DAY - days) * DAY
    for day in range(1, days + 1):
        pass_day(stack, feed, first + (day - 1) * DAY + DAY // 2)
        if day % 10 == 0 or day in points:
            refresh(stack)
        if day in points:
            found[day] = measured(stack)
            note(f"day {day}: {found[day].rows[TOPIC]:,} rows, {sum(found[day].tables.values()) / MEGABYTE:.0f} MB")
    return found


# --- What removes and what saves ---


def retained(stack: Stack) -> tuple[int, int]:
    """Give the topic its own retention, scaled; return its bytes before and after the broker's next look."""
    before = measured(stack).topics[TOPIC]
    limit = 2**30 // SCALE
    keep(stack, time_ms=7 * DAY * 1000, size=limit, segment=2**20)
    # A segment goes when what is left is still more than the limit.
    until(
        lambda: measured(stack).topics[TOPIC] <= limit + 2 * 2**20,
        "retention",
        RETAINED_WITHIN,
        lambda: stack.log("broker"),
    )
    return before, measured(stack).topics[TOPIC]


@dataclass(frozen=True)
class Parquet:
    """Bytes of the table and milliseconds of a query, before and after its partitions became Parquet."""

    before: int
    after: int
    query_before: float
    query_after: float


def to_parquet(stack: Stack, days: int) -> Parquet:
    """Turn all but the newest day into Parquet; check that a late event is still one row."""
    rows, before, query = stack.count(TOPIC), of_partitions(stack, TOPIC), milliseconds(stack)
    newest = (int(time.time()) // DAY - 1) * DAY
    stack.sql(f"ALTER TABLE {TOPIC} CONVERT PARTITION TO PARQUET WHERE timestamp < {newest}000000")
    waiting = f"SELECT count() FROM table_partitions('{TOPIC}') WHERE NOT isParquet AND minTimestamp < {newest}000000"
    until(lambda: stack.sql(waiting)[0][0] == 0, "Parquet", 300, lambda: stack.log("questdb"))
    Feed(stack.settings.kafka_bootstrap_servers).late(newest - min(days, 20) * DAY)
    until(lambda: stack.count(TOPIC) > rows, "a late event", 60, stack.logs)
    assert stack.count(TOPIC) == rows + 1, "an event that came twice is two rows in Parquet"
    return Parquet(before, of_partitions(stack, TOPIC), query, milliseconds(stack))


def of_partitions(stack: Stack, table: str) -> int:
    """Return the bytes of a table's partitions, without what waits in its log."""
    return int(stack.sql(f"SELECT sum(diskSize) FROM table_partitions('{table}')")[0][0] or 0)


def milliseconds(stack: Stack) -> float:
    """Return the shortest of five runs of a query that reads two columns of every row."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        stack.sql(QUERY)
        took.append(1000 * (time.perf_counter() - began))
    return min(took)


# --- The table ---


def rows_of(found: dict[int, Sizes]) -> list[list[object]]:
    """Return the lines: what, and its size after each of the days; of tables also what a whole day would make of it."""
    last, sizes = found[max(found)], list(found.values())
    tables = sorted((name for name in last.tables if last.rows[name]), key=lambda name: -last.tables[name])
    lines: list[list[object]] = [
        [f"`{table}`", last.partitions[table], *cells(sizes, "tables", table), in_full(last, table)] for table in tables
    ]
    lines += [[f"memory of {name}", "", *cells(sizes, "processes", name), ""] for name in last.processes]
    return [*lines, ["all logs", "", *(f"{size.logs / MEGABYTE:.1f}" for size in sizes), ""]]


def in_full(sizes: Sizes, table: str) -> str:
    """Return what a table would take at full size; nothing where a partition is mostly what files have in advance."""
    large = sizes.data[table] >= LARGE * sizes.partitions[table]
    return f"{sizes.data[table] * SCALE / 1e9:.0f} GB" if large else ""


def cells(sizes: list[Sizes], kind: str, name: str) -> list[str]:
    """Return one thing's megabytes on each of the days."""
    return [f"{getattr(size, kind).get(name, 0) / MEGABYTE:.1f}" for size in sizes]


def text(found: dict[int, Sizes], topic: tuple[int, int], parquet: Parquet, oldest: dict[str, int]) -> str:
    """Return what goes into the page."""
    days = max(found)
    head = (
        f"{days} days of {EVENTS:,} events, each day a window of {WINDOW // 60} minutes at {ROWS_A_SECOND} events/s: 1/{SCALE} of a "
        f"day. Megabytes on disk or in memory after so many days; small tables are mostly what QuestDB allots in advance. *In full* is "
        f"{SCALE} times the partitions of the last day, where they are large enough to tell. {report.machine()}.\n\n"
    )
    columns = ["what", "partitions", *(f"day {day}" for day in found), "in full"]
    kept = ", ".join(f"`{name}` {age}" for name, age in oldest.items())
    return (
        head
        + report.table(columns, rows_of(found))
        + f"\n\n- **TTL.** After day {days} the oldest rows are so many days old: {kept}.\n"
        + f"- **Retention.** Topic `{TOPIC}`: {topic[0] / MEGABYTE:.0f} MB written, {topic[1] / MEGABYTE:.1f} MB left by a scaled "
        + f"`retention.bytes` ({2**30 / SCALE / MEGABYTE:.1f} MB): in full {topic[0] * SCALE / days / 1e9:.1f} GB a day, so 1 GiB is "
        + f"{24 * 2**30 / (topic[0] * SCALE / days):.0f} hours.\n"
        + f"- **Parquet.** All partitions but the newest: {parquet.before / MEGABYTE:.0f} MB become {parquet.after / MEGABYTE:.0f} MB; "
        + f"a query over all rows takes {parquet.query_before:.0f} ms before and {parquet.query_after:.0f} ms after. A late event, sent "
        + "twice, is one row.\n"
        + f"- **Nothing was lost**: after each day all {EVENTS:,} rows of it were there."
    )


def ages(stack: Stack) -> dict[str, int]:
    """Return how many days old the oldest row of each table of events is."""
    query = "SELECT datediff('d', min(timestamp), now()) FROM "
    return {table: stack.sql(query + table)[0][0] for table in (TOPIC, *VIEWS, "github_polls", "stack_topics")}


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--dry", action="store_true", help="print the table only")
    arguments = parser.parse_args()
    points = tuple(range(arguments.days, 0, -30))
    with Stack(MONITORING_INTERVAL=str(LOOK)) as stack:
        stack.up()
        prepare(stack)
        found = passed(stack, arguments.days, points, lambda line: print(line, file=sys.stderr))
        oldest = ages(stack)
        written = text(found, retained(stack), to_parquet(stack, arguments.days), oldest)
    if not arguments.dry:
        report.write("quarter", written, PAGE)
    sys.stdout.write(written + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
