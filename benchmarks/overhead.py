"""`make bench-monitoring`: what it costs to let the stack watch itself: CPU of each process with Telegraf and without, and rows a day."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

import psutil
import report
from expectations import OTHER_TABLES
from stack import Stack
from waiting import last, until

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86_400
INTERVAL = 10  # seconds between two looks: the default
TABLES = [table for table, writer in OTHER_TABLES.items() if writer == "telegraf"]


def cpu(stack: Stack) -> dict[str, float]:
    """Return the CPU seconds each process has used."""
    times = {
        process.name: psutil.Process(process.pid).cpu_times() for process in stack.supervisor.processes() if process.pid
    }
    return {name: time.user + time.system for name, time in times.items()}


def rows(stack: Stack) -> int:
    """Return the rows of all tables of the monitoring."""
    return sum(stack.count(table) for table in TABLES)


def shares(stack: Stack, seconds: float) -> dict[str, float]:
    """Return per cent of one core for each process, over `seconds`."""
    before, began = cpu(stack), time.monotonic()
    last(seconds, "a measurement")
    after, took = cpu(stack), time.monotonic() - began
    return {name: 100 * (after[name] - before[name]) / took for name in before}


def pair(stack: Stack, seconds: float, note: Callable[[str], None]) -> tuple[dict[str, float], dict[str, float], float]:
    """Measure with and without Telegraf; return both and the rows written a day."""
    note("with Telegraf")
    count, began = rows(stack), time.monotonic()
    watched = shares(stack, seconds)
    daily = (rows(stack) - count) / (time.monotonic() - began) * DAY
    stack.supervisor.stop_program("telegraf")
    note("without")
    alone = shares(stack, seconds)
    stack.supervisor.start_program("telegraf")
    stack.healthy("telegraf")
    return watched, alone, daily


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="length of each measurement")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with Stack(MONITORING_INTERVAL=str(INTERVAL)) as stack:
        stack.up()
        until(lambda: all(stack.count(table) for table in TABLES), "rows in every table", 120)
        pairs = [pair(stack, arguments.seconds, print) for _ in range(arguments.runs)]
        files = stack.sql("SELECT sum(diskSize) FROM table_storage() WHERE tableName LIKE 'stack_%'")[0][0]
    table = [
        [
            name,
            report.spread([run[0][name] for run in pairs], 2),
            report.spread([run[1].get(name, 0) for run in pairs], 2),
        ]
        for name in sorted(pairs[0][0])
    ]
    daily = report.spread([measured[2] for measured in pairs], 0)
    head = f"{arguments.runs} times {arguments.seconds:.0f} s with and without, a look every {INTERVAL} s, median (min..max). {report.machine()}.\n\n"
    end = f"\n\nTelegraf writes {daily} rows a day; the tables took {files / 2**20:.0f} MB at the end, most of it allocated ahead."
    text = head + report.table(["process", "CPU with, % of a core", "CPU without, % of a core"], table) + end
    report.write("monitoring", text)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
