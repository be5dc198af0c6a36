"""One page: its clock, its ETag, what it last showed, and its statistics (CONTRACT.md, sections 4, 5 and 8)."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, NamedTuple

from github_poller.answer import HOUR, Answer, ErrorKind
from github_poller.feed import PAGE_SIZE
from github_poller.messages import Message

_FIRST_RETRY = 5.0
_LONGEST_RETRY = 60.0
_MAX_UNCHANGED = 10


class Counts(NamedTuple):
    """What was on a page."""

    fetched: int = 0
    fresh: int = 0
    overlap: int = 0
    saturated: bool = False
    # Share of the recent events that were sent before; None when nothing can be said.
    known: float | None = None


@dataclass
class Page:
    """What is known of one page. Times are seconds of the monotonic clock, but for `sent`, which is Unix time."""

    number: int
    due: float = field(default_factory=time.monotonic)
    sent: float = 0.0
    started: float = 0.0
    late: float = 0.0
    duration: float = 0.0
    interval: float | None = None
    polls: int = 0
    failures: int = 0
    unchanged: int = 0
    takes_turns: bool = True
    etag: str | None = None
    unacknowledged_etag: str | None = None
    last: set[str] | None = None

    def start_request(self) -> None:
        """Note that a request is sent now."""
        self.sent, self.started = time.time(), time.monotonic()
        self.late = max(self.started - self.due, 0.0) if self.polls else 0.0

    def end_request(self) -> None:
        """Note that its answer has come."""
        self.polls, self.duration = self.polls + 1, time.monotonic() - self.started

    def etag_to_send(self) -> str | None:
        """Return the ETag for the next request; none after many 304 in a row, as GitHub has served stale pages for days."""
        return None if self.unchanged >= _MAX_UNCHANGED else self.etag

    def compare(self, messages: list[Message], fresh: list[Message], day_before: str) -> Counts:
        """Return the counts of a good answer against the one before; remember it."""
        last, self.last = self.last, {message.identity for message in messages}
        if last is None:
            return Counts(len(messages), len(fresh))
        # GitHub serves old events again: only the new ones tell whether the two answers touch.
        recent = {message.identity for message in messages if message.created_at >= day_before}
        known = len(recent - {message.identity for message in fresh}) / max(len(recent), 1)
        saturated = len(messages) >= PAGE_SIZE and len(recent) >= PAGE_SIZE // 2 and not recent & last
        return Counts(len(messages), len(fresh), len(self.last & last), saturated, known)

    def schedule(self, answer: Answer, interval: float) -> None:
        """Set the next slot after an answer that is no limit; `interval`: the seconds between two requests when all goes well."""
        if answer.error is ErrorKind.UNPROCESSABLE:
            wait = HOUR
        elif answer.error:
            interval = self.interval or interval
            wait = self._retry_in(interval)
        else:
            wait = self.interval = interval
            self.failures = 0
            self.unchanged = self.unchanged + 1 if answer.events is None else 0
        self.takes_turns = wait == interval
        self.due = self.started + wait

    def _retry_in(self, interval: float) -> float:
        """Count a failure; return the seconds to wait, counted from the request that failed."""
        wait = min(interval, _FIRST_RETRY) * 2.0 ** min(self.failures, 10)
        self.failures += 1
        return min(wait, max(interval, _LONGEST_RETRY))

    def row(self, answer: Answer, counts: Counts, base_interval: float) -> dict[str, Any]:
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
            "planned_interval": round(self.interval or base_interval, 3),
            "late": round(self.late, 3),
            "duration_ms": round(self.duration * 1000),
        }
        return {key: cell for key, cell in cells.items() if cell is not None}


def log_line(row: dict[str, Any]) -> str:
    """Return the statistics of one request as a line of the log."""
    if "error" in row:
        result = f"{row['status']} {row['error']}" + (" (GITHUB_API_URL)" if row["error"] == "redirect" else "")
    else:
        counts = ", ".join(f"{row[key]} {key}" for key in ("fetched", "fresh", "duplicate", "overlap"))
        result = f"{row['status']}, {counts}"
    remaining = f", {row['remaining']} requests left" if "remaining" in row else ""
    saturated = ", saturated" if row["saturated"] else ""
    return f"page {row['page']} poll {row['poll']}: {result}, next in {row['interval']:.1f} s{remaining}{saturated}"
