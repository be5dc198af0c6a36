"""`make bench-live`: what the running pipeline costs and how soon an event can be queried, at low and at higher rates.

Events go to the table of the dashboards, with all of its views, DEDUP on. CPU and commits are taken while nobody looks; then the same again
with somebody who looks all the time, for the latency. With OFFICIAL_SINK=path QuestDB's official connector takes part.
Last, the worker is killed, and the time until new rows is taken.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import report
from load import DATASET, Config, Events, Writer, create_topic, shipped
from rig import Meter, Rig, official, official_sink
from waiting import until

RATES = (50, 200, 1000, 0)  # events a second; rest comes last, when nothing is left to compile
PARTS = ("broker", "connect", "questdb")
WARM = 5.0  # seconds from the first row until CPU is taken: a connector that has just started compiles, and its group settles
COMPILING = 45.0  # seconds of load before the first measurement
REST = 40.0  # seconds from its start, without events: what the load before has left is done
# One source for all measurements: an id that came again within a second would be no new row.
EVENTS = Events(1000)


@dataclass
class Cost:
    """What was measured at one rate: percent of one core by part, commits a second, latencies in ms."""

    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    commits: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)


class Case(NamedTuple):
    """A way of running the sink, at a rate."""

    way: str
    rate: int


class Source:
    """Sends events at a rate, in the background, and keeps the time of each."""

    def __init__(self, rig: Rig, topic: str, rate: float) -> None:
        """Send to `topic`, `rate` times a second."""
        self.sent: list[float] = []
        self._writer = Writer(rig.settings.kafka, topic)
        self.rate = rate
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Source:  # noqa: PYI034
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; return when all is acknowledged."""
        self._end.set()
        self._thread.join()
        self._writer.finish()

    def _run(self) -> None:
        due = time.monotonic()
        while self.rate and not self._end.wait(max(due - time.monotonic(), 0)):
            self.send(self._writer)
            self.sent.append(time.monotonic())
            due += 1 / self.rate

    def send(self, writer: Writer) -> None:
        """Send what is due at once: an event."""
        writer.send(EVENTS.one(time.time()))


def ways(rig: Rig, intervals: list[str]) -> dict[str, Config]:
    """Return the ways to run a sink: ours as it is, and with each of these intervals."""
    found = {"ours": shipped()} | {f"ours, min.interval.ms={ms}": shipped(min__interval__ms=ms) for ms in intervals}
    if official_sink():
        client = rig.client()
        found["official, the older template's settings"] = official(client, tasks__max="5")
        found["official, for equal latency"] = official(
            client + "auto_flush_interval=100;", tasks__max="1", allowed__lag="100"
        )
    return found


def measure(rig: Rig, config: Config, rate: int, seconds: float, cost: Cost) -> None:
    """Run one connector at one rate: first for its cost, then for its latency."""
    name = f"live_{time.monotonic_ns()}"
    create_topic(rig.admin, name)
    rig.connector(name, config | {"topics": name, "table": DATASET})
    try:
        before = rig.rows(DATASET)
        with Source(rig, name, rate) as source:
            if rate:
                new_rows(rig)
            time.sleep(WARM if rate else REST)
            spend(rig, seconds, cost)
        if rate:
            before += len(source.sent)
            until(lambda: rig.rows(DATASET) >= before, "all that was sent", 60, rig.why)
            with Source(rig, name, rate) as source:
                cost.latency += look(rig, source, before, seconds)
    finally:
        rig.remove_connector(name)


def spend(rig: Rig, seconds: float, cost: Cost) -> None:
    """Take CPU and commits for a while, without asking anything meanwhile."""
    commits, meter, began = rig.transactions(DATASET)[1], Meter(rig.processes()), time.monotonic()
    time.sleep(seconds)
    for part, percent in meter.percent().items():
        cost.cpu[part].append(percent)
    passed = time.monotonic() - began
    cost.commits.append((rig.transactions(DATASET)[1] - commits) / passed)


def look(rig: Rig, source: Source, before: int, seconds: float) -> list[float]:
    """Ask for the number of rows again and again; return the age of each event in ms when it was first among them.

    The first second's do not count: the producer is only finding its broker.
    """
    ages: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        visible = rig.rows(DATASET) - before
        now = time.monotonic()
        ages += [1000 * (now - sent) for sent in source.sent[len(ages) : visible]]
        time.sleep(0.002)
    return ages[round(source.rate) :]


def new_rows(rig: Rig) -> None:
    """Wait for rows that are not there yet."""
    before = rig.rows(DATASET)
    until(lambda: rig.rows(DATASET) > before, "new rows", 120, rig.why)


def recovery(rig: Rig, runs: int) -> dict[str, list[float]]:
    """Kill the worker and start it again: seconds until it answers, and from the kill to new rows."""
    found = defaultdict[str, list[float]](list)
    create_topic(rig.admin, "recovery")
    rig.connector("recovery", shipped(topics="recovery", table=DATASET))
    with Source(rig, "recovery", 50):
        for _ in range(runs):
            new_rows(rig)
            killed = time.monotonic()
            rig.worker.end(kill=True)
            found["Connect answers after its start"].append(rig.worker.start())
            new_rows(rig)
            found["new rows after SIGKILL of the worker"].append(time.monotonic() - killed)
    return found


def percentile(values: list[float], share: float) -> str:
    """Return the value that `share` of all do not exceed, as text."""
    return f"{sorted(values)[min(int(len(values) * share), len(values) - 1)]:.0f}" if values else ""


def rows(costs: dict[Case, Cost]) -> list[list[str]]:
    """Return the table's rows."""
    made = []
    for case, cost in costs.items():
        together = [sum(run) for run in zip(*(cost.cpu[part] for part in PARTS), strict=True)]
        latency = [percentile(cost.latency, share) for share in (0.5, 0.99)]
        cpu = [report.spread(cost.cpu[part]) for part in PARTS]
        made.append([case.way, str(case.rate), *latency, report.spread(cost.commits), *cpu, report.spread(together)])
    return made


def live(options: argparse.Namespace) -> dict[Case, Cost]:
    """Measure all ways at all rates, in turn, so that a noisy minute hits all of them."""
    costs = defaultdict[Case, Cost](Cost)
    with Rig(official_sink()) as rig:
        # The JVMs compile now, else the first ways would pay for it. Without an interval there are the most commits to compile by.
        measure(rig, shipped(min__interval__ms="0"), max(RATES), options.compiling, Cost())
        for _ in range(options.runs):
            for rate in options.rates:
                for way, config in ways(rig, options.intervals).items():
                    measure(rig, config, rate, options.seconds, costs[Case(way, rate)])
                    print(way, rate, rows({Case(way, rate): costs[Case(way, rate)]}), flush=True)
    return dict(sorted(costs.items(), key=lambda item: item[0].rate))


def text(costs: dict[Case, Cost], killed: dict[str, list[float]], options: argparse.Namespace) -> str:
    """Return the section of the page."""
    head = ["way", "events/s", "visible after, ms: p50", "p99", "commits/s"]
    head += [f"{part}, % of a core" for part in ("broker", "Connect", "QuestDB", "all three")]
    times = [[what, report.spread(values)] for what, values in killed.items()]
    return "\n\n".join(
        [
            f"{options.runs} interleaved runs of {options.seconds:.0f} s, median (min..max). {report.machine()}.",
            report.table(head, rows(costs)),
            report.table(["with the worker as shipped", "seconds"], times),
        ]
    )


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="events a second, 0 for rest")
    parser.add_argument(
        "--intervals", nargs="*", default=["0"], metavar="MS", help="min.interval.ms beside the default"
    )
    parser.add_argument("--quick", action="store_true", help="short, one run, nothing written to the page")
    options = parser.parse_args()
    options.compiling = COMPILING
    if options.quick:
        options.runs, options.seconds = 1, min(options.seconds, 3.0)
        options.compiling = options.seconds
    costs = live(options)
    with Rig() as rig:
        killed = recovery(rig, options.runs + 2)
    found = text(costs, killed, options)
    print(found)
    if not options.quick:
        report.write("live", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
