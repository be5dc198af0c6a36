"""What the running reconciler found, in a file: for health checks, `make status` and `make doctor`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from operations.reconciler import files
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

# Seconds after which a status says nothing about now. It is written before each part of a pass, and a part whose server hangs
# waits for two answers at most: questdb.LOOKING and questdb.CHANGING.
STALE = 45.0
AHEAD = 5.0  # seconds by which a clock may have been set back


def write(file: Path, problems: list[str]) -> None:
    """Replace the status file."""
    files.replace(file, json.dumps({"time": time.time(), "problems": problems}))


def read(file: Path) -> list[str]:
    """Return what the running reconciler found wrong a moment ago.

    Raises:
        Problem: nobody knows: the reconciler has not finished a pass, or does not run.

    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        written, problems = float(found["time"]), [str(problem) for problem in found["problems"]]
    except FileNotFoundError:
        message = "its first pass is not done"
        raise Problem(message) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"its status file {file} can't be read ({type(error).__name__}). Remove the file, it is written anew"
        raise Problem(message) from None
    age = time.time() - written
    if not -AHEAD < age < STALE:
        message = f"its status is {age:.0f} s old: it does not run, or hangs. Its log has the reason"
        raise Problem(message)
    return problems


def sentences(file: Path) -> list[str]:
    """Return what is wrong, be it with the reconciler itself."""
    try:
        return read(file)
    except Problem as problem:
        return [str(problem)]
