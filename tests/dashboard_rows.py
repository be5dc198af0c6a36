"""Rows to fill the tables with, the same in Python and as line protocol. Times are seconds since 1970."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3_600, 86_400
INTERVAL = 60.0  # seconds to the next poll
KINDS = ("PushEvent", "PullRequestEvent", "WatchEvent", "CreateEvent")
REPOS = tuple(f"octo/repo-{number}" for number in range(14))
ACTORS = (*(f"user-{number}" for number in range(12)), "dependabot[bot]", "renovate[bot]")
DEVICES = {"d1": "car", "d2": "car", "d3": "truck", "d4": "drone"}


@dataclass(frozen=True)
class Event:
    """A row of github_events."""

    at: int
    id: str
    type: str
    repo: str
    actor: str

    @property
    def bot(self) -> bool:
        """Whether its actor is known to be one."""
        return self.actor.endswith("[bot]")

    @property
    def line(self) -> str:
        """As line protocol."""
        fields = f'id="{self.id}",repo="{self.repo}",actor="{self.actor}"'
        return f"github_events,type={self.type} {fields} {self.at * 1_000_000}"


@dataclass(frozen=True)
class Poll:
    """A row of github_polls."""

    at: int
    page: int
    status: int
    fresh: int
    duplicate: int
    overlap: int
    remaining: int | None

    @property
    def saturated(self) -> bool:
        """Whether events were surely missed."""
        return self.fresh + self.duplicate == 100 and not self.overlap

    @property
    def line(self) -> str:
        """As line protocol."""
        counts = f"fetched={self.fresh + self.duplicate}i,fresh={self.fresh}i,duplicate={self.duplicate}i,overlap={self.overlap}i"
        state = f"page={self.page}i,status={self.status}i,saturated={'t' if self.saturated else 'f'}"
        left = "" if self.remaining is None else f",remaining={self.remaining}i"
        return f"github_polls,poller=python poll=2i,interval={INTERVAL},{state},{counts}{left} {self.at * 1_000_000}"


@dataclass(frozen=True)
class Forecast:
    """A row of github_events_forecast."""

    at: int
    series: str
    model: str
    step: int
    made_at: int
    rate: float
    lower: float
    upper: float

    @property
    def line(self) -> str:
        """As line protocol."""
        values = f"rate={self.rate},lower={self.lower},upper={self.upper}"
        tags = f"series={self.series},model={self.model}".replace(" ", r"\ ")
        made = f"made_at={self.made_at * 1_000_000}t,step={self.step}i"
        return f"github_events_forecast,{tags} {made},{values} {self.at * 1_000_000}"


@dataclass(frozen=True)
class Point:
    """A row of iot_data."""

    at: int
    device: str
    duration_ms: int
    measure1: int
    measure2: int
    speed: int | None
    position: tuple[float, float] | None

    @property
    def kind(self) -> str:
        """Its device's type."""
        return DEVICES[self.device]

    @property
    def line(self) -> str:
        """As line protocol."""
        fields = [f"duration_ms={self.duration_ms}i", f"measure1={self.measure1}i", f"measure2={self.measure2}i"]
        if self.speed is not None:
            fields.append(f"speed={self.speed}i")
        if self.position:
            fields.append(f"lat={self.position[0]},lon={self.position[1]}")
        return f"iot_data,device_id={self.device},device_type={self.kind} {','.join(fields)} {self.at * 1_000_000}"


@dataclass(frozen=True)
class Rows:
    """All rows, and the second at which the youngest may be."""

    now: int
    events: list[Event]
    polls: list[Poll]
    points: list[Point]
    forecasts: list[Forecast]

    @classmethod
    def until_now(cls) -> Rows:
        """Make rows that end now: dense in the last hours, sparse over the last four weeks."""
        now, chance = int(time.time()), random.Random(4)  # noqa: S311 - test data
        return cls(now, _events(now, chance), _polls(now, chance), _points(now, chance), _forecasts(now, chance))

    def lines(self) -> tuple[list[str], ...]:
        """Return a batch of line protocol for each table."""
        return (
            [event.line for event in self.events],
            [poll.line for poll in self.polls],
            [point.line for point in self.points],
            [forecast.line for forecast in self.forecasts],
        )


def _events(now: int, chance: random.Random) -> list[Event]:
    spans = [(5 * MINUTE, 300), (HOUR, 900), (6 * HOUR, 2_000), (2 * DAY, 8_000), (28 * DAY, 8_000)]
    ages = [chance.randrange(span) for span, count in spans for _ in range(count)]
    weights = [60, 30, 10, *[3] * 11]
    return [
        Event(
            now - age,
            f"{number}",
            chance.choices(KINDS, (6, 3, 2, 1))[0],
            chance.choices(REPOS, weights)[0],
            chance.choices(ACTORS, weights)[0],
        )
        for number, age in enumerate(ages)
    ]


def _polls(now: int, chance: random.Random) -> list[Poll]:
    ages = [*range(0, 8 * HOUR, MINUTE), *range(8 * HOUR, 28 * DAY, HOUR)]
    return [_poll(now - age, page, chance) for age in ages for page in (1, 2, 3)]


def _poll(at: int, page: int, chance: random.Random) -> Poll:
    status = chance.choices((200, 304, 502, 0), (20, 2, 1, 1))[0]
    if status != 200:
        return Poll(at, page, status, 0, 0, 0, 4_000 if status else None)
    overlap = chance.choice((0, chance.randrange(1, 40)))
    return Poll(at, page, status, 100 - overlap, overlap, overlap, chance.randrange(5_000))


def _points(now: int, chance: random.Random) -> list[Point]:
    ages = [*range(0, 4 * HOUR, 20), *range(4 * HOUR, 28 * DAY, HOUR)]
    return [
        _point(now - age, device, chance) for age in ages for device in DEVICES if device != "d4" or age > 40 * MINUTE
    ]


def _point(at: int, device: str, chance: random.Random) -> Point:
    speed = None if chance.random() < 0.1 else chance.randrange(120)
    position = None if chance.random() < 0.1 else (40 + chance.random(), -3 - chance.random())
    return Point(
        at, device, chance.randrange(1, 4_000), chance.randrange(1_000), chance.randrange(100), speed, position
    )


def _forecasts(now: int, chance: random.Random) -> list[Forecast]:
    """Rates by an old model and by a new one with longer steps, and shares of the mix."""
    kinds = [("events a second", "old", 10 * MINUTE, 9.0), ("events a second", "new", 20 * MINUTE, 9.0)]
    kinds += [(series, "binomial", HOUR, 0.5) for series in ("WatchEvent", "bots", "ForkEvent")]
    return [
        Forecast(at, series, model, step, now - (model == "old"), rate, rate * chance.random(), rate + chance.random())
        for series, model, step, most in kinds
        for at in range(now // step * step - 28 * DAY, now + DAY, step)
        for rate in [chance.uniform(0, most)]
    ]
