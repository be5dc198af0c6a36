"""What the running reconciler found, in a file: for health checks, `make status` and `make doctor`."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STALE = 30.0  # seconds after which a status file says nothing about now


def check(status_file: Path) -> int:
    """Report what the running reconciler last found; return the exit code.

    Reads a file instead of asking again: a health check every few seconds should cost next to nothing.
    """
    try:
        status = json.loads(status_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.stdout.write(f"no status yet: {error}\n")
        return 1
    age = time.time() - status["time"]
    problems = status["problems"] if age < STALE else [f"last pass {age:.0f} s ago: the reconciler does not run"]
    sys.stdout.write("\n".join(problems or ["all as the files say"]) + "\n")
    return 1 if problems else 0


def write(status_file: Path, problems: list[str]) -> None:
    """Replace the status file in one step, so that no reader sees half of it."""
    fresh = status_file.with_suffix(".new")
    fresh.write_text(json.dumps({"time": time.time(), "problems": problems}), encoding="utf-8")
    fresh.replace(status_file)
