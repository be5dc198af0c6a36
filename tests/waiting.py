"""Waiting for a condition with a deadline, instead of for a time."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
# Deadlines are for a machine that does nothing else. Where other tests run beside these, each is this many times as far off.
PATIENCE = float(os.environ.get("PATIENCE", "1"))


def until(condition: Callable[[], T], what: str, seconds: float = 60.0, show: Callable[[], str] = str) -> T:
    """Return the first true value of `condition`; fail with `what` and the text of `show` after `seconds`."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            message = f"not within {seconds * PATIENCE} s: {what}\n{show()}"
            raise AssertionError(message)
        time.sleep(0.1)
    return value


def last(seconds: float, what: str) -> None:
    """Let `what` last so long: an outage, a measurement. Where there is something to wait for, wait for that."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() > end, what, seconds + 5)
