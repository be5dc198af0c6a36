"""The loop over three pages: waits, limits, Kafka's acknowledgements, signs of life (CONTRACT.md, sections 4, 5, 7 and 9)."""

import json
import logging
import time
from pathlib import Path

from github_poller.answer import Answer
from github_poller.feed import PAGES, Feed
from github_poller.messages import Seen, messages
from github_poller.page import Counts, Page, line
from github_poller.producer import Delivery
from github_poller.settings import Settings

_POLITE = 60.0
_LONGEST_WISH = 3600.0
_KAFKA_RETRY = 5.0
_HEALTHY = 60.0
_FULL_QUEUE = 50_000
_LIMITS = {"limit", "secondary"}
_log = logging.getLogger(__name__)


class RefusedError(Exception):
    """GitHub's answer makes further requests useless."""


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
        self._mute = False
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
        finally:
            _log.info("stopped after %d requests, %d messages sent", sum(p.polls for p in self._pages), self._sent)

    def _await_topics(self) -> None:
        self._idle = True
        while missing := self._delivery.missing(_KAFKA_RETRY):
            _log.warning("waiting for %s", missing)
            time.sleep(_KAFKA_RETRY)
        self._idle = False

    def _next(self) -> Page | None:
        """Return the page that is due first; None when all have had their MAX_POLLS."""
        limit = self._settings.max_polls
        pages = [page for page in self._pages if limit is None or page.polls < limit]
        return min(pages, key=lambda page: page.due, default=None)

    def _poll(self, page: Page) -> None:
        self._idle = True
        self._wait(page.due)
        page.begin()
        answer = self._feed.get(page.number, page.condition())
        self._idle = False
        page.end()
        counts = self._send(page, answer) if answer.events is not None else Counts()
        self._schedule(page, answer)
        self._report(page, answer, counts)
        if answer.fatal():
            raise RefusedError(answer.refusal(self._settings.token_setting))
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

    def _schedule(self, page: Page, answer: Answer) -> None:
        """Set when this page is due; after a limit, when all are."""
        if answer.error is None:
            self._wish = min(answer.number("x-poll-interval") or self._wish, _LONGEST_WISH)
            self._strikes = 0
        if answer.error in _LIMITS:
            self._pause(answer)
        else:
            page.schedule(answer, self._settings.poll_interval or self._wish)
        if answer.error is None or answer.error in _LIMITS:
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
        if not path or until <= self._beaten:
            return
        self._beaten = until
        try:
            # Replaced as a whole: the health check never reads half a number.
            Path(path + ".new").write_text(f"{until:.0f}\n", encoding="ascii")
            Path(path + ".new").replace(path)
        except OSError as error:
            if not self._mute:
                _log.warning("HEARTBEAT_FILE %s: %s", path, error.strerror)
            self._mute = True
        else:
            self._mute = False

    def _report(self, page: Page, answer: Answer, counts: Counts) -> None:
        """Send the statistics of one request and log it."""
        row = page.row(answer, counts)
        self._delivery.send(self._settings.polls_topic, row["poller"], json.dumps(row, separators=(",", ":")))
        _log.log(logging.WARNING if answer.error else logging.INFO, "%s", line(row))
