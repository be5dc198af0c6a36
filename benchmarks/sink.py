"""`make bench-sink`: how fast a topic of events becomes rows, and what that costs, by our sink and by what one could use instead.

With OFFICIAL_SINK=path (its jars, or a folder of them) QuestDB's official connector takes part.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

import psutil
import report
import topics
from load import LATENESS, NEWEST, Checksum, Config, Event, Events, shipped, stored
from rig import Meter, Rig, official, official_sink
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 1
REQUEST_ROWS = 50_000  # of the direct writer
LIMIT = 600.0  # seconds for one drain


@dataclass(frozen=True)
class Run:
    """One drain: seconds until all rows could be queried, CPU seconds by process, transactions QuestDB was sent."""

    seconds: float
    cpu: dict[str, float]
    transactions: int


@dataclass(frozen=True)
class Variant:
    """One way from the topic to the table; `drain` gets the rig, the number of events and the table."""

    name: str
    drain: Callable[[Rig, int, str], Run]
    dedup: bool | None = None  # None: no table at all


def ours(**changes: str) -> Config:
    """Return the shipped connector without a wait of late rows, for all of these events are from long ago; see `shipped`."""
    return shipped(**({"late__rows__wait__ms": "0"} | changes))


def by_connector(config: Config, topic: str = topics.JSON) -> Callable[[Rig, int, str], Run]:
    """Drain a topic by a Connect connector."""

    def drain(rig: Rig, count: int, table: str) -> Run:
        meter, began = Meter(rig.processes()), time.monotonic()
        rig.connector(table, config | {"topics": topic, "table": table})
        try:
            until(lambda: rig.complete(table, count), f"{count} rows in {table}", LIMIT, rig.why)
            return Run(time.monotonic() - began, meter.seconds(), rig.transactions(table)[1])
        finally:
            rig.remove_connector(table)

    return drain


def by_consumer(*options: str, address: str = "") -> Callable[[Rig, int, str], Run]:
    """Drain by benchmarks/consumer.py into QuestDB at `address`; its start does not count, as Connect's does not."""

    def drain(rig: Rig, count: int, table: str) -> Run:
        where = ["--topic", topics.JSON]
        what = ["--group", table, "--table", table, "--count", str(count), *options]
        command = [sys.executable, str(ROOT / "benchmarks" / "consumer.py"), *where, *what]
        variables = {**os.environ, **rig.settings.kafka_outside, "CLIENT": rig.client(address)}
        with psutil.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "ready\n"
            meter, began = Meter(rig.processes() | {"connect": process}), time.monotonic()
            process.stdin.write("go\n")
            process.stdin.flush()
            if "--discard" in options:
                return ended(process, meter, began)
            until(lambda: rig.complete(table, count), f"{count} rows in {table}", LIMIT, rig.why)
            return Run(time.monotonic() - began, meter.seconds(), rig.transactions(table)[1])

    return drain


def ended(process: psutil.Popen, meter: Meter, began: float) -> Run:
    """Wait until a reader has read all; a process that has ended can't be asked for its CPU any more."""
    cpu = meter.seconds()
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        try:
            cpu = meter.seconds()
        except psutil.NoSuchProcess:
            break
        time.sleep(0.02)
    return Run(time.monotonic() - began, cpu, 0)


class Direct:
    """The same events as requests in ILP, written in advance: what QuestDB takes when nobody has to read Kafka or JSON."""

    def __init__(self) -> None:
        """Start with no request."""
        self._requests: list[bytes] = []
        self._lines: list[str] = []

    def add(self, event: Event) -> None:
        """Add one event."""
        tags = "".join(f",{name}={event[name]}" for name in ("type", "action") if name in event)
        fields = ",".join(f'{name}="{event[name]}"' for name in ("id", "repo", "actor", "org") if name in event)
        at = datetime.fromisoformat(event["created_at"].replace("Z", "+00:00"))
        self._lines.append(f"{tags} {fields} {at.timestamp():.0f}\n")
        if len(self._lines) == REQUEST_ROWS:
            self.close()

    def close(self) -> None:
        """End the request."""
        self._requests.append("".join(self._lines).encode())
        self._lines.clear()

    def drain(self, rig: Rig, count: int, table: str) -> Run:
        """Send all requests, one after the other."""
        name = table.encode()
        bodies = [name + body[:-1].replace(b"\n", b"\n" + name) + b"\n" for body in self._requests if body]
        meter, began = Meter(rig.processes()), time.monotonic()
        url, login = rig.settings.questdb_http_url + "/write", rig.settings.questdb_login
        for body in bodies:
            rig.session.post(url, params={"precision": "s"}, data=body, auth=login, timeout=60).raise_for_status()
        until(lambda: rig.complete(table, count), f"{count} rows in {table}", LIMIT, rig.why)
        cpu = {name: seconds for name, seconds in meter.seconds().items() if name != "connect"}
        return Run(time.monotonic() - began, cpu, rig.transactions(table)[1])


def fill(rig: Rig, count: int, lateness: str, *further: str) -> tuple[Checksum, Direct]:
    """Write the events to the topic, and to `further` ones; return their checksum, and the same events as requests."""
    writers, direct = [topics.made(rig, topic) for topic in (topics.JSON, *further)], Direct()
    for event in Events(SEED, lateness).many(count, NEWEST):
        for writer in writers:
            writer.send(event)
        direct.add(event)
    for writer in writers:
        writer.finish()
    direct.close()
    return writers[0].checksum, direct


FAST = "our sink, fast path"
GENERIC = "our sink, generic path"
OLDER = "official, the older template's settings"
BEST = "official, auto_flush_rows=10000"
CONSUMER = "Python consumer"
DIRECT = "requests written in advance"
AVRO = "our sink, Avro"
OFFICIAL_AVRO = "official, auto_flush_rows=10000, Avro"
TASKS = (1, 2, 4)


def variants(rig: Rig, direct: Direct) -> list[Variant]:
    """Return all ways to compare."""
    client = rig.client()
    ways = {
        FAST: by_connector(ours()),
        GENERIC: by_connector(
            ours(value__converter="org.apache.kafka.connect.json.JsonConverter")
            | {"value.converter.schemas.enable": "false"}
        ),
        CONSUMER: by_consumer(),
        DIRECT: direct.drain,
        AVRO: by_connector(ours() | topics.avro_converter(), topics.AVRO),
    }
    if official_sink():
        ways[OLDER] = by_connector(official(client, tasks__max="5"))
        best = official(client + "auto_flush_rows=10000;", tasks__max="1")
        ways[BEST] = by_connector(best)
        ways[OFFICIAL_AVRO] = by_connector(best | topics.avro_converter(), topics.AVRO)
    found = [Variant(name, drain, dedup) for name, drain in ways.items() for dedup in (False, True)]
    spread = [
        Variant(
            f"{FAST}, 4 partitions, tasks.max={most}",
            by_connector(ours(tasks__max=str(most)), topics.SPREAD),
            dedup=True,
        )
        for most in TASKS
    ]
    return [*found, *spread, Variant("reading the topic only", by_consumer("--discard"))]


Runs = dict[Variant, list[Run]]


def measure(rig: Rig, variant: Variant, count: int, checksum: Checksum | None) -> Run:
    """Drain once into a fresh table; compare what is stored with the source if a checksum is given."""
    if variant.dedup is None:
        return variant.drain(rig, count, f"bench_{time.monotonic_ns()}")
    table = f"bench_{time.monotonic_ns()}"
    rig.create_table(table, dedup=variant.dedup)
    run = variant.drain(rig, count, table)
    assert rig.rows(table) == count, f"{variant.name}: {rig.rows(table)} rows of {count} events"
    if checksum:
        found = stored(rig.settings, table)
        assert found == checksum, f"{variant.name}: stored {found}, sent {checksum}"
    rig.drop_table(table)
    return run


def rounds(rig: Rig, options: argparse.Namespace) -> Runs:
    """Measure every variant in every round, in changing order. The first round warms up, and checks what is stored."""
    checksum, direct = fill(rig, options.events, options.lateness, topics.SPREAD, topics.AVRO)
    ways, runs = variants(rig, direct), defaultdict[Variant, list[Run]](list)
    if options.only:
        ways = [way for way in ways if options.only in way.name]
    shuffle = random.Random(SEED).shuffle  # noqa: S311 - no secret
    for number in range(options.runs + 1):
        shuffle(ways)
        for way in ways:
            run = measure(rig, way, options.events, None if number else checksum)
            print(number, way.name, "DEDUP" if way.dedup else "", f"{run.seconds:.2f} s", run.cpu, run.transactions)
            if number or not options.runs:
                runs[way].append(run)
    return runs


def rows(runs: Runs, events: int) -> list[list[str]]:
    """Return the table's rows, fastest first."""
    millions = events / 1e6
    made = []
    for way, found in sorted(runs.items(), key=lambda item: (bool(item[0].dedup), median(r.seconds for r in item[1]))):
        cpu = {
            name: report.spread([run.cpu[name] / millions for run in found], 2)
            for name in ("connect", "questdb", "broker")
            if name in found[0].cpu
        }
        made.append(
            [
                way.name,
                {None: "", True: "yes", False: "no"}[way.dedup],
                report.spread([run.seconds for run in found], 2),
                f"{events / 1000 / median(run.seconds for run in found):.0f}",
                *(cpu.get(name, "") for name in ("connect", "questdb", "broker")),
                str(median(run.transactions for run in found)) if way.dedup is not None else "",
            ]
        )
    return made


def ratios(runs: Runs) -> list[list[str]]:
    """Return how our sink compares with what is there instead, round by round: within a round the machine was the same."""
    by_name = {(way.name, way.dedup): found for way, found in runs.items()}
    rivals: dict[str, dict[str, tuple[str, ...]]] = {
        FAST: {CONSUMER: (CONSUMER,), "official, at its best": (OLDER, BEST), DIRECT: (DIRECT,)},
        GENERIC: {CONSUMER: (CONSUMER,), "official, at its best": (OLDER, BEST)},
        AVRO: {"official, Avro": (OFFICIAL_AVRO,), "JSON, fast path": (FAST,)},
    }
    return [
        [ours, "yes" if dedup else "no", shown, *by_round(by_name[ours, dedup], best)]
        for ours, others in rivals.items()
        for dedup in (False, True)
        for shown, names in others.items()
        if (best := _fastest([by_name[name, dedup] for name in names if (name, dedup) in by_name]))
        if (ours, dedup) in by_name
    ]


def _fastest(ways: list[list[Run]]) -> list[Run]:
    """Return the runs of the way with the shortest median, none if there is no way."""
    return min(ways, key=lambda runs: median(run.seconds for run in runs), default=[])


def by_round(ours: list[Run], rival: list[Run]) -> tuple[str, str]:
    """Return times as fast, and times the CPU of Connect or the consumer if the rival has one: the ratios of each round."""
    pairs = list(zip(ours, rival, strict=True))
    cpu = [own.cpu["connect"] / other.cpu["connect"] for own, other in pairs if "connect" in other.cpu]
    return report.spread([other.seconds / own.seconds for own, other in pairs], 2), report.spread(cpu, 2) if cpu else ""


def text(runs: Runs, options: argparse.Namespace) -> str:
    """Return the section of the page."""
    head = (
        f"{options.events:,} events of one topic and partition, {options.runs} interleaved runs, median (min..max). "
        f"{report.machine()}.\n\n"
    )
    columns = ["way", "DEDUP", "seconds", "1,000 rows/s", "CPU s per million rows: Connect or consumer"]
    columns += ["QuestDB", "broker", "transactions"]
    compared = ["our sink", "DEDUP", "compared with", "times as fast", "times the CPU of Connect or consumer"]
    return head + report.table(columns, rows(runs, options.events)) + "\n\n" + report.table(compared, ratios(runs))


def arguments(description: str | None, events: int, runs: int) -> argparse.ArgumentParser:
    """Return a parser of what each comparison of ways has; `events` and `runs` are the defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--events", type=int, default=events)
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--only", default="", help="ways whose name contains this")
    parser.add_argument("--quick", action="store_true", help="few events, one run, nothing written to the page")
    return parser


def chosen(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line; --quick makes the numbers small."""
    options = parser.parse_args()
    if options.quick:
        options.events, options.runs = min(options.events, 100_000), 1
    return options


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = arguments(__doc__, events=2_000_000, runs=5)
    parser.add_argument("--lateness", choices=LATENESS, default="prompt", help="how late events arrive")
    options = chosen(parser)
    with Rig(official_sink(), datasets=topics.NEEDS_REGISTRY) as rig:
        runs = rounds(rig, options)
    found = text(runs, options)
    print(found)
    if not options.quick and not options.only:
        report.write("sink", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
