"""Machines of a plant: tagged values, each tag at a cadence of its own, numbers and text, and machines that stand still.

A machine that is down sends its state only: its other tags are silent until it runs again.
"""

import heapq
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from producers.record import SECOND, Record

TABLE = "plant"
MACHINES = 20
KINDS = ("filler", "mixer", "oven", "press")
STATES = {"running": "idle", "idle": "running", "down": "running"}  # what follows, unless a machine breaks down
DOWN = 0.4  # chance that a machine that was running breaks down instead
LASTING = {"running": 200.0, "idle": 40.0, "down": 80.0}  # ticks, on average
STATE = "state"
RECIPES = ("A-100", "A-200", "B-100", "C-300")
ALARMS = ("door open", "filter clogged", "low oil", "overload")
DAY = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Sample(NamedTuple):
    """One value of a tag: a number or a text, the other is None."""

    time_us: int
    machine: str
    tag: str
    value: float | None
    text: str | None


@dataclass
class Machine:
    """A machine: until which tick it stays in its state, and what it has made since the beginning."""

    name: str
    warmth: float  # °C at rest
    state: str = "running"
    until: float = 0.0
    parts: int = 0

    def change(self, tick: float, chance: random.Random) -> None:
        """Go to another state, for a while."""
        breaks = self.state == "running" and chance.random() < DOWN
        self.state = "down" if breaks else STATES[self.state]
        self.until = tick + chance.expovariate(1 / LASTING[self.state])


Measure = Callable[[Machine, float, random.Random], float | str]


def _vibration(machine: Machine, _: float, chance: random.Random) -> float:
    return round(abs(chance.gauss(2.0 if machine.state == "running" else 0.2, 0.4)), 3)  # mm/s


def _power(machine: Machine, seconds: float, chance: random.Random) -> float:
    load = 8.0 + 2.0 * math.sin(2 * math.pi * seconds / DAY) if machine.state == "running" else 0.6
    return round(load * chance.uniform(0.95, 1.05), 3)  # kW


def _temperature(machine: Machine, seconds: float, chance: random.Random) -> float:
    heat = 25.0 if machine.state == "running" else 5.0
    return round(machine.warmth + heat + 3 * math.sin(2 * math.pi * seconds / DAY) + chance.gauss(0, 0.3), 2)  # °C


def _parts(machine: Machine, _: float, chance: random.Random) -> float:
    machine.parts += chance.randint(1, 4) if machine.state == "running" else 0
    return machine.parts  # since the beginning


def _state(machine: Machine, _: float, __: random.Random) -> str:
    return machine.state


def _recipe(_: Machine, __: float, chance: random.Random) -> str:
    return chance.choice(RECIPES)


def _alarm(_: Machine, __: float, chance: random.Random) -> str:
    return chance.choice(ALARMS)


# By tag: after how many ticks it is sent again, and what it measures.
TAGS: dict[str, tuple[int, Measure]] = {
    "vibration": (1, _vibration),
    "power": (5, _power),
    "temperature": (10, _temperature),
    "parts": (20, _parts),
    STATE: (60, _state),
    "recipe": (300, _recipe),
    "alarm": (400, _alarm),
}


def records(start_us: int, rate: float, seed: int) -> Iterator[Record]:
    """Yield the messages of MACHINES machines without end."""
    for sample in samples(start_us, rate, MACHINES, seed):
        at = (EPOCH + timedelta(microseconds=sample.time_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        value = {
            "timestamp": at,
            "machine": sample.machine,
            "tag": sample.tag,
            "value": sample.value,
            "text": sample.text,
        }
        yield Record(TABLE, sample.machine, value)


def samples(start_us: int, rate: float, machines: int, seed: int) -> Iterator[Sample]:
    """Yield values without end, the n-th of them n / `rate` seconds after `start_us`; a tick is as long as `rate` makes it."""
    chance = random.Random(seed)  # noqa: S311 - no secret, has to repeat
    park = [_machine(number, chance) for number in range(machines)]
    due = [(chance.random() * TAGS[tag][0], number, tag) for number in range(machines) for tag in TAGS]
    heapq.heapify(due)
    sent = 0
    while True:
        tick, number, tag = due[0]
        machine = park[number]
        changed = tick >= machine.until
        if changed:
            machine.change(tick, chance)
        else:
            heapq.heapreplace(due, (tick + TAGS[tag][0], number, tag))
        if changed or tag == STATE or machine.state != "down":
            yield _sample(machine, STATE if changed else tag, start_us + round(sent * SECOND / rate), chance)
            sent += 1


def _machine(number: int, chance: random.Random) -> Machine:
    found = Machine(f"{chance.choice(KINDS)}-{number:02}", chance.uniform(20, 60))
    found.until = chance.expovariate(1 / LASTING[found.state])
    return found


def _sample(machine: Machine, tag: str, time_us: int, chance: random.Random) -> Sample:
    measured = TAGS[tag][1](machine, time_us / SECOND, chance)
    if isinstance(measured, str):
        return Sample(time_us, machine.name, tag, None, measured)
    return Sample(time_us, machine.name, tag, float(measured), None)
