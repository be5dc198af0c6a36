"""Installs locked Python packages by pip, and says how far it is: `python packages.py PYTHON REQUIREMENTS [OPTION …]`.

Runs on the bare interpreter, so it imports nothing that has to be installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OPTIONS = ("--disable-pip-version-check", "--progress-bar=off", "--require-hashes", "--requirement")
LOCKED = re.compile(r"^([\w.-]+(?:\[[^]]*\])?)==", re.MULTILINE)
FETCHED = re.compile(r"\s*Downloading \S*?([^/\s]+)\.(?:whl|tar\.gz|zip)(?:#\S*)? \((.*)\)")
LARGE = re.compile(r"[\d.]+ [MG]B")  # what takes long enough to be named
STEPS = 5  # how often the number of packages is said
LAST_LINES = 20  # of what pip says when it fails


def install(python: str, requirements: str, *options: str) -> int:
    """Install the packages for the interpreter `python`, with further `options` of pip; return pip's exit code."""
    total = max(1, len(LOCKED.findall(Path(requirements).read_text(encoding="utf-8"))))
    command = [python, "-m", "pip", "install", *options, *OPTIONS, requirements]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603 - our own
        for line in progress(kept(pip.stdout or [], said), total):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    if pip.returncode:
        sys.stderr.write("".join(said[-LAST_LINES:]))
    return pip.returncode


def kept(lines: Iterable[str], said: list[str]) -> Iterator[str]:
    """Yield each line, and keep it in `said`."""
    for line in lines:
        said.append(line)
        yield line


def progress(lines: Iterable[str], total: int) -> Iterator[str]:
    """Turn pip's lines into a few: each large file with its size, each fifth of the `total` packages, the installation."""
    seen, shown = 0, 0
    for line in lines:
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            seen += 1
            if STEPS * seen // total > shown:
                shown = STEPS * seen // total
                yield f"  {seen} of at most {total} packages"
        elif (fetched := FETCHED.match(line)) and LARGE.match(fetched[2]):
            yield f"  fetching {fetched[1].partition('-')[0]}, {fetched[2]}"
        elif line.startswith("Installing collected packages"):
            yield "  installing"


if __name__ == "__main__":
    sys.exit(install(*sys.argv[1:]))
