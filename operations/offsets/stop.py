"""A sink that is stopped while its offsets are changed, and runs again afterwards whatever happens."""

from __future__ import annotations

import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from operations.local.interrupts import uninterrupted
from operations.offsets import notes
from operations.offsets.clients import FAILURES
from operations.reconciler import connectors
from operations.reconciler.connectors import Refused
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from operations.offsets.clients import Clients
    from operations.offsets.sinks import Sink
    from operations.reconciler.connectors import Connect, Offsets

WITHIN = 60.0  # seconds for each step
LOOK_EVERY = 0.2  # seconds
# While workers join or leave, and while a task that was stopped still belongs to its consumer group.
NOT_YET = {HTTPStatus.CONFLICT, HTTPStatus.INTERNAL_SERVER_ERROR}


@contextmanager
def stopped(clients: Clients, sink: Sink) -> Iterator[None]:
    """Stop a sink, and give it its state back at the end; Problem if one of the two can't be.

    A note says so to later commands, should this one be killed meanwhile.
    """
    notes.write(clients.settings, sink.name, sink.state)
    try:
        clients.connect.stop(sink.name)
        _until(lambda: _has_stopped(clients.connect, sink.name), f"connector {sink.name} did not stop")
        yield
    finally:
        with uninterrupted():
            _bring_back(clients, sink)


def _bring_back(clients: Clients, sink: Sink) -> None:
    try:
        notes.bring_back(clients.connect, sink.name, sink.state)
    except FAILURES as error:
        message = (
            f"connector {sink.name} may be STOPPED, and Kafka Connect does not let it run again ({type(error).__name__}):"
            " when Kafka Connect answers again, `make lag` does it"
        )
        raise Problem(message) from error
    notes.remove(clients.settings, sink.name)


def set_offsets(clients: Clients, name: str, offsets: Offsets) -> None:
    """Commit offsets for a sink that has just stopped."""

    def done() -> bool:
        try:
            clients.connect.set_offsets(name, offsets)
        except Refused as refused:
            if refused.status not in NOT_YET:
                raise
            reasons.append(str(refused))
            return False
        return True

    reasons: list[str] = []
    _until(done, f"the offsets of connector {name} could not be changed", lambda: reasons[-1])


def until_it_runs(connect: Connect, name: str) -> None:
    """Wait until a sink and its tasks run; Problem that says why they do not."""

    def wrong() -> str | None:
        found = connect.connectors().get(name)
        return connectors.failed(found["status"]) if found else "not registered"

    _until(lambda: not wrong(), f"connector {name} does not run again", lambda: wrong() or "it has just begun to")


def _has_stopped(connect: Connect, name: str) -> bool:
    status = connect.connectors().get(name, {}).get("status")
    return status is not None and status["connector"]["state"] == "STOPPED" and not status["tasks"]


def _until(condition: Callable[[], bool], otherwise: str, reason: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + WITHIN
    while not condition():
        if time.monotonic() > deadline:
            why = reason()
            message = f"{otherwise} within {WITHIN:.0f} s" + (f": {why}" if why else "")
            raise Problem(message)
        time.sleep(LOOK_EVERY)
