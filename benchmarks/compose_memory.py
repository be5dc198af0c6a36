"""`make bench-compose`: when each service of `docker compose up` is healthy, and what memory it takes beside its limit.

The images are there already, and the volumes are new.
"""

from __future__ import annotations

import argparse
import sys
import time

import report
from compose.offline import images
from containers import Containers
from engine import engine
from waiting import until

MB = 2**20
STAND_IN = "grafana"  # where images can't be pulled, the one that is not the real program


def measure(seconds: float) -> tuple[Containers, dict[str, int]]:
    """Return the stack, removed again, and the most memory each service was seen to take within so many seconds, in bytes."""
    with Containers() as stack:
        stack.build()
        stack.up()
        most, end = dict.fromkeys(stack.parts, 0), time.monotonic() + seconds

        def look() -> bool:
            most.update({name: max(size, stack.memory(name)) for name, size in most.items()})
            return time.monotonic() > end

        until(look, "the last look", seconds + 60)
    return stack, most


def rows(stack: Containers, most: dict[str, int], *, pulled: bool) -> list[list[str]]:
    """Return the table's rows, in the order of health."""
    made = []
    limits = {name: int(stack.services[name]["mem_limit"]) for name in most}
    for name in sorted(most, key=lambda name: stack.times[name]):
        shown = f"{most[name] / MB:.0f}" if pulled or name != STAND_IN else "(a stand-in)"
        made.append([name, f"{stack.times[name]:.1f}", shown, f"{limits[name] / MB:.0f}"])
    real = sum(size for name, size in most.items() if pulled or name != STAND_IN)
    return [*made, ["all", f"{max(stack.times.values()):.1f}", f"{real / MB:.0f}", f"{sum(limits.values()) / MB:.0f}"]]


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180)
    seconds = parser.parse_args().seconds
    with engine():
        source = images.provide()
        stack, most = measure(seconds)
    table = rows(stack, most, pulled=source == images.UPSTREAM)
    head = f"One start, {seconds:.0f} s of the simulated feed; {source}. {report.machine()}.\n\n"
    text = head + report.table(["service", "healthy after, s", "memory, MB, at most", "limit, MB"], table)
    report.write("compose", text)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
