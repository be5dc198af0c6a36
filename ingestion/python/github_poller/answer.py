"""An answer of GitHub, and what it means (CONTRACT.md, sections 3 to 5)."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import requests

_HOUR = 3600.0
_DAY = 24 * _HOUR
_SECONDARY_WAIT = 60.0
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)
_FATAL = {"forbidden", "unauthorized", "refused"}


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 and an error when no whole one came. Headers are looked up in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    trouble: str | None = None

    @cached_property
    def events(self) -> list[Any] | None:
        """The elements of a good page; None when this is not one."""
        try:
            page = json.loads(self.body, parse_constant=_refuse_constant) if self.status == requests.codes.ok else None
        except (ValueError, RecursionError):
            return None
        return page if isinstance(page, list) else None

    @cached_property
    def error(self) -> str | None:
        """The word for what went wrong; None after 304 and a good page."""
        if self.trouble or self.status == requests.codes.not_modified:
            return self.trouble
        if self.events is not None:
            return None
        if self.status in {403, 429}:
            return self._limit()
        known = {401: "unauthorized", 422: "unprocessable"}
        classes = {2: "body", 3: "redirect", 5: "server"}
        return known.get(self.status) or classes.get(self.status // 100, "refused")

    def fatal(self) -> bool:
        """Return whether asking again is of no use."""
        return self.error in _FATAL

    def refusal(self, token_setting: str) -> str:
        """Return a refusal in GitHub's own words, and the setting to look at."""
        setting = f" ({token_setting})" if self.error == "unauthorized" else ""
        try:
            return f"{self.status} {str(json.loads(self.body)['message'])[:200]}{setting}"
        except (ValueError, TypeError, KeyError):
            return f"{self.status}{setting}"

    def number(self, header: str) -> float | None:
        """Return the decimal number in a header; None when it holds no such thing."""
        text = self.headers.get(header, "").strip()
        return float(text) if re.fullmatch(r"\d{1,15}(\.\d+)?", text, re.ASCII) else None

    def budget(self) -> float:
        """Return the seconds between two requests with which the rest of the hour's requests lasts."""
        remaining = self.number("x-ratelimit-remaining")
        return 0.0 if remaining is None else self.reset_in() / max(remaining, 1)

    def reset_in(self) -> float:
        """Return the seconds until the limit is new, by the server's own clock."""
        reset = self.number("x-ratelimit-reset") or 0.0
        return min(max(reset - self._date(), 0.0), _HOUR)

    def wait(self, strikes: int) -> float:
        """Return the seconds all pages must wait after a limit; strikes: vague ones in a row before this."""
        if retry_after := self._retry_after():
            return min(retry_after, _HOUR)
        if not self.vague():
            return self.reset_in() + 1
        return min(_SECONDARY_WAIT * 2.0 ** min(strikes, 10), _HOUR)

    def vague(self) -> bool:
        """Return whether this is a limit that doesn't say how long."""
        return not self._retry_after() and (self.error == "secondary" or not self.reset_in())

    def yesterday(self) -> str:
        """Return the time a day before the answer, as GitHub writes times."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._date() - _DAY))

    def _limit(self) -> str:
        if self._retry_after():
            return "secondary"
        if self.number("x-ratelimit-remaining") == 0:
            return "limit"
        limited = (
            any(name.lower().startswith("x-ratelimit-") for name in self.headers) or "rate limit" in self.body.lower()
        )
        return "secondary" if limited or self.status == requests.codes.too_many else "forbidden"

    def _retry_after(self) -> float | None:
        """Return the seconds to wait as GitHub says; None when it doesn't, or says nothing that can be meant."""
        seconds = self.number("retry-after")
        if seconds is None and (date := _unix(self.headers.get("retry-after", ""))):
            seconds = date - self._date()
        return seconds if seconds and seconds > 0 else None

    def _date(self) -> float:
        return _unix(self.headers.get("date", "")) or time.time()


def _refuse_constant(name: str) -> None:
    """Refuse NaN and the like, which are no JSON."""
    raise ValueError(name)


def _unix(date: str) -> float | None:
    """Return the Unix time of an HTTP date; None when it isn't one."""
    try:
        return parsedate_to_datetime(date).timestamp() if _HTTP_DATE.fullmatch(date.strip()) else None
    except (TypeError, ValueError):
        return None
