"""A door to a port of this machine that a test can shut: what is behind it is then away for whoever uses the door."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def open_door(port: int, target: int) -> Iterator[None]:
    """Listen on `port` and pass everything on to `target`; at the end the door and all connections are closed."""
    connections: list[socket.socket] = []
    door = socket.create_server(("127.0.0.1", port), reuse_port=True)
    accepting = threading.Thread(target=_accept, args=(door, target, connections), daemon=True)
    accepting.start()
    try:
        yield
    finally:
        _close(door)
        # Nothing is added to the connections any more.
        accepting.join()
        for each in connections:
            _close(each)


def _close(connection: socket.socket) -> None:
    """Close it for those who wait on it, too: a close alone would not wake them."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _accept(door: socket.socket, target: int, connections: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            near, _ = door.accept()
            connections.append(near)
            far = socket.create_connection(("127.0.0.1", target))
            connections.append(far)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
