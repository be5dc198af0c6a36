"""Under load, with parts killed, cut off from each other, out of disk or standing still: nothing is lost, nothing is double.

`make test-faults` runs ROUNDS (10) of them; the seed is printed and can be given (SEED). A round ends when all parts are healthy
and all that was sent is stored, by the feed's own log and by checksum.
"""

from __future__ import annotations

import os
import random
import secrets
import time
from typing import TYPE_CHECKING

import pytest
from compose.run import faults
from load import Load
from waiting import until

from operations.reconciler import repairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from containers import Containers

ROUNDS = int(os.environ.get("ROUNDS") or "10")
SEED = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))


@pytest.fixture
def containers(images: str) -> Iterator[Containers]:  # noqa: ARG001 - to have them
    """A running stack with a small disk."""
    with faults.prepared() as made:
        made.build()
        made.up()
        yield made


def chosen(draw: random.Random) -> list[faults.Fault]:
    """Return the faults of all rounds: every kind before any comes again."""
    found: list[faults.Fault] = []
    while len(found) < ROUNDS:
        deck = faults.deck()
        found += draw.sample(deck, len(deck))
    return found[:ROUNDS]


def test_rounds(containers: Containers) -> None:
    print(f"SEED={SEED} ROUNDS={ROUNDS}")  # noqa: T201 - to repeat what failed
    draw = random.Random(SEED)  # noqa: S311 - no secret
    load = Load(containers, SEED)
    for number, fault in enumerate(chosen(draw), 1):
        began = time.monotonic()
        load.send(faults.EVENTS)
        what = fault(containers, load, draw)
        repaired = time.monotonic()
        containers.healthy()
        load.until_stored(load.sent)
        containers.nothing_lost_nothing_double()
        until(lambda: not containers.sql(repairs.INVALID), "all views valid", 60, lambda: containers.log("reconciler"))
        after = time.monotonic() - repaired
        print(f"{number:3} {what}: {repaired - began:.0f} s, all well {after:.0f} s later")  # noqa: T201 - a long run
    load.check()
    until(lambda: load.states() == {"RUNNING"}, "all tasks RUNNING", 30, lambda: containers.log("kafka-connect"))
