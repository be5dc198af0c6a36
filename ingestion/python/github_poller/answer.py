"""An answer of GitHub, and what it means (CONTRACT.md, sections 3 to 5)."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import cached_property
from typing import Any

import requests

HOUR = 3600.0
_DAY = 24 * HOUR
_SECONDARY_WAIT = 60.0
_LONGEST_MESSAGE = 200
_NUMBER = re.compile(r"\d{1,15}(\.\d+)?", re.ASCII)
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)


class ErrorKind(str, Enum):
    """What went wrong with a request (CONTRACT.md, section 5); the value is the word in statistics and log."""

    NETWORK = "network"
    TIMEOUT = "timeout"
    BODY = "body"
    SERVER = "server"
    REDIRECT = "redirect"
    UNPROCESSABLE = "unprocessable"
    SECONDARY = "secondary"
    LIMIT = "limit"
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    REFUSED = "refused"

    def __str__(self) -> str:
        """Return the word."""
        return self.value

    @property
    def is_limit(self) -> bool:
        """Whether all pages must wait."""
        return self in {ErrorKind.SECONDARY, ErrorKind.LIMIT}

    @property
    def is_fatal(self) -> bool:
        """Whether asking again is of no use."""
        return self in {ErrorKind.FORBIDDEN, ErrorKind.UNAUTHORIZED, ErrorKind.REFUSED}


_BY_STATUS = {401: ErrorKind.UNAUTHORIZED, 422: ErrorKind.UNPROCESSABLE}
_BY_CLASS = {2: ErrorKind.BODY, 3: ErrorKind.REDIRECT, 4: ErrorKind.REFUSED, 5: ErrorKind.SERVER}


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 and a failure when no whole one came. Headers are looked up in lower case, times are seconds."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    failure: ErrorKind | None = None

    @cached_property
    def events(self) -> list[Any] | None:
        """The elements of a good page; None when this is not one."""
        if self.status != requests.codes.ok:
            return None
        try:
            page = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return None
        return page if isinstance(page, list) else None

    @cached_property
    def error(self) -> ErrorKind | None:
        """What went wrong; None after 304 and a good page."""
        if self.failure or self.status == requests.codes.not_modified or self.events is not None:
            return self.failure
        if self.status in {403, 429}:
            return self._refusal()
        return _BY_STATUS.get(self.status) or _BY_CLASS.get(self.status // 100, ErrorKind.REFUSED)

    def error_message(self, token_setting: str) -> str:
        """Return a refusal in GitHub's own words, and the setting to look at."""
        setting = f" ({token_setting})" if self.error is ErrorKind.UNAUTHORIZED else ""
        try:
            return f"{self.status} {str(json.loads(self.body)['message'])[:_LONGEST_MESSAGE]}{setting}"
        except (ValueError, TypeError, KeyError):
            return f"{self.status}{setting}"

    def number(self, header: str) -> float | None:
        """Return the decimal number in a header; None when it holds no such thing."""
        text = self.headers.get(header, "").strip()
        return float(text) if _NUMBER.fullmatch(text) else None

    def seconds_per_request(self, reserve: int = 0) -> float:
        """Return the seconds between two requests with which the limit lasts until its reset; 0 without a limit.

        `reserve`: so many requests are left unused.
        """
        remaining = self.number("x-ratelimit-remaining")
        return 0.0 if remaining is None else self.reset_in() / max(remaining - reserve, 1.0)

    def reset_in(self) -> float:
        """Return the seconds until the limit is new, by the server's own clock."""
        reset = self.number("x-ratelimit-reset") or 0.0
        return min(max(reset - self._date(), 0.0), HOUR)

    def wait(self, consecutive_limits: int) -> float:
        """Return the seconds all pages must wait after a limit.

        `consecutive_limits`: how many in a row before this one did not say how long.
        """
        if retry_after := self._retry_after():
            return min(retry_after, HOUR)
        if self.lacks_wait():
            return min(_SECONDARY_WAIT * 2.0 ** min(consecutive_limits, 10), HOUR)
        return self.reset_in() + 1.0

    def lacks_wait(self) -> bool:
        """Return whether this is a limit that doesn't say how long."""
        return not self._retry_after() and (self.error is ErrorKind.SECONDARY or not self.reset_in())

    def day_before(self) -> str:
        """Return the time a day before the answer, as GitHub writes times."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._date() - _DAY))

    def _refusal(self) -> ErrorKind:
        """Tell what a 403 or 429 means."""
        if self._retry_after():
            return ErrorKind.SECONDARY
        if self.number("x-ratelimit-remaining") == 0:
            return ErrorKind.LIMIT
        has_limit = any(name.lower().startswith("x-ratelimit-") for name in self.headers)
        is_limit = has_limit or "rate limit" in self.body.lower() or self.status == requests.codes.too_many
        return ErrorKind.SECONDARY if is_limit else ErrorKind.FORBIDDEN

    def _retry_after(self) -> float | None:
        """Return the seconds that Retry-After says; None without one, or when it is not later than the answer."""
        seconds = self.number("retry-after")
        if seconds is None and (date := _unix_time(self.headers.get("retry-after", ""))):
            seconds = date - self._date()
        return seconds if seconds and seconds > 0 else None

    def _date(self) -> float:
        return _unix_time(self.headers.get("date", "")) or time.time()


def _refuse_constant(name: str) -> None:
    """Refuse NaN and the like, which are no JSON."""
    raise ValueError(name)


def _unix_time(date: str) -> float | None:
    """Return the Unix time of an HTTP date; None when it isn't one."""
    try:
        return parsedate_to_datetime(date).timestamp() if _HTTP_DATE.fullmatch(date.strip()) else None
    except (TypeError, ValueError):
        return None
