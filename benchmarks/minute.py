"""`make bench-datasets`: each optional dataset's producer for a minute at 5,000 records a second, until all of it is stored."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import report
from expectations import OPTIONAL
from stack import Stack
from waiting import until

from operations.local.environment import render
from operations.local.settings import ROOT
from operations.reconciler import optional

if TYPE_CHECKING:
    from expectations import Optional

HEAD = ["dataset", "format", "sent", "seconds of sending", "stored", "seconds until stored"]


def measure(stack: Stack, dataset: Optional, rate: int, seconds: int) -> list[object]:
    """Send, wait until all is stored, return a row of the table."""
    total, began = rate * seconds, time.monotonic()
    command = [sys.executable, "ingestion/producers", dataset.name, "--rate", str(rate), "--total", str(total)]
    subprocess.run(command, cwd=ROOT, env=render(stack.settings), check=True)  # noqa: S603 - our own command
    sent = time.monotonic() - began

    def stored() -> int:
        return sum(stack.count(topic) for topic in dataset.topics)

    until(lambda: stored() >= total, f"{total} rows", 300, lambda: f"{stored()}\n{stack.log('kafka-connect')}")
    took = time.monotonic() - began
    assert stored() == total, "each record is one row: so none is a dead letter"
    kind = "Avro" if optional.need_registry([dataset.name]) else "JSON"
    return [dataset.name, kind, f"{total:,}", f"{sent:.1f}", f"{stored():,}", f"{took:.1f}"]


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    with Stack(DATASETS=",".join(dataset.name for dataset in OPTIONAL)) as stack:
        stack.up()
        rows = [measure(stack, dataset, chosen.rate, chosen.seconds) for dataset in OPTIONAL]
    text = f"{report.machine()}.\n\n{report.table(HEAD, rows)}"
    report.write("datasets", text)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
