"""`make bench-datasets`: each optional dataset's producer for a minute at 5,000 records a second, until all of it is stored.

Then as many records as it can send at once, while the connectors pause: how fast does the sink store what waits?
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import report
import requests
from expectations import OPTIONAL
from stack import Stack
from waiting import until

from operations.local.environment import render
from operations.local.settings import ROOT
from operations.reconciler import optional
from operations.reconciler.connectors import Connect

if TYPE_CHECKING:
    from expectations import Optional

HEAD = [
    "dataset",
    "format",
    "sent",
    "seconds of sending",
    "stored",
    "seconds until stored",
    "sent a second",
    "stored a second",
]
YESTERDAY = timedelta(days=1)


def measure(stack: Stack, dataset: Optional, rate: int, seconds: int) -> list[object]:
    """Send, wait until all is stored, return a row of the table."""
    total, began = rate * seconds, time.monotonic()
    produce(stack, dataset, "--rate", str(rate), "--total", str(total))
    sent = time.monotonic() - began
    all_stored(stack, dataset, total)
    took = time.monotonic() - began
    kind = "Avro" if optional.need_registry([dataset.name]) else "JSON"
    at_once = [f"{total / each:,.0f}" for each in drain(stack, dataset, rate, total)]
    return [dataset.name, kind, f"{total:,}", f"{sent:.1f}", f"{total:,}", f"{took:.1f}", *at_once]


def drain(stack: Stack, dataset: Optional, rate: int, total: int) -> tuple[float, float]:
    """Send as fast as it goes while the connectors pause; return the seconds of that, and those until all is stored afterwards."""
    connect = Connect(requests.Session(), stack.settings.connect_url, stack.settings.connect_login)
    for topic in dataset.topics:
        connect.pause(topic)
        until_in(stack, topic, "PAUSED")
    began = time.monotonic()
    # Of yesterday, so that no row has the time of one that is there.
    start = (datetime.now(timezone.utc) - YESTERDAY).isoformat()
    produce(stack, dataset, "--fast", "--start", start, "--rate", str(rate), "--total", str(total), "--seed", "2")
    sent, began = time.monotonic() - began, time.monotonic()
    for topic in dataset.topics:
        connect.resume(topic)
        until_in(stack, topic, "RUNNING")
    all_stored(stack, dataset, 2 * total)
    return sent, time.monotonic() - began


def produce(stack: Stack, dataset: Optional, *arguments: str) -> None:
    """Run the producer of a dataset."""
    command = [sys.executable, "ingestion/producers", dataset.name, *arguments]
    subprocess.run(command, cwd=ROOT, env=render(stack.settings), check=True)  # noqa: S603 - our own command


def all_stored(stack: Stack, dataset: Optional, total: int) -> None:
    """Wait until a dataset has so many rows; each record is one row, so none is a dead letter."""

    def stored() -> int:
        return sum(stack.count(topic) for topic in dataset.topics)

    until(lambda: stored() >= total, f"{total} rows", 300, lambda: f"{stored()}\n{stack.log('kafka-connect')}")
    assert stored() == total


def until_in(stack: Stack, connector: str, state: str) -> None:
    """Wait until a connector's task is in this state."""
    until(
        lambda: {task["state"] for task in stack.connector(connector)["tasks"]} == {state}, f"{connector} {state}", 30
    )


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
