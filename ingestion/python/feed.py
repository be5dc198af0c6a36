"""Requests to GitHub's public events, and what the answers mean (CONTRACT.md, sections 3 to 5)."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass
from settings import Settings
from urllib3.exceptions import ReadTimeoutError

PAGES = (1, 2, 3)
PAGE_SIZE = 100
_TIMEOUT = 15
_HOUR = 3600.0
_DAY = 24 * _HOUR
_SECONDARY_WAIT = 60.0
_FATAL = {"forbidden", "unauthorized", "refused"}


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 and an error when no whole one came. Header names are in lower case."""

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
        if self.status == requests.codes.ok:
            return "body" if self.events is None else None
        if self.status in {403, 429}:
            return self._limit()
        known = {401: "unauthorized", 422: "unprocessable"}
        return known.get(self.status) or ("server" if self.status >= requests.codes.server_error else "refused")

    def fatal(self) -> bool:
        """Return whether asking again is of no use."""
        return self.error in _FATAL

    def refusal(self) -> str:
        """Return a refusal in GitHub's own words, and the setting to look at."""
        setting = " (GITHUB_TOKEN)" if self.error == "unauthorized" else ""
        try:
            return f"{self.status} {str(json.loads(self.body)['message'])[:200]}{setting}"
        except (ValueError, TypeError, KeyError):
            return f"{self.status}{setting}"

    def number(self, header: str) -> float | None:
        """Return the decimal number in a header; None when it holds no such thing."""
        text = self.headers.get(header, "").strip()
        return float(text) if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) else None

    def budget(self) -> float:
        """Return the seconds between requests of a page with which the rest of the hour's requests lasts."""
        remaining = self.number("x-ratelimit-remaining")
        if remaining is None or "x-ratelimit-reset" not in self.headers:
            return 0.0
        return len(PAGES) * self.reset_in() / max(remaining, 1)

    def reset_in(self) -> float:
        """Return the seconds until the limit is new, by the server's own clock."""
        reset = self.number("x-ratelimit-reset") or 0.0
        return min(max(reset - self._date(), 0.0), _HOUR)

    def wait(self, strikes: int) -> float:
        """Return the seconds all pages must wait after a limit; strikes: vague ones in a row before this."""
        retry_after = self._retry_after()
        if retry_after is not None:
            return min(max(retry_after, 0.0), _HOUR)
        if self.error == "limit":
            return self.reset_in() + 1
        return min(_SECONDARY_WAIT * 2.0 ** min(strikes, 10), _HOUR)

    def vague(self) -> bool:
        """Return whether this is a limit that doesn't say how long."""
        return self.error == "secondary" and self._retry_after() is None

    def yesterday(self) -> str:
        """Return the time a day before the answer, as GitHub writes times."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._date() - _DAY))

    def _limit(self) -> str:
        if self._retry_after() is not None:
            return "secondary"
        if self.number("x-ratelimit-remaining") == 0:
            return "limit"
        limited = any(name.startswith("x-ratelimit-") for name in self.headers) or "rate limit" in self.body.lower()
        return "secondary" if limited or self.status == requests.codes.too_many else "forbidden"

    def _retry_after(self) -> float | None:
        seconds, text = self.number("retry-after"), self.headers.get("retry-after", "")
        return seconds if seconds is not None else _since(text, self._date())

    def _date(self) -> float:
        now = time.time()
        return now + (_since(self.headers.get("date", ""), now) or 0.0)


class Feed:
    """The pages of one GitHub API, asked through PyGithub's requester with a policy of our own."""

    def __init__(self, settings: Settings) -> None:
        """Prepare requests; nothing is sent yet."""
        auth = Auth.Token(settings.token) if settings.token else None
        # PyGithub would retry, sleep and pace by itself: section 5 says what happens instead.
        self._requester = Github(
            auth=auth,
            base_url=settings.api_url,
            user_agent="github-events-poller (python)",
            api_version="2022-11-28",
            retry=None,
            seconds_between_requests=0,
        ).requester
        self._connection = _connection(settings.api_url)

    def get(self, page: int, etag: str | None) -> Answer:
        """Ask for one page; troubles of the network come back as answers."""
        headers = {"Accept": "application/vnd.github+json"} | ({"If-None-Match": etag} if etag else {})
        parameters = {"per_page": PAGE_SIZE, "page": page}
        try:
            return Answer(*self._requester.requestJson("GET", "/events", parameters, headers, cnx=self._connection))
        except requests.RequestException as error:
            status = 0 if error.response is None else error.response.status_code
            return Answer(status, trouble=_trouble(error))


def _connection(url: str) -> HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass:
    """Return PyGithub's connection, refusing redirects: PyGithub would follow without page and per_page."""
    parts = urlsplit(url)
    kind = HTTPSRequestsConnectionClass if parts.scheme == "https" else HTTPRequestsConnectionClass
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    connection.session.hooks["response"].append(_refuse_redirect)
    return connection


def _refuse_redirect(response: requests.Response, **_: object) -> None:
    if response.is_redirect:
        raise requests.TooManyRedirects(response=response)


def _refuse_constant(name: str) -> None:
    """Refuse NaN and the like, which are no JSON."""
    raise ValueError(name)


def _trouble(error: requests.RequestException) -> str:
    if isinstance(error, requests.TooManyRedirects):
        return "redirect"
    stalled = any(isinstance(cause, ReadTimeoutError) for cause in error.args)
    return "timeout" if stalled or isinstance(error, requests.Timeout) else "network"


def _since(date: str, moment: float) -> float | None:
    """Return the seconds from a moment (Unix time) to an HTTP date; None when it isn't one."""
    try:
        return parsedate_to_datetime(date).timestamp() - moment
    except (TypeError, ValueError):
        return None
