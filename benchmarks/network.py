"""`make bench-network`: how fast a topic of events becomes rows when QuestDB is far away from what sends them.

A proxy lets each direction take its time and limits nothing else. With OFFICIAL_SINK=path (its jars, or a folder of them) QuestDB's
official connector takes part. Last, our sink does it once more while connections are reset at random moments.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import TYPE_CHECKING

import report
from forwarder import open_door
from rig import Rig, official, official_sink
from sink import SEED, Run, Variant, arguments, by_connector, by_consumer, chosen, fill, measure, ours
from stack import free_ports

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from forwarder import Door
    from load import Checksum

ROUND_TRIPS = (0, 10, 50, 100)  # ms
OURS = "our sink"
CONSUMER = "Python consumer"
OFFICIAL = "official, auto_flush_rows={}"
# At a distance its larger requests are the faster ones: the client's own default, and that of the benchmark of the sink.
FLUSHES = (75_000, 10_000)
BETWEEN_RESETS = 0.5  # seconds, on average

Runs = dict[tuple[str, int], list[Run]]


def variants(rig: Rig, address: str) -> list[Variant]:
    """Return the ways to compare, all of them into QuestDB at `address`."""
    client = rig.client(address)
    ways = {
        OURS: by_connector(ours(client__conf__string=client)),
        CONSUMER: by_consumer(address=address),
    }
    if official_sink():
        for rows in FLUSHES:
            settings = official(f"{client}auto_flush_rows={rows};", consumer__override__max__poll__records="5000")
            ways[OFFICIAL.format(rows)] = by_connector(settings)
    return [Variant(name, drain, dedup=True) for name, drain in ways.items()]


def rounds(rig: Rig, options: argparse.Namespace, checksum: Checksum) -> Runs:
    """Measure every way at every distance in every round, in changing order. The first round warms up, and checks what is stored."""
    runs = defaultdict[tuple[str, int], list[Run]](list)
    with ExitStack() as doors:
        cases = []
        for trip in options.round_trips:
            (port,) = free_ports(1)
            doors.enter_context(open_door(port, rig.settings.ports.questdb_http, trip / 2000))
            cases += [(way, trip) for way in variants(rig, f"127.0.0.1:{port}") if options.only in way.name]
        shuffle = random.Random(SEED).shuffle  # noqa: S311 - no secret
        for number in range(options.runs + 1):
            shuffle(cases)
            for way, trip in cases:
                run = measure(rig, way, options.events, None if number else checksum)
                print(number, way.name, f"{trip} ms: {run.seconds:.2f} s", run.cpu, run.transactions, flush=True)
                if number or not options.runs:
                    runs[way.name, trip].append(run)
    return runs


@contextmanager
def resetting(door: Door) -> Iterator[list[bool]]:
    """Reset a connection of the door at random moments; the list grows with each."""
    draw, end, resets = random.Random(SEED), threading.Event(), list[bool]()  # noqa: S311 - no secret

    def run() -> None:
        while not end.wait(draw.expovariate(1 / BETWEEN_RESETS)):
            if door.reset_one(draw):
                resets.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield resets
    finally:
        end.set()
        thread.join()


def interrupted(rig: Rig, options: argparse.Namespace, checksum: Checksum) -> str:
    """Drain by our sink with connections reset all the while; return what came of it. Fails if a row is lost or double."""
    trip = max(options.round_trips)
    (port,) = free_ports(1)
    with open_door(port, rig.settings.ports.questdb_http, trip / 2000) as door, resetting(door) as resets:
        run = measure(rig, variants(rig, f"127.0.0.1:{port}")[0], options.events, checksum)
    return (
        f"Our sink once more at {trip} ms, while {len(resets)} times a connection was reset at a random moment: "
        f"{options.events / run.seconds / 1000:.0f} thousand rows/s, and every row was stored once."
    )


def rows(runs: Runs, options: argparse.Namespace) -> list[list[str]]:
    """Return the table's rows: thousands of rows a second by distance, and what is left of them at the largest one."""
    nearest, farthest = min(options.round_trips), max(options.round_trips)
    made = []
    for name in dict.fromkeys(name for name, _ in runs):
        by_trip = {trip: runs[name, trip] for trip in sorted(options.round_trips)}
        speeds = [
            report.spread([options.events / run.seconds / 1000 for run in found], 0) for found in by_trip.values()
        ]
        pairs = zip(by_trip[nearest], by_trip[farthest], strict=True)
        left = report.spread([100 * near.seconds / far.seconds for near, far in pairs], 0)
        made.append([name, *speeds, left])
    return sorted(made, key=lambda row: median(run.seconds for run in runs[row[0], farthest]))


def text(runs: Runs, options: argparse.Namespace) -> str:
    """Return the section of the page."""
    head = (
        f"{options.events:,} events of one topic and partition, DEDUP, {options.runs} interleaved runs, 1,000 rows/s, "
        f"median (min..max). {report.machine()}.\n\n"
    )
    trips = sorted(options.round_trips)
    columns = ["way", *(f"{trip} ms a round trip" for trip in trips), f"{trips[-1]} ms in % of {trips[0]} ms"]
    return head + report.table(columns, rows(runs, options))


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = arguments(__doc__, events=5_000_000, runs=3)
    parser.add_argument("--round-trips", type=int, nargs="+", default=ROUND_TRIPS, metavar="MS")
    options = chosen(parser)
    with Rig(official_sink()) as rig:
        checksum, _ = fill(rig, options.events, "prompt")
        found = text(rounds(rig, options, checksum), options) + "\n\n" + interrupted(rig, options, checksum)
    print(found)
    if not options.quick and not options.only:
        report.write("network", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
