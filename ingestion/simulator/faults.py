"""The fault script: which answers go wrong, and how.

A script is lines (or parts between `;`) of the form `WHEN FAULT [option=value …]`; `#` starts a comment and the
first line that fits an answer wins. WHEN counts the requests for /events of one client (its User-Agent):

    7          its seventh request          5-9, 12-   a range, open or closed
    every:10   each tenth                   p:0.05     with this probability, drawn by the seed
    t:60-3660  simulated seconds since the start       all        always
               (of a stepped feed: steps of the page's requests, good or not)

`page=2` limits a line to that page, and then counts that page's requests. FAULTS lists the faults.
"""

from __future__ import annotations

import dataclasses
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.defects import FAULTS, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.feed import Event

_SPAN = re.compile(r"(\d+)(-?)(\d*)")
_TIMES = re.compile(r"t:([\d.]+)-([\d.]*)")


@dataclasses.dataclass(frozen=True)
class Visit:
    """One request for a page: who, which of its requests, when (seconds as the script counts them, Unix seconds)."""

    client: str
    page: int
    number: int
    page_number: int
    at: float
    came: float


@dataclasses.dataclass(eq=False)
class Rule:
    """One line of a script."""

    name: str
    fault: Fault
    options: dict[str, str]
    page: int | None
    fits: Callable[[int, Visit], bool]
    frozen: dict[str, list[Event]] = dataclasses.field(default_factory=dict)

    def applies(self, visit: Visit) -> bool:
        """Whether this answer goes wrong."""
        if self.page is None:
            return self.fits(visit.number, visit)
        return self.page == visit.page and self.fits(visit.page_number, visit)

    def window(self, visit: Visit, window: list[Event]) -> list[Event]:
        """Return the events to answer from: older, or doubled, if that is the fault."""
        if self.name == "stale":
            return self.frozen.setdefault(visit.client, window)
        return self.fault.window(window) if self.fault.window else window


class Script:
    """The rules in force. Raises ValueError, naming the line, on one that cannot be read."""

    def __init__(self, text: str, seed: int) -> None:
        lines = (line.partition("#")[0].strip() for line in re.split(r"[;\n]", text))
        self.rules = [_rule(line, f"{seed}/{index}") for index, line in enumerate(filter(None, lines))]

    @classmethod
    def load(cls, source: str, seed: int) -> Script:
        """Take a script as it stands, or from the file it names (without spaces)."""
        # A rule has a space in it, the name of a file need not.
        return cls(source if not source or re.search(r"[\s;]", source) else _text(source), seed)

    def pick(self, visit: Visit) -> Rule | None:
        """Return the first rule that applies."""
        return next((rule for rule in self.rules if rule.applies(visit)), None)


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        message = f"SIMULATOR_FAULTS: {error}"
        raise ValueError(message) from error


def _rule(line: str, seed: str) -> Rule:
    try:
        when, name, *rest = line.split()
        options = dict(part.split("=") for part in rest)
        page = int(options.pop("page")) if "page" in options else None
        fault = FAULTS[name]
        fits = _condition(when, seed)
    except (ValueError, KeyError) as error:
        known = ", ".join(FAULTS)
        message = f"SIMULATOR_FAULTS: cannot read {line!r}; it takes WHEN FAULT [option=value], faults are {known}"
        raise ValueError(message) from error
    if strange := options.keys() - fault.options.keys():
        message = f"SIMULATOR_FAULTS: {line!r} has no option {strange.pop()!r}, only {sorted(fault.options)} and 'page'"
        raise ValueError(message)
    return Rule(name, fault, {**fault.options, **options}, page, fits)


def _condition(when: str, seed: str) -> Callable[[int, Visit], bool]:
    kind, _, value = when.partition(":")
    if when == "all":
        return lambda _number, _visit: True
    if kind == "every":
        return lambda number, _visit: number % int(value) == 0
    if kind == "p":
        return _chance(float(value), seed)
    if times := _TIMES.fullmatch(when):
        first, last = float(times[1]), float(times[2] or "inf")
        return lambda _number, visit: first <= visit.at < last
    return _range(when)


def _chance(share: float, seed: str) -> Callable[[int, Visit], bool]:
    """Draw by seed, client and page, so neither other clients nor the order of pages change the outcome."""

    def fits(_number: int, visit: Visit) -> bool:
        draw = random.Random(f"{seed}/{visit.client}/{visit.page}/{visit.page_number}")  # noqa: S311 - no secret
        return draw.random() < share

    return fits


def _range(when: str) -> Callable[[int, Visit], bool]:
    if not (span := _SPAN.fullmatch(when)):
        raise ValueError(when)
    first = int(span[1])
    last = int(span[3]) if span[3] else None if span[2] else first
    return lambda number, _visit: first <= number and (last is None or number <= last)
