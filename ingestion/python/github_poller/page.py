"""One page: its clock, its ETag, what it last showed, and its statistics (CONTRACT.md, sections 4, 5 and 8)."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from github_poller.answer import Answer
from github_poller.feed import PAGE_SIZE, PAGES
from github_poller.messages import Message

_RETRY = 5.0
_LONGEST_RETRY = 60.0
_HOUR = 3600.0
_STALE = 10
_MUCH_OVERLAP, _LITTLE_OVERLAP = 50, 10
_MAX_STRETCH = 8.0


class Counts(NamedTuple):
    """What was on a page."""

    fetched: int = 0
    fresh: int = 0
    overlap: int = 0
    saturated: bool = False


@dataclass
class Page:
    """What is known of one page. Times are seconds of the monotonic clock, but for `sent`, which is Unix time."""

    number: int
    due: float = field(default_factory=time.monotonic)
    sent: float = 0.0
    started: float = 0.0
    duration: float = 0.0
    interval: float | None = None
    polls: int = 0
    failures: int = 0
    unchanged: int = 0
    stretch: float = 1.0
    etag: str | None = None
    unacknowledged_etag: str | None = None
    last: set[str] | None = None

    def begin(self) -> None:
        """Note that a request is sent now."""
        self.sent, self.started = time.time(), time.monotonic()

    def end(self) -> None:
        """Note that its answer has come."""
        self.polls, self.duration = self.polls + 1, time.monotonic() - self.started

    def condition(self) -> str | None:
        """Return the ETag to send; none after many 304 in a row, as GitHub has served stale pages for days."""
        return None if self.unchanged >= _STALE else self.etag

    def compare(self, found: list[Message], fresh: int, yesterday: str) -> Counts:
        """Return the counts of a good answer against the one before; remember it."""
        last, self.last = self.last, {message.identity for message in found}
        if last is None:
            return Counts(len(found), fresh)
        overlap = len(self.last & last)
        self.adapt(overlap)
        # GitHub serves old events again: only the new ones tell whether the two answers touch.
        recent = {message.identity for message in found if message.created_at >= yesterday}
        saturated = len(found) >= PAGE_SIZE and len(recent) >= PAGE_SIZE // 2 and not recent & last
        return Counts(len(found), fresh, overlap, saturated)

    def adapt(self, overlap: int) -> None:
        """Leave more of a scarce budget to the other pages when this one moves slowly."""
        if overlap > _MUCH_OVERLAP:
            self.stretch = min(self.stretch * 1.25, _MAX_STRETCH)
        elif overlap < _LITTLE_OVERLAP:
            self.stretch = max(self.stretch / 2, 1.0)

    def schedule(self, answer: Answer, base: float) -> None:
        """Set the next slot after an answer that is no limit; base: the seconds between two requests as asked for."""
        if answer.error == "unprocessable":
            wait = _HOUR
        elif answer.error:
            wait = self.retry_in(base)
        else:
            wait = self.interval = max(base, self.budget(answer))
            self.failures = 0
            self.unchanged = self.unchanged + 1 if answer.events is None else 0
        self.due = self.started + wait

    def retry_in(self, base: float) -> float:
        """Count a failure; return the seconds to wait, counted from the request that failed."""
        interval = self.interval or base
        wait = min(interval, _RETRY) * 2.0 ** min(self.failures, 10)
        self.failures += 1
        return min(wait, max(interval, _LONGEST_RETRY))

    def budget(self, answer: Answer) -> float:
        """Return the seconds between two requests of this page with which the hour's requests last for all pages."""
        return min(self.stretch * len(PAGES) * answer.budget(), answer.reset_in() + 1)

    def row(self, answer: Answer, counts: Counts) -> dict[str, Any]:
        """Return the statistics of the last request."""
        remaining = answer.number("x-ratelimit-remaining")
        sent = datetime.fromtimestamp(self.sent, timezone.utc)
        cells = {
            "timestamp": sent.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "poller": "python",
            "poll": self.polls,
            "page": self.number,
            "status": answer.status,
            "error": answer.error,
            "fetched": counts.fetched,
            "fresh": counts.fresh,
            "duplicate": counts.fetched - counts.fresh,
            "overlap": counts.overlap,
            "saturated": counts.saturated,
            "remaining": None if remaining is None else int(remaining),
            "interval": round(self.due - self.started, 3),
            "duration_ms": round(self.duration * 1000),
        }
        return {key: cell for key, cell in cells.items() if cell is not None}


def line(row: dict[str, Any]) -> str:
    """Return the statistics of one request as a line of the log."""
    if "error" in row:
        found = f"{row['status']} {row['error']}" + (" (GITHUB_API_URL)" if row["error"] == "redirect" else "")
    else:
        counts = ", ".join(f"{row[key]} {key}" for key in ("fetched", "fresh", "duplicate", "overlap"))
        found = f"{row['status']}, {counts}"
    left = f", {row['remaining']} requests left" if "remaining" in row else ""
    saturated = ", saturated" if row["saturated"] else ""
    return f"page {row['page']} poll {row['poll']}: {found}, next in {row['interval']:.1f} s{left}{saturated}"
