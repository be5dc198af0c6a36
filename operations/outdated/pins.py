"""A pinned version, and how a tool is asked for the newest one."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST = 300  # characters of what a tool says
ANSWERS_WITHIN = 600  # seconds; the first run of a tool may fetch its own parts


class UnaskedError(Exception):
    """A tool is missing or could not answer; the message is a sentence."""


class Pin(NamedTuple):
    """A version that a file names, and the newest one."""

    what: str
    used: str
    newest: str
    file: str

    @property
    def behind(self) -> bool:
        """Tell whether there is a newer version."""
        return number(self.newest) > number(self.used)


def number(version: str) -> tuple[int, ...]:
    """Return what versions are compared by: v1.25.10 is newer than 1.25.4."""
    return tuple(map(int, re.findall(r"\d+", version)))


def files(name: str) -> Iterator[Path]:
    """Yield the checkout's files of this name. What `make` and npm install lies deeper, or in folders left out here."""
    for depth in ("", "*/", "*/*/", "*/*/*/"):
        yield from sorted(path for path in ROOT.glob(depth + name) if not installed(path))


def installed(path: Path) -> bool:
    """Tell whether a file was installed or built, not written."""
    return any(part.startswith(".") or part in {"node_modules", "target"} for part in path.relative_to(ROOT).parts)


def relative(path: Path) -> str:
    """Return a path as people write it."""
    return str(path.relative_to(ROOT))


def ask(*command: str, folder: Path = ROOT, codes: tuple[int, ...] = (0,), errors: bool = False) -> str:
    """Run a tool in `folder`; return what it printed, on standard error, too, with `errors`.

    UnaskedError if it is missing, or ends with none of `codes`.
    """
    if shutil.which(command[0]) is None:
        message = f"{command[0]} is not installed"
        raise UnaskedError(message)
    try:
        done = subprocess.run(  # noqa: S603 - the toolchains' own commands
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=ANSWERS_WITHIN
        )
    except subprocess.TimeoutExpired as error:
        message = f"{command[0]} did not answer within {ANSWERS_WITHIN} s"
        raise UnaskedError(message) from error
    if done.returncode not in codes:
        raise UnaskedError(reason(command[0], done.stdout + done.stderr))
    return done.stdout + done.stderr * errors


def reason(tool: str, printed: str) -> str:
    """Return why a tool could not answer: the first line that says so, else its last one."""
    plain = re.sub(r"\x1b\[[0-9;]*m|^time=\S+ level=\w+ msg=", "", printed, flags=re.MULTILINE)
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|fatal|could not|fail", line, re.IGNORECASE)]
    return f"{tool} says: {(telling or lines[-1:] or ['nothing'])[0][:LONGEST]}"
