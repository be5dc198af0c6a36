"""Request budgets, counted per token or address as GitHub does."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Bucket:
    """So many requests a period; starts anew when the period is over. Times are Unix seconds."""

    limit: int
    period: float
    used: int = 0
    reset: float = 0

    def take(self, now: float) -> bool:
        """Spend one request if there is one."""
        if now >= self.reset:
            self.used, self.reset = 0, now + self.period
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def give_back(self) -> None:
        """Undo the last `take`."""
        self.used -= 1

    @property
    def remaining(self) -> int:
        """Requests left in this period."""
        return max(self.limit - self.used, 0)


class Budget:
    """The primary limit an hour and the secondary one a minute, of one token or one address."""

    def __init__(self, hourly: int, minutely: int, time_scale: float) -> None:
        self.primary = Bucket(hourly, 3600 / time_scale)
        self.secondary = Bucket(minutely, 60 / time_scale)
