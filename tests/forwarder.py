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
    threading.Thread(target=_accept, args=(door, target, connections), daemon=True).start()
    try:
        yield
    finally:
        # A close alone would not wake the thread that accepts.
        for each in (door, *connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _accept(door: socket.socket, target: int, connections: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            near, _ = door.accept()
            far = socket.create_connection(("127.0.0.1", target))
            connections += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
