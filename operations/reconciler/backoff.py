"""When to try again what keeps failing: less and less often."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0  # seconds between two attempts at the same thing


@dataclass
class Backoff:
    """Attempts at things that have a name each; `clock` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    attempts: int = 0
    _delay: dict[str, float] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)

    def due(self, name: str) -> bool:
        """Return whether to try `name` again now; if so, the next attempt is due after twice the delay."""
        now = self.clock()
        if now < self._last.get(name, now) + self._delay.get(name, 0.0):
            return False
        self.attempts += 1
        self._last[name] = now
        self._delay[name] = min(max(self._delay.get(name, 0.0) * 2, FIRST_DELAY), LONGEST_DELAY)
        return True

    def well(self, name: str) -> None:
        """Note that `name` works.

        What fails again right after an attempt was never well: its delay stays until it has worked for one.
        """
        if self.clock() > self._last.get(name, 0.0) + self._delay.get(name, 0.0) + FIRST_DELAY:
            self.forget(name)

    def forget(self, name: str) -> None:
        """Forget the attempts at `name`: what it should be has changed."""
        self._delay.pop(name, None)
        self._last.pop(name, None)

    def ailing(self) -> set[str]:
        """Return the names that were tried and have not been well for long enough since."""
        return set(self._last)

    def soonest(self) -> float:
        """Return when the next attempt at anything is due; infinity if nothing was tried."""
        return min((last + self._delay[name] for name, last in self._last.items()), default=float("inf"))


@dataclass
class Attempts:
    """Changes that have a name each, and the sentence that says why the last attempt at one failed.

    A failed one is tried again less and less often; at once if `version`, what the thing should become, is another.
    """

    backoff: Backoff = field(default_factory=Backoff)
    failed: dict[str, str] = field(default_factory=dict)
    _versions: dict[str, object] = field(default_factory=dict)

    def due(self, name: str, version: object) -> bool:
        """Return whether to try now; if so, this counts as an attempt."""
        if self._versions.get(name) != version:
            self.done(name)
            self._versions[name] = version
        return self.backoff.due(name)

    def done(self, name: str) -> None:
        """Note that `name` is as it should be."""
        self.failed.pop(name, None)
        self._versions.pop(name, None)
        self.backoff.forget(name)

    def only(self, names: set[str]) -> None:
        """Forget all things but these: nobody wants the others any more."""
        for name in (self._versions.keys() | self.failed.keys()) - names:
            self.done(name)
