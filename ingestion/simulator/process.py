"""Start the simulator as a process of its own, for tests and benchmarks."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.truth import Truth, read

if TYPE_CHECKING:
    from collections.abc import Iterator


class Running:
    """A simulator that listens at `url`."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process

    def call(self, method: str, path: str, body: str | bytes = "") -> str:
        """Ask or change something under /simulator; returns the answer's text. Raises HTTPError."""
        data = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(self.url + path, data or None, method=method)  # noqa: S310 - own URL
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())

    def truth(self) -> Truth:
        """Read the truth log up to now."""
        return read(self.call("GET", "/simulator/truth").splitlines())


@contextlib.contextmanager
def started(*flags: str) -> Iterator[Running]:
    """Run with these flags on a free port until the block ends. Raises RuntimeError if it does not start."""
    command = [sys.executable, str(Path(__file__).parent), "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                message = f"the simulator ended with {process.wait()}"
                raise RuntimeError(message)
            yield Running(line.split()[-1], process)
        finally:
            process.terminate()
