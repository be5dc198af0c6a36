"""The offsets of topics and consumer groups for Telegraf: `GET /metrics` on a port of its own.

It is here because only Kafka's admin protocol knows the lag of a group that has no members, Telegraf does not speak it, and the
reconciler already does. It answers in line protocol, not in Prometheus text: all numbers of a partition belong to one row.
"""

from __future__ import annotations

import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from operations.reconciler.problems import Problem
from operations.reconciler.progress import Idle, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Consumer

    from operations.reconciler.offsets import Look

log = logging.getLogger(__name__)

LOOK_EVERY = 10.0  # seconds between two looks of the reconciler itself, which also runs without Telegraf


class Kafka:
    """What Kafka says now, and what is learnt from one look to the next."""

    def __init__(self, looks: Callable[[], Look], reader: Callable[[], Consumer]) -> None:
        """Take looks from `looks`, and consumers that read committed messages only from `reader`."""
        self._looks = looks
        self._idle = Idle(reader)
        self._looked = time.monotonic()
        self.progress = Progress()

    def look(self) -> Look:
        """Return a look, without the lag that can't be read; several threads may ask. Raises what `looks` raises."""
        found = self._looks()
        self._looked = time.monotonic()
        self._idle.discount(found)
        self.progress.note(found)
        return found

    def keep_looking(self, stop: threading.Event) -> None:
        """Look every ten seconds, unless somebody else just did."""
        while not stop.wait(max(0.1, self._looked + LOOK_EVERY - time.monotonic())):
            try:
                self.look()
            except Problem:
                self._looked = time.monotonic()  # said by whoever else needs the broker


def serve(kafka: Kafka, state: Callable[[], str], address: tuple[str, int], stop: threading.Event) -> None:
    """Answer on `address` until the process ends; `state` gives the reconciler's own line."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(answer(kafka, state()).encode())

        def log_message(self, *_: object) -> None:
            """Log nothing: it is asked every few seconds."""

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    threading.Thread(target=kafka.keep_looking, args=[stop], name="progress", daemon=True).start()
    log.info("metrics at http://%s:%d/metrics", *address)


def answer(kafka: Kafka, state: str) -> str:
    """Return all lines; only `state`, and a comment that says why, while the broker does not answer."""
    try:
        found = list(kafka.look().lines())
    except Problem as problem:
        found = [f"# no answer from Kafka ({problem})"]
    return "".join(line + "\n" for line in [state, *found])
