"""`make bench-security`: what SECURITY=on costs: a warm start, and draining a topic, with and without it in turn."""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING

import report
import start
from rig import Rig
from sink import SEED, Run, Variant, arguments, by_connector, by_consumer, chosen, fill, measure, ours

from operations.local import passwords

if TYPE_CHECKING:
    import argparse

SWITCH = ("off", "on")
WAYS = (
    Variant("our sink", by_connector(ours()), dedup=False),
    Variant("our sink, DEDUP", by_connector(ours()), dedup=True),
    Variant("reading the topic only, from outside the stack", by_consumer("--discard")),
)

Runs = dict[tuple[str, str], list[Run]]
Times = dict[str, dict[str, list[float]]]  # by the switch and what works


def starts(count: int) -> Times:
    """Measure warm starts."""
    settings = {"off": {}, "on": {"SECURITY": "on", **passwords.made([])}}
    times: Times = {switch: defaultdict(list) for switch in SWITCH}
    for _ in range(count):
        for switch in SWITCH:
            start.measure(times[switch], defaultdict(list), **settings[switch])
    return times


def drains(options: argparse.Namespace) -> Runs:
    """Measure every way on both stacks, in changing order. The first round warms up, and checks what is stored."""
    runs = defaultdict[tuple[str, str], list[Run]](list)
    with ExitStack() as running:
        rigs = {switch: running.enter_context(Rig(secured=switch == "on")) for switch in SWITCH}
        checksums = {switch: fill(rig, options.events, "prompt")[0] for switch, rig in rigs.items()}
        cases = [(way, switch) for way in WAYS for switch in SWITCH]
        shuffle = random.Random(SEED).shuffle  # noqa: S311 - no secret
        for number in range(options.runs + 1):
            shuffle(cases)
            for way, switch in cases:
                run = measure(rigs[switch], way, options.events, None if number else checksums[switch])
                print(number, way.name, switch, f"{run.seconds:.2f} s", run.cpu, flush=True)
                if number:
                    runs[way.name, switch].append(run)
    return runs


def text(times: Times, runs: Runs, options: argparse.Namespace) -> str:
    """Return the section of the page."""
    shown = [start.ALL, start.FIRST_ROW]
    started = [[name, *(report.spread(times[switch][name]) for switch in SWITCH)] for name in shown]
    drained = []
    for way in WAYS:
        off, on = (runs[way.name, switch] for switch in SWITCH)
        speeds = [report.spread([options.events / run.seconds / 1000 for run in found], 0) for found in (off, on)]
        left = [100 * without.seconds / secured.seconds for without, secured in zip(off, on, strict=True)]
        drained.append([way.name, *speeds, report.spread(left, 0)])
    return (
        f"{options.starts} warm starts and {options.runs} drains of {options.events:,} events of one topic and partition, each way "
        f"in turn, median (min..max). "
        f"{report.machine()}.\n\n"
        + report.table(["warm start: works after, s", *(f"SECURITY={switch}" for switch in SWITCH)], started)
        + "\n\n"
        + report.table(["1,000 rows/s", *(f"SECURITY={switch}" for switch in SWITCH), "on in % of off"], drained)
    )


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = arguments(__doc__, events=2_000_000, runs=5)
    parser.add_argument("--starts", type=int, default=5, help="how many warm starts (5)")
    options = chosen(parser)
    found = text(starts(options.starts), drains(options), options)
    print(found)
    if not options.quick:
        report.write("security", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
