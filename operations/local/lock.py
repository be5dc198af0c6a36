"""One command at a time starts or stops a stack."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from operations.local.console import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.local.settings import Settings


@contextlib.contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Keep other commands from starting or stopping this stack; wait for one that does so now.

    The lock ends with the process that holds it, however that ends.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with (settings.state_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command starts or stops this stack: waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
