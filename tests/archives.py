"""Hourly archives in GH Archive's format, made by the simulator, served on loopback."""

from __future__ import annotations

import gzip
import http.server
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING

from simulator import payloads
from simulator.feed import Feed
from simulator.settings import Settings
from simulator.truth import TruthLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from simulator.feed import Event

HOUR = 3600


def events(start: float, count: int, seed: int = 1) -> Iterator[Event]:
    """Yield the events that the feed shows first within the hour that begins at `start` (Unix time)."""
    settings = Settings(start=start, rate=count / HOUR, seed=seed, reserving=False)
    feed = Feed(settings, TruthLog(None))
    feed.advance(0)  # what was shown before the hour
    shown = {event.number for lane in feed.lanes for event, _ in lane.events}
    for second in range(1, HOUR + 1):
        feed.advance(second)
        fresh = [event for lane in feed.lanes for event, _ in lane.events if event.number not in shown]
        yield from fresh
        shown = {event.number for lane in feed.lanes for event, _ in lane.events}


def write(path: Path, start: float, count: int, seed: int = 1) -> set[tuple[str, str]]:
    """Write one archive; return (id, created_at) of what it holds."""
    held = set()
    with gzip.open(path, "wb", compresslevel=1) as file:
        for event in events(start, count, seed):
            file.write(payloads.render(event) + b"\n")
            held.add((event.id, str(event.created_at)))
    return held


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stalled: threading.Event  # a path below /stall/ ends in its middle until this is set

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        """Send a file."""
        if not self.path.startswith("/stall/"):
            shutil.copyfileobj(source, outputfile)
            return
        body = source.read()
        outputfile.write(body[: len(body) // 2])
        outputfile.flush()
        self.stalled.wait(120)
        self.close_connection = True

    def translate_path(self, path: str) -> str:
        """Find the file, whatever is done with it."""
        return super().translate_path(path.removeprefix("/stall"))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files of a folder; yield the address. Below /stall/ the same files end in the middle, and nothing follows."""
    stalled = threading.Event()
    handler = type("Handler", (_Handler,), {"stalled": stalled})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        stalled.set()
        server.shutdown()
        thread.join()
        server.server_close()
