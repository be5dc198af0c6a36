"""Broker, Connect worker and QuestDB killed at random during a load: nothing is lost, nothing is double, no task dies.

`make test-kill ROUNDS=20` is the long version. The seed is printed and can be given (SEED); it fixes the events and the order of
the kills, not the moment that each finds its victim in.
"""

from __future__ import annotations

import os
import random
import secrets
from typing import TYPE_CHECKING

from load import Load
from waiting import until

if TYPE_CHECKING:
    from stack import Stack

ROUNDS = int(os.environ.get("ROUNDS") or "3")
SEED = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
EVENTS = int(os.environ.get("EVENTS") or "20000")  # a round
VICTIMS = ("broker", "kafka-connect", "questdb")


def test_random_kills(stack: Stack) -> None:
    print(f"SEED={SEED} ROUNDS={ROUNDS}")  # noqa: T201 - to repeat what failed
    draw = random.Random(SEED)  # noqa: S311 - no secret
    load = Load(stack, SEED)
    for _ in range(ROUNDS):
        before = load.sent
        load.send(EVENTS)
        load.until_stored(before + draw.randrange(EVENTS // 2))
        for victim in draw.sample(VICTIMS, draw.randint(1, len(VICTIMS))):
            stack.kill(victim)
        stack.healthy(*VICTIMS)
    load.check()
    until(lambda: load.states() == {"RUNNING"}, "all tasks RUNNING", 30, lambda: stack.log("kafka-connect"))
    load.remove()
    stack.healthy()
