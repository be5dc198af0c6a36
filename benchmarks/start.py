"""`make bench-start`: how long a warm start takes until all parts work, and what memory each takes then."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import defaultdict

import report
from stack import Stack
from waiting import until

from operations.local.settings import ROOT

LINE = re.compile(r"✓ (\S+) +([\d.]+) s")
ALL = "all, with `make` itself"
FIRST_ROW = "first new row stored"


def measure(times: dict[str, list[float]], memory: dict[str, list[float]], **settings: str) -> None:
    """Start a stack that has data already, note its times and memory, stop it."""
    with Stack(ROOT, **settings) as stack:
        stack.up()
        stack.make("down")
        began = time.monotonic()
        done = stack.make("up")
        times[ALL].append(time.monotonic() - began)
        for name, seconds in LINE.findall(done.stdout):
            times[name].append(float(seconds))
        before = stack.count("github_events")
        until(lambda: stack.count("github_events") > before, "a new row")
        times[FIRST_ROW].append(time.monotonic() - began)
        sizes = {process.name: process.rss / 2**20 for process in stack.supervisor.processes()}
        for name, size in [*sizes.items(), (ALL, sum(sizes.values()))]:
            memory[name].append(size)


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    times, memory = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    runs = parser.parse_args().runs
    for _ in range(runs):
        measure(times, memory)
    rows = [
        [name, report.spread(times[name]), report.spread(memory[name], 0) if memory[name] else ""] for name in times
    ]
    head = f"{runs} warm starts, median (min..max). {report.machine()}.\n\n"
    text = head + report.table(["part", "works after, s", "RSS, MB"], rows)
    report.write("start", text)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
