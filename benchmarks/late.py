"""`make bench-late`: what late events cost where the table holds a whole day, as it does once the poller has a token.

GitHub shows events half a minute to a day after they happened, in no order. QuestDB keeps rows in the order of time: to put
a row into the middle of a partition it writes all that follows anew. Each way of running the sink gets 170 events a second
with GitHub's delays, 300 at a time as the poller brings them, on a table that holds a day of them. One of each 300 is fresh, and its
latency is taken.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import report
from live import Source, percentile
from load import DATASET, ROWS_A_SECOND, Config, Events, Writer, create_topic, shipped
from rig import Meter, Rig
from waiting import last, until

if TYPE_CHECKING:
    import psutil

DAY = 86_400
ROWS = DAY * ROWS_A_SECOND
FRESH = 60  # seconds that a fresh event is old when it comes, like GitHub's freshest
PROBE = "probe"
POLL = 300  # events that a poll brings at once
# Events of an ordinary day, as wide as GitHub's, one after the other.
FILL = """INSERT INTO github_events SELECT (now()::long - {day}000000L + x * {day}000000L / {rows})::timestamp,
(x + 90000000000L)::varchar, rnd_symbol('PushEvent', 'WatchEvent', 'IssuesEvent'), rnd_symbol('opened', 'closed'),
rnd_varchar(15, 40, 0), rnd_varchar(8, 20, 0), rnd_varchar(8, 20, 5) FROM long_sequence({rows})"""


@dataclass
class Cost:
    """What one way cost: per cent of a core, megabytes a second, transactions; ages of fresh events in ms when first seen."""

    questdb: float
    written: float
    applied: float
    behind: int
    ages: list[float]


class Feed(Source):
    """Sends what polls bring: events with GitHub's delays, and a fresh one, whose time is kept."""

    def __init__(self, rig: Rig, topic: str, seed: int) -> None:
        """Send to `topic`; `seed` decides on the events."""
        super().__init__(rig, topic, ROWS_A_SECOND / POLL)
        self._events = Events(seed, "feed")

    def send(self, writer: Writer) -> None:
        """Send what a poll brings."""
        for _ in range(POLL - 1):
            writer.send(self._events.one(time.time()))
        created = time.gmtime(time.time() - FRESH)
        fresh = {"actor": PROBE, "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", created)}
        writer.send(self._events.one(time.time()) | fresh)


def fill(rig: Rig, rows: int) -> None:
    """Give the table a day of events."""
    query = FILL.format(day=DAY, rows=rows)
    # Not by rig.database, which waits for no statement as long as for this one.
    url, login = f"http://{rig.settings.questdb_address}/exec", rig.settings.questdb_login
    rig.session.get(url, params={"query": query}, auth=login, timeout=600).raise_for_status()
    until(lambda: rig.complete(DATASET, rows), "a day of events", 600, rig.why)


def written(process: psutil.Process) -> int:
    """Return the bytes that the process has had written to disk."""
    return int(process.io_counters().write_bytes)


def measure(rig: Rig, name: str, config: Config, seconds: float, seed: int) -> Cost:
    """Run one way for a while."""
    create_topic(rig.admin, name)
    rig.connector(name, config | {"topics": name, "table": DATASET})
    questdb = rig.processes()["questdb"]
    try:
        with Feed(rig, name, seed) as feed:
            last(5, "its group settles")
            before, applied, began = written(questdb), rig.transactions(DATASET)[0], time.monotonic()
            meter = Meter(rig.processes())
            ages = watch(rig, feed, seconds)
            passed = time.monotonic() - began
            now, sent = rig.transactions(DATASET)
            return Cost(
                meter.percent()["questdb"],
                (written(questdb) - before) / passed / 1e6,
                (now - applied) / passed,
                sent - now,
                ages,
            )
    finally:
        rig.remove_connector(name)
        until(lambda: len(set(rig.transactions(DATASET))) == 1, "all is applied", 600, rig.why)


def watch(rig: Rig, feed: Source, seconds: float) -> list[float]:
    """Look for the fresh events again and again; return their ages in ms when they were first seen."""
    query = f"SELECT count() n FROM {DATASET} WHERE actor = '{PROBE}' AND timestamp > dateadd('m', -30, now())"
    first, before = len(feed.sent), int(rig.database.run(query)[0]["n"])
    ages: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        visible = int(rig.database.run(query)[0]["n"]) - before
        now = time.monotonic()
        ages += [1000 * (now - sent) for sent in feed.sent[first + len(ages) : first + visible]]
        last(0.2, "a look that costs little")
    unseen = feed.sent[first + len(ages) :]
    return ages + [1000 * (time.monotonic() - sent) for sent in unseen]


def row(way: str, cost: Cost) -> list[str]:
    """Return the table's row of one way."""
    latency = [percentile(cost.ages, share) for share in (0.5, 0.99)]
    return [way, f"{cost.questdb:.0f}", f"{cost.written:.0f}", f"{cost.applied:.1f}", str(cost.behind), *latency]


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="of the day that the table holds")
    parser.add_argument("--seconds", type=float, default=660.0, help="of each way: more than two waits of late rows")
    parser.add_argument("--quick", action="store_true", help="short, nothing written to the page")
    options = parser.parse_args()
    seconds = 5.0 if options.quick else options.seconds
    rows = 10_000 if options.quick else options.rows
    ways = {"as shipped": shipped(), "`late.rows.wait.ms=0`": shipped(late__rows__wait__ms="0")}
    found = []
    with Rig() as rig:
        fill(rig, rows)
        for number, (way, config) in enumerate(ways.items()):
            # What does not wait needs no long look: it is the same at all times.
            cost = measure(rig, f"late{number}", config, seconds if number == 0 else min(seconds, 60.0), number)
            found.append(row(way, cost))
            print(found[-1], flush=True)
    head = ["late rows", "QuestDB, % of a core", "MB written a second", "transactions applied a second"]
    head += ["not applied at the end", "fresh event visible after, ms: p50", "p99"]
    text = (
        f"{rows:,} rows of 24 hours, then {ROWS_A_SECOND} events/s. {report.machine()}.\n\n{report.table(head, found)}"
    )
    print(text)
    if not options.quick:
        report.write("late", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
