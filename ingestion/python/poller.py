"""The loop over three pages, each with a clock of its own (CONTRACT.md, sections 4, 5, 8 and 9)."""

import json
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from feed import PAGE_SIZE, PAGES, Answer, Feed
from messages import Message, Seen, messages
from producer import Delivery
from settings import Settings

_POLITE = 60.0
_RETRY = 5.0
_LONGEST_RETRY = 60.0
_HEALTHY = 60.0
_HOUR = 3600.0
_STALE = 10
_FULL_QUEUE = 50_000
_MUCH_OVERLAP, _LITTLE_OVERLAP = 50, 10
_MAX_STRETCH = 8.0
_log = logging.getLogger(__name__)


class RefusedError(Exception):
    """GitHub's answer makes further requests useless."""


class Counts(NamedTuple):
    """What was on a page."""

    fetched: int = 0
    fresh: int = 0
    overlap: int = 0
    saturated: bool = False


class Times(NamedTuple):
    """Seconds from a request to the next one of its page, and to its answer."""

    interval: float
    duration: float


@dataclass
class Page:
    """What is known of one page. Times are seconds of the monotonic clock."""

    number: int
    due: float = field(default_factory=time.monotonic)
    interval: float | None = None
    polls: int = 0
    failures: int = 0
    unchanged: int = 0
    stretch: float = 1.0
    etag: str | None = None
    unacknowledged_etag: str | None = None
    last: set[str] | None = None

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

    def retry_in(self, base: float) -> float:
        """Count a failure; return the seconds to wait, counted from the request that failed."""
        interval = self.interval or base
        wait = min(interval, _RETRY) * 2.0 ** min(self.failures, 10)
        self.failures += 1
        return min(wait, max(interval, _LONGEST_RETRY))

    def succeed(self, interval: float, started: float) -> None:
        """Set the next slot, seconds after the request that succeeded."""
        self.failures, self.interval, self.due = 0, interval, started + interval


class Poller:
    """Asks the pages in turn until it is stopped."""

    def __init__(self, settings: Settings, feed: Feed, delivery: Delivery) -> None:
        """Make all pages due now."""
        self._settings, self._feed, self._delivery = settings, feed, delivery
        self._pages = [Page(number) for number in PAGES]
        self._seen = Seen()
        self._wish = _POLITE
        self._strikes = 0
        self._sent = 0
        self._healthy_until = 0.0
        self._beaten = 0.0
        self._warn_at: float | None = None
        self._idle = False
        self._stopping = False

    def stop(self, *_: object) -> None:
        """Handle a signal: leave a wait or a request at once, a page that is being sent when that is done."""
        self._stopping = True
        if self._idle:
            raise KeyboardInterrupt

    def run(self) -> None:
        """Poll until MAX_POLLS or a signal; raise RefusedError or DeliveryError."""
        try:
            self._await_topics()
            while (page := self._next()) and not self._stopping:
                self._poll(page)
            self._idle = True
            while not self._stopping and self._settle(_POLITE):
                pass
        except KeyboardInterrupt:
            pass
        _log.info("stopped after %d requests, %d messages sent", sum(p.polls for p in self._pages), self._sent)

    def _await_topics(self) -> None:
        self._idle = True
        while missing := self._delivery.missing(_RETRY):
            _log.warning("waiting for %s", missing)
            time.sleep(_RETRY)
        self._idle = False

    def _next(self) -> Page | None:
        """Return the page that is due first; None when all have had their MAX_POLLS."""
        limit = self._settings.max_polls
        pages = [page for page in self._pages if limit is None or page.polls < limit]
        return min(pages, key=lambda page: page.due, default=None)

    def _poll(self, page: Page) -> None:
        self._idle = True
        self._wait(page.due)
        sent, started = datetime.now(timezone.utc), time.monotonic()
        answer = self._feed.get(page.number, page.condition())
        duration = time.monotonic() - started
        self._idle = False
        page.polls += 1
        counts = self._send(page, answer) if answer.events is not None else Counts()
        self._schedule(page, answer, started)
        self._report(page, answer, counts, sent, Times(page.due - started, duration))
        if answer.fatal():
            raise RefusedError(answer.refusal())
        # Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
        self._settle(0 if self._warn_at else 1.0)

    def _wait(self, due: float) -> None:
        """Wait for a time of the monotonic clock, and longer while too much is unacknowledged."""
        pending = self._settle(0)
        while pending >= _FULL_QUEUE or (pending and time.monotonic() < due):
            pending = self._settle(0.2)
        time.sleep(max(due - time.monotonic(), 0.0))

    def _send(self, page: Page, answer: Answer) -> Counts:
        """Send what is new on a page."""
        found = messages(answer.events or [])
        fresh = [message for message in found if self._seen.add(message.identity)]
        for message in fresh:
            topic = self._settings.topic + ("_dlq" if message.reason else "")
            self._delivery.send(topic, message.key, message.value, message.reason)
        self._sent += len(fresh)
        page.unacknowledged_etag = answer.headers.get("etag")
        return page.compare(found, len(fresh), answer.yesterday())

    def _schedule(self, page: Page, answer: Answer, started: float) -> None:
        """Set when this page is due; after a limit, when all are."""
        base = self._settings.poll_interval or self._wish
        if answer.error in {"limit", "secondary"}:
            self._pause(answer)
        elif answer.error == "unprocessable":
            page.due = started + _HOUR
        elif answer.error:
            page.due = started + page.retry_in(base)
        else:
            self._wish = answer.number("x-poll-interval") or self._wish
            budget = min(page.stretch * answer.budget(), answer.reset_in() + 1)
            page.succeed(max(self._settings.poll_interval or self._wish, budget), started)
            page.unchanged = page.unchanged + 1 if answer.events is None else 0
            self._strikes = 0
        if answer.error in {None, "limit", "secondary"}:
            self._healthy_until = time.time() + page.due - time.monotonic() + _HEALTHY

    def _pause(self, answer: Answer) -> None:
        """Make all pages wait: a limit is the token's, not a page's."""
        end = time.monotonic() + answer.wait(self._strikes)
        self._strikes += answer.vague()
        for page in self._pages:
            page.due = max(page.due, end)

    def _settle(self, timeout: float) -> int:
        """Wait for acknowledgements, seconds at most; return how many are missing. With none missing, all counts as done."""
        pending = self._delivery.flush(timeout)
        if pending:
            self._complain(pending)
            return pending
        self._warn_at = None
        for page in self._pages:
            page.etag = page.unacknowledged_etag
        self._beat()
        return 0

    def _complain(self, pending: int) -> None:
        now = time.monotonic()
        if self._warn_at is None:
            self._warn_at = now + 1
        elif now >= self._warn_at:
            self._warn_at = now + 60
            _log.warning("%d messages wait for Kafka at %s", pending, self._settings.bootstrap_servers)

    def _beat(self) -> None:
        """Write until when this poller counts as healthy, if that has changed."""
        path, until = self._settings.heartbeat_file, self._healthy_until
        if path and until > self._beaten:
            # Replaced as a whole: the health check never reads half a number.
            Path(path + ".new").write_text(f"{until:.0f}\n")
            Path(path + ".new").replace(path)
            self._beaten = until

    def _report(self, page: Page, answer: Answer, counts: Counts, sent: datetime, times: Times) -> None:
        """Send the statistics of one request and log it."""
        remaining = answer.number("x-ratelimit-remaining")
        row = {
            "timestamp": sent.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "poller": "python",
            "poll": page.polls,
            "page": page.number,
            "status": answer.status,
            "error": answer.error,
            "fetched": counts.fetched,
            "fresh": counts.fresh,
            "duplicate": counts.fetched - counts.fresh,
            "overlap": counts.overlap,
            "saturated": counts.saturated,
            "remaining": None if remaining is None else int(remaining),
            "interval": round(times.interval, 3),
            "duration_ms": round(times.duration * 1000),
        }
        value = json.dumps({key: cell for key, cell in row.items() if cell is not None}, separators=(",", ":"))
        self._delivery.send(self._settings.polls_topic, "python", value)
        _log.log(logging.WARNING if answer.error else logging.INFO, "%s", _line(row))


def _line(row: dict[str, Any]) -> str:
    """Return the statistics of one request as a line of the log."""
    if row["error"]:
        found = f"{row['status']} {row['error']}" + (" (GITHUB_API_URL)" if row["error"] == "redirect" else "")
    else:
        counts = ", ".join(f"{row[key]} {key}" for key in ("fetched", "fresh", "duplicate", "overlap"))
        found = f"{row['status']}, {counts}"
    left = "" if row["remaining"] is None else f", {row['remaining']} requests left"
    saturated = ", saturated" if row["saturated"] else ""
    return f"page {row['page']} poll {row['poll']}: {found}, next in {row['interval']:.1f} s{left}{saturated}"
