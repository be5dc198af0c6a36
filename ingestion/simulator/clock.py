"""Simulated time: seconds since the start, times the scale, and standing still on request."""

from __future__ import annotations

import time


class Clock:
    """Runs `scale` times as fast as the real one."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._zero = time.monotonic()
        self._paused: float | None = None

    @property
    def paused(self) -> bool:
        """Whether time stands still."""
        return self._paused is not None

    def now(self) -> float:
        """Return simulated seconds since the start."""
        real = time.monotonic() if self._paused is None else self._paused
        return (real - self._zero) * self._scale

    def pause(self) -> None:
        """Stand still."""
        self._paused = self._paused or time.monotonic()

    def resume(self) -> None:
        """Go on where time stood still."""
        if self._paused is not None:
            self._zero += time.monotonic() - self._paused
            self._paused = None
