"""Simulated devices that drive around a city and measure: the same seed, start and rate give the same readings."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

KINDS = {"bicycle": 18, "scooter": 25, "van": 38}  # usual speed, km/h
_CENTRE = (52.52, 13.405)
_KM_PER_DEGREE = 111.32
_LONGEST_STEP = 30.0  # seconds; a device that was silent for longer stood still meanwhile
_SECOND = 1_000_000  # microseconds


class Reading(NamedTuple):
    """One row of iot_data. time_us: microseconds since 1970; speed in km/h; lat and lon in degrees."""

    time_us: int
    device_id: str
    device_type: str
    duration_ms: int
    measure1: int
    measure2: int
    speed: int
    lat: float
    lon: float


@dataclass
class Device:
    """Where a device is and how it moves; its heading and speed wander."""

    name: str
    kind: str
    lat: float
    lon: float
    heading: float
    speed: float
    time_us: int

    def move(self, time_us: int, chance: random.Random) -> None:
        """Drive until `time_us`."""
        hours = min((time_us - self.time_us) / _SECOND, _LONGEST_STEP) / 3600
        self.time_us = time_us
        self.heading += chance.gauss(0, 0.15)
        self.speed += 0.2 * (KINDS[self.kind] - self.speed) + chance.gauss(0, 2)
        self.speed = max(self.speed, 0.0)
        degrees = self.speed * hours / _KM_PER_DEGREE
        self.lat += degrees * math.cos(self.heading)
        self.lon += degrees * math.sin(self.heading) / math.cos(math.radians(self.lat))


def readings(start_us: int, rate: float, devices: int, seed: int) -> Iterator[Reading]:
    """Yield readings without end, the n-th of them n / `rate` seconds after `start_us`, the devices in turn."""
    chance = random.Random(seed)  # noqa: S311 - no secret, has to repeat
    fleet = [_device(number, start_us, chance) for number in range(devices)]
    number = 0
    while True:
        yield _measure(fleet[number % devices], start_us + round(number * _SECOND / rate), chance)
        number += 1


def _device(number: int, time_us: int, chance: random.Random) -> Device:
    kind = chance.choice(list(KINDS))
    lat, lon = (degrees + chance.gauss(0, 0.03) for degrees in _CENTRE)
    return Device(f"{kind}-{number:04}", kind, lat, lon, chance.uniform(0, 2 * math.pi), KINDS[kind], time_us)


def _measure(device: Device, time_us: int, chance: random.Random) -> Reading:
    device.move(time_us, chance)
    daily = math.sin(2 * math.pi * (time_us / _SECOND % 86_400) / 86_400)
    return Reading(
        time_us,
        device.name,
        device.kind,
        duration_ms=round(chance.lognormvariate(3, 0.6)),
        measure1=round(500 + 120 * daily + chance.gauss(0, 25)),
        measure2=round(60 + 8 * device.speed + chance.gauss(0, 15)),
        speed=round(device.speed),
        lat=round(device.lat, 6),
        lon=round(device.lon, 6),
    )
