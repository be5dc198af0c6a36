"""The loop over three pages: waits, limits, Kafka's acknowledgements, signs of life (CONTRACT.md, sections 4, 5, 7 and 9)."""

import json
import logging
import time
from pathlib import Path

from github_poller.answer import Answer
from github_poller.feed import PAGES, Feed
from github_poller.messages import Seen, messages
from github_poller.pace import Pace
from github_poller.page import Counts, Page, log_line
from github_poller.producer import Delivery
from github_poller.settings import Settings

_KAFKA_RETRY = 5.0
_KAFKA_WAIT = 60.0
_HEALTHY = 60.0
_FULL_QUEUE = 50_000
_log = logging.getLogger(__name__)


class RefusedError(Exception):
    """GitHub's answer makes further requests useless."""


class Poller:
    """Asks the pages by their plan until it is stopped."""

    def __init__(self, settings: Settings, feed: Feed, delivery: Delivery) -> None:
        """Make all pages due now."""
        self._settings, self._feed, self._delivery = settings, feed, delivery
        self._pages = [Page(number) for number in PAGES]
        self._pace = Pace(settings)
        self._seen = Seen()
        self._consecutive_limits = 0
        self._sent = 0
        self._healthy_until = 0.0
        self._last_heartbeat = 0.0
        self._heartbeat_failed = False
        self._warn_at: float | None = None
        self._interruptible = False
        self._stopping = False

    def stop(self, *_: object) -> None:
        """Handle a signal: leave a wait or a request at once, a page that is being sent when that is done."""
        self._stopping = True
        if self._interruptible:
            raise KeyboardInterrupt

    def run(self) -> None:
        """Poll until MAX_POLLS or a signal; raise RefusedError or DeliveryError."""
        try:
            self._await_topics()
            while (page := self._next_page()) and not self._stopping:
                self._poll(page)
            self._interruptible = True
            while not self._stopping and self._await_acknowledgements(_KAFKA_WAIT):
                pass
        except KeyboardInterrupt:
            pass
        finally:
            _log.info("stopped after %d requests, %d messages sent", sum(p.polls for p in self._pages), self._sent)

    def _await_topics(self) -> None:
        self._interruptible = True
        asked = time.monotonic()
        while missing := self._delivery.missing(_KAFKA_RETRY):
            _log.warning("waiting for %s", missing)
            time.sleep(max(asked + _KAFKA_RETRY - time.monotonic(), 0.0))
            asked = time.monotonic()
        self._interruptible = False

    def _next_page(self) -> Page | None:
        """Return the page that is due first; None when all have had their MAX_POLLS."""
        limit = self._settings.max_polls
        pages = [page for page in self._pages if limit is None or page.polls < limit]
        return min(pages, key=lambda page: page.due, default=None)

    def _poll(self, page: Page) -> None:
        self._interruptible = True
        self._wait(page.due)
        page.start_request()
        answer = self._feed.get(page.number, page.etag_to_send())
        self._interruptible = False
        page.end_request()
        counts = self._send(page, answer) if answer.events is not None else Counts()
        self._schedule(page, answer, counts)
        self._report(page, answer, counts)
        if answer.error and answer.error.is_fatal:
            raise RefusedError(answer.error_message(self._settings.token_setting))
        # Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
        self._await_acknowledgements(0 if self._warn_at else 1.0)

    def _wait(self, due: float) -> None:
        """Wait for a time of the monotonic clock, and longer while too much is unacknowledged."""
        pending = self._await_acknowledgements(0)
        while pending >= _FULL_QUEUE or (pending and time.monotonic() < due):
            pending = self._await_acknowledgements(0.2)
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
        return page.compare(found, fresh, answer.day_before())

    def _schedule(self, page: Page, answer: Answer, counts: Counts) -> None:
        """Set when this page is due; after a limit, when all are."""
        is_limit = answer.error is not None and answer.error.is_limit
        if is_limit:
            self._pause(answer)
        elif answer.error:
            page.schedule(answer, self._pace.base_interval())
        else:
            self._consecutive_limits = 0
            self._pace.learn(page.number, answer, counts.known)
            page.schedule(answer, self._pace.interval(page.number, answer))
            self._pace.schedule(self._pages, page)
        if is_limit or answer.error is None:
            self._healthy_until = time.time() + page.due - time.monotonic() + _HEALTHY

    def _pause(self, answer: Answer) -> None:
        """Make all pages wait: a limit is the token's, not a page's."""
        end = time.monotonic() + answer.wait(self._consecutive_limits)
        self._consecutive_limits += answer.lacks_wait()
        for page in self._pages:
            page.due = max(page.due, end)

    def _await_acknowledgements(self, timeout: float) -> int:
        """Wait for acknowledgements, seconds at most; return how many are missing. With none missing, all counts as done."""
        pending = self._delivery.flush(timeout)
        if pending:
            self._warn_pending(pending)
            return pending
        self._warn_at = None
        for page in self._pages:
            page.etag = page.unacknowledged_etag
        self._write_heartbeat()
        return 0

    def _warn_pending(self, pending: int) -> None:
        now = time.monotonic()
        if self._warn_at is None:
            self._warn_at = now + 1
        elif now >= self._warn_at:
            self._warn_at = now + 60
            _log.warning("%d messages wait for Kafka at %s", pending, self._settings.bootstrap_servers)

    def _write_heartbeat(self) -> None:
        """Write until when this poller counts as healthy, if that has changed."""
        path, until = self._settings.heartbeat_file, self._healthy_until
        if not path or until <= self._last_heartbeat:
            return
        self._last_heartbeat = until
        try:
            # Replaced as a whole: the health check never reads half a number.
            Path(path + ".new").write_text(f"{until:.0f}\n", encoding="ascii")
            Path(path + ".new").replace(path)
        except OSError as error:
            if not self._heartbeat_failed:
                _log.warning("HEARTBEAT_FILE %s: %s", path, error.strerror)
            self._heartbeat_failed = True
        else:
            self._heartbeat_failed = False

    def _report(self, page: Page, answer: Answer, counts: Counts) -> None:
        """Send the statistics of one request and log it."""
        row = page.row(answer, counts, self._pace.base_interval())
        self._delivery.send(self._settings.polls_topic, row["poller"], json.dumps(row, separators=(",", ":")))
        _log.log(logging.WARNING if answer.error else logging.INFO, "%s", log_line(row))
