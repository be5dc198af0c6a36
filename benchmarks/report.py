"""Writes the tables that docs/benchmarks.md and other pages show, each between its own pair of markers."""

from __future__ import annotations

import platform
import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Return `median (min..max)`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def machine() -> str:
    """Return what the numbers were measured on, in one line."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


def write(section: str, text: str, path: Path = PAGE) -> None:
    """Replace the section between `<!-- section -->` and `<!-- /section -->` of the page."""
    page = path.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {section} -->\n).*?(<!-- /{section} -->)", re.DOTALL)
    if not pattern.search(page):
        message = f"{path.name} has no section {section}"
        raise ValueError(message)
    path.write_text(pattern.sub(lambda match: match[1] + text + "\n" + match[2], page), encoding="utf-8")
