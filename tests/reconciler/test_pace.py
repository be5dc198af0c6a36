"""How soon the reconciler looks again: at once at what has just changed, at its leisure at what stays as it is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from operations.reconciler.__main__ import PAUSE, SOON, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Pauses(threading.Event):
    """Notes how long somebody wants to wait, and does not wait; set after so many."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count, self.seconds = count, list[float]()

    def wait(self, timeout: float | None = None) -> bool:
        """Note it; return whether it is set."""
        self.seconds.append(timeout or 0.0)
        if len(self.seconds) == self.count:
            self.set()
        return self.is_set()


def pauses(folder: Path, *passes: list[str]) -> list[float]:
    """Return the pauses after passes that find these problems."""
    found, stop = iter(passes), Pauses(len(passes))

    def once(_: Callable[[], None]) -> list[str]:
        return next(found)

    run(once, folder / "status.json", stop)
    return stop.seconds


@pytest.mark.parametrize(
    ("passes", "seconds"),
    [
        ([[], [], []], [PAUSE] * 3),
        ([["a"], ["a"], ["a"], ["a"], ["a"]], [SOON, 2 * SOON, 4 * SOON, PAUSE, PAUSE]),
        ([["a"], ["b"], ["b", "c"], ["b"], []], [SOON, SOON, SOON, 2 * SOON, 4 * SOON]),
        ([[], [], ["a"], []], [PAUSE, PAUSE, SOON, 2 * SOON]),
        # A reconciler that finds what changes with every look does not look without a pause.
        ([["1 of 7 s"], ["2 of 7 s"], ["30 of 7 s"], ["31 of 7 s"]], [SOON, 2 * SOON, 4 * SOON, PAUSE]),
    ],
)
def test_what_is_new_is_looked_at_again_soon(tmp_path: Path, passes: list[list[str]], seconds: list[float]) -> None:
    assert pauses(tmp_path, *passes) == seconds
