"""`make outdated`: a line for each pinned version that is behind. Nothing is changed."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from operations.local.console import ended, say
from operations.outdated import images, toolchains
from operations.outdated.pins import Pin, UnaskedError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = tuple[list[Pin], list[str]]  # versions, and sentences on what could not be asked


def _of(part: Callable[[], list[Pin]]) -> Callable[[], Answer]:
    def answer() -> Answer:
        try:
            return part(), []
        except UnaskedError as error:
            return [], [str(error)]

    return answer


PARTS: dict[str, Callable[[], Answer]] = {
    "images": images.pins,
    "Maven": _of(toolchains.maven),
    "pip": _of(toolchains.pip),
    "npm": _of(toolchains.npm),
    "Go": _of(toolchains.go),
    "Cargo": _of(toolchains.cargo),
}


def table(answers: dict[str, Answer]) -> list[str]:
    """Return a line for each version that is behind, in columns."""
    rows = [("part", "what", "used", "newest", "in")]
    for part, (pins, _) in answers.items():
        rows += [(part, *pin) for pin in sorted(pins) if pin.behind]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def unasked(answers: dict[str, Answer]) -> list[str]:
    """Return a sentence for each part that could not be asked."""
    return [f"! {part} were not asked. {why}" for part, (_, sentences) in answers.items() for why in sentences]


def report() -> int:
    """Ask all parts at once; print what they answered."""
    say("Asking Maven, pip, npm, Go, Cargo and skopeo …")
    with ThreadPoolExecutor(len(PARTS)) as pool:
        found = dict(zip(PARTS, pool.map(lambda part: part(), PARTS.values()), strict=True))
    lines = table(found)
    say("\n".join(lines if lines[1:] else ["✓ nothing that was asked is behind"]))
    say("\n".join(unasked(found)) or "Every part was asked.")
    return 0


if __name__ == "__main__":
    sys.exit(ended(report))
