"""A door to a port of this machine that a test can shut, put far away, or let fail: it does so to what is behind it."""

from __future__ import annotations

import queue
import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

CHUNK = 1 << 18  # bytes
RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: close() sends a reset, and what was not sent yet is gone


@contextmanager
def open_door(port: int, target: int, delay: float = 0.0) -> Iterator[Door]:
    """Listen on `port` and pass everything on to `target`; at the end the door and all connections are closed.

    Each direction takes `delay` seconds, whatever passes in that time: a round trip takes twice as long, a new connection another.
    """
    door = Door(port, target, delay)
    try:
        yield door
    finally:
        door.close()


class Door:
    """Accepts connections and passes on what they say."""

    def __init__(self, port: int, target: int, delay: float) -> None:
        """Begin to listen."""
        self._target = target
        self._delay = delay
        self._connections: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", port), reuse_port=True)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Close the door and all connections."""
        _close(self._door)
        # Nothing is added to the connections any more.
        self._accepting.join()
        for each in list(self._connections):
            _close(each)

    def reset_one(self, draw: random.Random) -> bool:
        """Reset one of the connections: what is under way on it is lost. Return whether there was any."""
        open_now = list(self._connections)
        if open_now:
            victim = draw.choice(open_now)
            with suppress(OSError):
                victim.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            _close(victim)
        return bool(open_now)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                self._connections.add(near)
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with suppress(OSError), near:
            time.sleep(2 * self._delay)  # the handshake, which the kernel has done already
            with socket.create_connection(("127.0.0.1", self._target)) as far:
                for each in (near, far):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections.add(far)
                ways = [_Way(near, far, self._delay), _Way(far, near, self._delay)]
                for way in ways:
                    way.join()
                self._connections.discard(far)
        self._connections.discard(near)


class _Way:
    """One direction of a connection."""

    def __init__(self, source: socket.socket, sink: socket.socket, delay: float) -> None:
        self._source = source
        self._sink = sink
        self._delay = delay
        self._passing = queue.SimpleQueue[tuple[float, bytes]]()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._take, self._give)]
        for thread in self._threads:
            thread.start()

    def _take(self) -> None:
        data = b"first"
        while data:
            try:
                data = self._source.recv(CHUNK)
            except OSError:
                data = b""
            self._passing.put((time.monotonic() + self._delay, data))

    def _give(self) -> None:
        with suppress(OSError):
            while True:
                due, data = self._passing.get()
                time.sleep(max(due - time.monotonic(), 0))
                if not data:
                    break
                self._sink.sendall(data)
        with suppress(OSError):
            self._sink.shutdown(socket.SHUT_WR)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()


def _close(connection: socket.socket) -> None:
    """Close it for those who wait on it, too: a close alone would not wake them."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
