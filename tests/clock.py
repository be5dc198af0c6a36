"""A time of day of its own for the processes of a test, which jumps while they run, as where a wrong clock is set right.

libfaketime would do the same, but its 0.9.10 ends each wait of a JVM at once after a jump. Go asks the kernel itself, so no such
library reaches it.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")


class Clock:
    """A clock that is ahead of the real one by what is in a file."""

    def __init__(self, folder: Path) -> None:
        """Begin with the real time. Skip where there is no C compiler; fail instead with REQUIRE_TOOLCHAINS."""
        if shutil.which("cc") is None:
            (pytest.fail if os.environ.get("REQUIRE_TOOLCHAINS") else pytest.skip)("cc, a C compiler, is missing")
        self._file, library = folder / "clock", folder / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
        self._file.write_bytes(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": str(library), "RTA_CLOCK": str(self._file)}

    def jump(self, hours: float) -> None:
        """Set the clock so many hours after the real one, before it if negative."""
        with self._file.open("r+b", buffering=0) as file:
            file.write(struct.pack("q", int(hours * 3600 * 1e9)))
