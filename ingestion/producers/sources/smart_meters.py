"""Electricity meters of a town: each reports at a fixed cadence, some readings come late and some never.

While it runs, one meter after the other gets new firmware, and from then on sends version 2 of the schema.
"""

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from producers.record import SECOND, Record

METERS = 200
DISTRICTS = ("harbour", "market", "north", "old_town", "station")
LATE, LONGEST_DELAY = 0.02, 20  # share of readings; rounds that one is held back at most
MISSING = 0.005  # of readings
SILENCE, LONGEST_SILENCE = 0.001, 60  # chance that a meter falls silent; for how many rounds at most
UPDATE_ROUNDS = 20  # the last meter has its new firmware after so many rounds
STATUSES = (("active", 96), ("inactive", 3), ("faulty", 1))
DAY, HOUR = 86_400, 3_600


@dataclass
class Meter:
    """A meter: what it measures, and until which round it is silent."""

    name: str
    district: str
    model: str
    usual: float  # W
    energy: float  # kWh
    updated: int  # the round of its new firmware
    silent_until: int = 0


def records(start_us: int, rate: float, seed: int) -> Iterator[Record]:
    """Yield readings without end: a slot each 1 / `rate` seconds, the meters in turn. A late one comes in a later slot."""
    chance = random.Random(seed)  # noqa: S311 - no secret, has to repeat
    meters = [_meter(number, chance) for number in range(METERS)]
    late: list[tuple[int, int, Record]] = []
    slot = 0
    while True:
        while late and late[0][0] <= slot:
            yield heapq.heappop(late)[2]
        round_, number = divmod(slot, METERS)
        if _reports(meters[number], round_, chance):
            record = _read(meters[number], start_us + round(slot * SECOND / rate), METERS / rate, round_, chance)
            if chance.random() < LATE:
                heapq.heappush(late, (slot + METERS * chance.randint(1, LONGEST_DELAY), slot, record))
            else:
                yield record
        slot += 1


def _meter(number: int, chance: random.Random) -> Meter:
    return Meter(
        f"meter-{number:04}",
        chance.choice(DISTRICTS),
        f"ACME-{chance.randint(1, 5)}00",
        chance.lognormvariate(6, 0.5),
        round(chance.uniform(1_000, 40_000), 3),
        chance.randint(1, UPDATE_ROUNDS),
    )


def _reports(meter: Meter, round_: int, chance: random.Random) -> bool:
    if round_ < meter.silent_until:
        return False
    if chance.random() < SILENCE:
        meter.silent_until = round_ + chance.randint(5, LONGEST_SILENCE)
    return chance.random() >= MISSING


def load(time_us: int) -> float:
    """Return the share of the usual power that a town takes at this time of day: little at night, most in the evening (UTC)."""
    hour = time_us / SECOND % DAY / HOUR
    morning, evening = (math.exp(-(((hour - peak) / width) ** 2)) for peak, width in ((7.5, 1.5), (19, 2.5)))
    return 0.45 + 0.5 * morning + 0.9 * evening


def _read(meter: Meter, time_us: int, seconds: float, round_: int, chance: random.Random) -> Record:
    (status,) = chance.choices([name for name, _ in STATUSES], [weight for _, weight in STATUSES])
    power = meter.usual * load(time_us) * chance.lognormvariate(0, 0.15) if status == "active" else 0.0
    meter.energy = round(meter.energy + power * seconds / HOUR / 1_000, 6)
    value = {"timestamp": time_us // 1_000, "meter_id": meter.name, "district": meter.district, "model": meter.model}
    value |= {"status": status, "energy": meter.energy, "power": round(power, 1)}
    value |= {"voltage": round(chance.gauss(230, 2), 2), "frequency": round(chance.gauss(50, 0.02), 3)}
    value["power_factor"] = round(min(chance.gauss(0.95, 0.02), 1.0), 3)
    if round_ < meter.updated:
        return Record("smart_meters", meter.name, value, "smart_meters")
    value |= {"temperature": round(20 + power / 200 + chance.gauss(0, 1), 1), "firmware": "2.0"}
    return Record("smart_meters", meter.name, value, "smart_meters_2")
