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
        delay = self._delay.get(name, 0.0)
        if now < self._last.get(name, now - delay) + delay:
            return False
        self.attempts += 1
        self._last[name] = now
        self._delay[name] = min(max(delay * 2, FIRST_DELAY), LONGEST_DELAY)
        return True

    def well(self, name: str) -> None:
        """Note that `name` works.

        What fails again right after an attempt was never well: its delay stays until it has worked for one.
        """
        if self.clock() > self._last.get(name, 0.0) + self._delay.get(name, 0.0) + FIRST_DELAY:
            self._delay.pop(name, None)
            self._last.pop(name, None)

    def ailing(self) -> set[str]:
        """Return the names that were tried and have not been well for long enough since."""
        return set(self._last)
