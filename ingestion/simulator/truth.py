"""The truth log: what the feed emitted, what each answer held, and how much of it a poller captured.

One JSON object a line, of three kinds told apart by their first key:

- `{"run": seed, "start": unix seconds, "settings": {...}}` begins each run of the simulator;
- `{"event": number, "id", "created_at", "type", "action", "repo", "actor", "org", "again": bool,
  "visible": {"1": [first, last], ...}}`: one event's stay on its pages of 100, in Unix seconds, written when it
  leaves the last. `last` is when the page no longer shows it, null while it still does. `again` marks an old event
  that is served once more;
- `{"poll": number, "at": unix seconds, "client", "page", "per_page", "status", "fault", "intact": bool,
  "headers": {...}, "served": [event numbers]}`: one request for /events, when it came, some of its headers, and what
  was answered; `served` is what an intact answer held.
"""

from __future__ import annotations

import dataclasses
import json
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from simulator.feed import Event
    from simulator.settings import Settings

# GitHub repeats ids over the years, so an event is known by both.
Key = tuple[str, "str | None"]
FIELDS = ("id", "type", "action", "repo", "actor", "org", "created_at")


class TruthLog:
    """Writes the log; does nothing without a path."""

    def __init__(self, path: Path | None) -> None:
        self.wanted = path is not None
        self._path = path
        self._file = _appended(path) if path else None

    def write(self, line: str) -> None:
        """Append one line."""
        if self._file:
            self._file.write(line + "\n")

    def run(self, settings: Settings, start: float) -> None:
        """Begin a run."""
        shown = {name: value for name, value in vars(settings).items() if name != "truth_log"}
        self.write(json.dumps({"run": settings.seed, "start": start, "settings": shown}))

    def sighting(self, event: Event, visible: dict[int, tuple[float, float | None]], *, again: bool) -> str:
        """Return the line for an event's stay in the feed."""
        spans = {str(page): [round(first, 3), last and round(last, 3)] for page, (first, last) in visible.items()}
        message = {field: getattr(event, field) for field in FIELDS}
        return json.dumps({"event": event.number, **message, "again": again, "visible": spans})

    def poll(self, entry: dict[str, Any], events: list[Event]) -> None:
        """Note one answer."""
        self.write(json.dumps({**entry, "served": [event.number for event in events]}))

    def flush(self) -> None:
        """Make what was written visible to readers."""
        if self._file:
            self._file.flush()

    def text(self) -> str:
        """All that was written."""
        self.flush()
        return self._path.read_text(encoding="utf-8") if self._path else ""

    def close(self) -> None:
        """Flush and close."""
        if self._file:
            self._file.close()


def _appended(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8")
    except OSError as error:
        message = f"SIMULATOR_TRUTH_LOG {path}: {error}"
        raise ValueError(message) from error


@dataclasses.dataclass(frozen=True)
class Coverage:
    """How many events were emitted, could be had from the answers given, and were captured."""

    emitted: int
    possible: int
    captured: int
    missed: frozenset[Key]
    unexpected: frozenset[Key]

    @property
    def share(self) -> float:
        """Captured of possible; 1 if nothing was possible."""
        return self.captured / self.possible if self.possible else 1.0


@dataclasses.dataclass
class Truth:
    """A truth log that was read: the message of each event, its stays, and the answers given."""

    messages: dict[Key, dict[str, Any]] = dataclasses.field(default_factory=dict)
    stays: list[tuple[Key, dict[str, list[float | None]]]] = dataclasses.field(default_factory=list)
    polls: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def possible(self, client: str | None = None) -> set[Key]:
        """Return the events in at least one intact answer (to this client)."""
        asked = [poll for poll in self.polls if client in (None, poll["client"])]
        return {key for poll in asked for key in poll["served"]}

    def reachable(self, plan: Iterable[tuple[float, int]]) -> set[Key]:
        """Return the events that polls at these (Unix seconds, page of 100) would see, asked or not."""
        asked = list(plan)
        return {key for key, visible in self.stays if any(_within(visible.get(str(page)), at) for at, page in asked)}

    def coverage(self, captured: Collection[Key], client: str | None = None) -> Coverage:
        """Compare what was captured with what was possible."""
        possible, found = self.possible(client), set(captured)
        return Coverage(
            emitted=len(self.messages),
            possible=len(possible),
            captured=len(possible & found),
            missed=frozenset(possible - found),
            unexpected=frozenset(found - possible),
        )


def _within(span: list[float | None] | None, at: float) -> bool:
    return span is not None and (span[0] or 0) <= at and (span[1] is None or at < span[1])


def read(lines: Iterable[str]) -> Truth:
    """Read a truth log: an open file, or the lines of GET /simulator/truth.

    Raises ValueError if it lacks events that were served: of a running simulator only the latter is complete.
    """
    truth, known, polls = Truth(), dict[int, Key](), list[dict[str, Any]]()
    for found in map(json.loads, lines):
        if "run" in found:  # Event numbers start anew.
            _settle(truth, known, polls)
            known, polls = {}, []
        elif "poll" in found:
            polls.append(found)
        else:
            key = known[found["event"]] = (found["id"], found["created_at"])
            truth.messages[key] = {field: found[field] for field in FIELDS if found[field] is not None}
            truth.stays.append((key, found["visible"]))
    _settle(truth, known, polls)
    return truth


def _settle(truth: Truth, known: dict[int, Key], polls: list[dict[str, Any]]) -> None:
    """Turn the event numbers of one run's answers into keys; an event is logged after the answers that held it."""
    try:
        truth.polls += [{**poll, "served": [known[number] for number in poll["served"]]} for poll in polls]
    except KeyError as error:
        message = f"the truth log has no line for event {error}: the simulator still runs, or was killed"
        raise ValueError(message) from error
