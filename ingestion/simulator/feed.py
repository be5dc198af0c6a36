"""The feed as it grows: events, the lanes they move through, and the window of 300 that GitHub shows."""

from __future__ import annotations

import dataclasses
import math
import random
import time
from bisect import bisect_left, bisect_right
from collections import deque
from typing import TYPE_CHECKING

from simulator import population
from simulator.oddities import make_odd

if TYPE_CHECKING:
    from simulator.settings import Settings
    from simulator.truth import TruthLog

PAGE = 100
HOUR = 3600
DAY = 24 * HOUR

# Numbers drawn before time zero, so that the first poll already finds a full window.
_PRELUDE = 700
# Share of a page that is served again, and of new events that are older than a day: a third of a page is
# old, and 93 % of that third was seen before.
_AGAIN_SHARE = 0.31
_OLD_SHARE = 0.034
# Old events of each kind, served in turn: more than a window ever holds of them (93 on average), so none shows twice.
_OLD_POOL = 150
# Delays after created_at: share, shortest and longest (seconds). Of what an hour shows, 41 % was created in
# it, 30 % in the hour before, 10 % two before, 19 % earlier.
_DELAYS = ((0.41, 30, HOUR / 2), (0.30, HOUR / 2, 1.5 * HOUR), (0.10, 1.5 * HOUR, 2.5 * HOUR), (0.19, 2.5 * HOUR, DAY))
# Two counters whose numbers alternate on a page, as on GitHub since 2026.
_FAMILIES = (21_190_576_879, 15_065_589_085)
_FAMILY_SPLIT = 0.6
_ID_EPOCH = 1_788_000_000
_IDS_A_SECOND = 1000
_TOLERANCE = 1e-9


@dataclasses.dataclass(eq=False)
class Event:
    """One public event; `None` stands for a value GitHub leaves out or sends as null."""

    number: int
    id: str
    type: str | None
    action: str | None
    repo_id: int
    repo: str | None
    actor_id: int
    actor: str | None
    org: str | None
    created_at: str | None
    public: bool = True
    odd: str | None = None


class Lane:
    """Events that share pages and push each other down: newest on the first page, out after the last."""

    def __init__(self, pages: tuple[int, ...]) -> None:
        self.pages = pages
        self.size = PAGE * len(pages)
        self.times: list[float] = []
        self.events: list[tuple[Event, bool]] = []

    def add(self, at: float, event: Event, *, again: bool) -> None:
        """Put an event on top."""
        self.times.append(at)
        self.events.append((event, again))

    def newest(self, at: float) -> list[Event]:
        """Return what the lane shows at this time, newest first."""
        end = bisect_right(self.times, at + _TOLERANCE)
        return [event for event, _ in reversed(self.events[max(0, end - self.size) : end])]

    def bounds(self, index: int) -> list[float | None]:
        """When the event at `index` (counted from the end) came to each page and left the last; None if not yet."""
        steps = range(index, index + self.size + 1, PAGE)
        return [self.times[step] if step < 0 else None for step in steps]

    def forget(self, before: float) -> None:
        """Drop what no answer can show any more."""
        cut = bisect_left(self.times, before) - self.size - PAGE
        if cut > self.size:
            del self.times[:cut], self.events[:cut]


class Feed:
    """The events of one seed at one rate. Times are simulated seconds since the start."""

    def __init__(self, settings: Settings, log: TruthLog) -> None:
        self.started = settings.start if settings.start is not None else time.time()
        self.emitted = 0
        self._settings = settings
        self._log = log
        self._random = random.Random(settings.seed)  # noqa: S311 - no secret, has to repeat
        self._slots = 0
        self._slot_rate = settings.rate / (1 - _AGAIN_SHARE if settings.reserving else 1)
        self._ids = [0, 0]
        self._mixes = (population.Mix(population.CODE), population.Mix(population.SOCIAL))
        partitioned = settings.shape == "partitioned"
        self.lanes = (Lane((1,)), Lane((2, 3))) if partitioned else (Lane((1, 2, 3)),)
        self._pools: tuple[deque[tuple[Event, bool]], ...] = tuple(
            deque((self._create(0, kind, old=True), False) for _ in range(_OLD_POOL)) for kind in (0, 1)
        )

    def advance(self, until: float) -> None:
        """Let everything happen that is due at this time."""
        while (at := (self._slots - _PRELUDE) / self._slot_rate) <= until:
            self._slots += 1
            self._fill_slot(at)
        if self._settings.step is None:
            for lane in self.lanes:
                lane.forget(until - self._settings.cache_period - 1)

    def window(self, at: float) -> list[Event]:
        """Return the 300 events GitHub would page through at this time, in its order."""
        period = self._settings.cache_period
        seen = math.floor(at / period + _TOLERANCE) * period if period else at
        self.advance(at)
        return [event for lane in self.lanes for event in lane.newest(seen)]

    def wall(self, at: float) -> float:
        """Unix time of a simulated one."""
        return self.started + at / self._settings.time_scale

    def finish(self) -> None:
        """Log what is still on a page, as if it left now."""
        for line in self.open_sightings():
            self._log.write(line)

    def open_sightings(self) -> list[str]:
        """Return the log lines of all that is on a page now: their last interval has no end yet."""
        return [
            self._sighting(lane, index) for lane in self.lanes for index in range(-min(lane.size, len(lane.times)), 0)
        ]

    def _fill_slot(self, at: float) -> None:
        kind = 0 if self._random.random() < population.CODE_SHARE else 1
        if self._settings.reserving and self._random.random() < _AGAIN_SHARE:
            event, again = self._again(kind)
        else:
            old = self._settings.reserving and self._random.random() < _OLD_SHARE
            event, again = self._create(at, kind, old=old), False
            if old:
                self._pools[kind].popleft()
                self._pools[kind].append((event, True))
        self.emitted += not again
        self._show(at, kind, event, again=again)

    def _again(self, kind: int) -> tuple[Event, bool]:
        """Serve the old event that has waited longest."""
        event, seen = self._pools[kind].popleft()
        self._pools[kind].append((event, True))
        return event, seen

    def _show(self, at: float, kind: int, event: Event, *, again: bool) -> None:
        lane = self.lanes[kind if len(self.lanes) > 1 else 0]
        lane.add(at, event, again=again)
        if self._log.wanted and len(lane.times) > lane.size:
            self._log.write(self._sighting(lane, -lane.size - 1))

    def _sighting(self, lane: Lane, index: int) -> str:
        event, again = lane.events[index]
        bounds = [None if bound is None else self.wall(self._tick(bound)) for bound in lane.bounds(index)]
        spans = zip(lane.pages, bounds, bounds[1:], strict=False)
        visible = {page: (first, last) for page, first, last in spans if first is not None and first != last}
        return self._log.sighting(event, visible, again=again)

    def _tick(self, at: float) -> float:
        """Return when a change made at this time shows: pages are rebuilt once a cache period."""
        period = self._settings.cache_period
        shown = math.ceil(at / period - _TOLERANCE) * period if period else at
        return max(shown, 0.0)

    def _create(self, at: float, kind: int, *, old: bool) -> Event:
        uniform = self._random.random
        type_, action = self._mixes[kind].pick(uniform())
        repo_id, repo, org = population.repository(uniform())
        actor_id, actor = population.actor(uniform())
        number = self._ids[0] + self._ids[1]
        id_ = self._next_id()
        created = self.wall(at) - self._delay(old=old)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created))
        event = Event(number, id_, type_, action, repo_id, repo, actor_id, actor, org, stamp)
        if self._settings.odd:
            make_odd(event, self._settings.odd, uniform())
        return event

    def _next_id(self) -> str:
        """Count in one of two families; within blocks of 64 the order is mixed, as ids on GitHub are not sorted."""
        family = 0 if self._random.random() < _FAMILY_SPLIT else 1
        count = self._ids[family]
        self._ids[family] += 1
        base = _FAMILIES[family] + int(self.started - _ID_EPOCH) * _IDS_A_SECOND
        return str(base + count // 64 * 64 + count * 37 % 64)

    def _delay(self, *, old: bool) -> float:
        """Seconds between created_at and the moment the feed shows the event."""
        share, place = self._random.random(), self._random.random()
        if old:
            return DAY * (1 + 9 * place)
        if not self._settings.lateness:
            return 0
        for portion, shortest, longest in _DELAYS:
            if share < portion:
                # Log-uniform: most are near the short end.
                return float(shortest * (longest / shortest) ** place)
            share -= portion
        return DAY
