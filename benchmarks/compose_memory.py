"""`make bench-compose`: what a first `docker compose up` costs: images, builds, the time until each service is healthy, memory.

Our own images are built without the engine's cache, upstream's are there already; the volumes are new.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import report
from compose.offline import images
from containers import Containers
from engine import engine
from waiting import until

MB = 2**20
STAND_IN = "grafana"  # where images can't be pulled, the one that is not the real program


def measure(seconds: float) -> tuple[Containers, dict[str, int], float]:
    """Return the stack, removed again; the most memory each service was seen to take, in bytes; the seconds of the builds."""
    with Containers() as stack:
        began = time.monotonic()
        stack.build("--no-cache")
        built = time.monotonic() - began
        stack.up()
        most, end = dict.fromkeys(stack.parts, 0), time.monotonic() + seconds

        def look() -> bool:
            most.update({name: max(size, stack.memory(name)) for name, size in most.items()})
            return time.monotonic() > end

        until(look, "the last look", seconds + 60)
    return stack, most, built


def sizes(stack: Containers) -> dict[str, int]:
    """Return the size of each service's image by the image's name, unpacked, in bytes. Each counts what it shares with others."""
    images = sorted({service["image"] for service in stack.services.values()})
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", *images]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 - our own
    return dict(zip(images, map(int, printed), strict=True))


def rows(stack: Containers, most: dict[str, int], *, pulled: bool) -> list[list[str]]:
    """Return the table's rows, in the order of health."""
    made, on_disk = [], sizes(stack)
    limits = {name: int(stack.services[name]["mem_limit"]) for name in most}
    for name in sorted(most, key=lambda name: stack.times[name]):
        shown = f"{most[name] / MB:.0f}" if pulled or name != STAND_IN else "(a stand-in)"
        image = f"{on_disk[stack.services[name]['image']] / MB:.0f}"
        made.append([name, f"{stack.times[name]:.1f}", shown, f"{limits[name] / MB:.0f}", image])
    real = sum(size for name, size in most.items() if pulled or name != STAND_IN)
    totals = (real, sum(limits.values()), sum(on_disk.values()))
    return [*made, ["all", f"{max(stack.times.values()):.1f}", *(f"{size / MB:.0f}" for size in totals)]]


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180)
    seconds = parser.parse_args().seconds
    with engine():
        source = images.provide()
        stack, most, built = measure(seconds)
        table = rows(stack, most, pulled=source == images.UPSTREAM)
    head = f"One start, {seconds:.0f} s of the simulated feed; {source}. Our own were built in {built:.0f} s. {report.machine()}.\n\n"
    columns = ["service", "healthy after, s", "memory, MB, at most", "limit, MB", "image, MB on disk"]
    text = head + report.table(columns, table)
    report.write("compose", text)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
