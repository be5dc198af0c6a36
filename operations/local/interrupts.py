"""Signals that ask a command to end, and what must not end half done."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def catch() -> None:
    """Turn each of these signals into what Ctrl-C raises, so that a command can clean up."""
    for number in INTERRUPTS:
        signal.signal(number, _interrupt)


def _interrupt(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal but SIGKILL end what must be done to its end."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
