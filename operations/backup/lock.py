"""One backup, restore or change of offsets at a time: the lock ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Busy(Problem):
    """Another command holds the lock."""


def at_work(state: Path) -> bool:
    """Tell whether such a command on the stack in folder `state` is at work."""
    try:
        with alone(state):
            return False
    except Busy:
        return True


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold the lock of the stack in folder `state`; Busy if another process does."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "backup.lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                "another command works on this stack's data (`make backup`, `restore`, `replay`, `skip` or `dead-letters`):"
                " wait for its end"
            )
            raise Busy(message) from None
        yield
