"""What GitHub's REST API answers to GET /events and GET /rate_limit, when all is well."""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from simulator.feed import PAGE
from simulator.limits import Budget
from simulator.messages import Answer, Request, as_json, number
from simulator.payloads import render

if TYPE_CHECKING:
    from simulator.feed import Event
    from simulator.settings import Settings

WINDOW = 3 * PAGE
DEFAULT_PER_PAGE = 15
VERSIONS = ("2022-11-28", "2026-03-10")
DOCS = "https://docs.github.com/rest"

_TOO_DEEP = "In order to keep the API fast for everyone, pagination is limited for this resource."
_NO_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). "
    "Check https://developer.github.com for other possible causes."
)
SUSPENDED = "Sorry. Your account was suspended."


def problem(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Return an error as GitHub words it."""
    return as_json(status, {"message": message, "documentation_url": DOCS, "status": str(status)}, headers)


def _count(text: str | None, default: int) -> int:
    """Read a query parameter; what is no positive whole number counts as left out."""
    return int(text) if text and text.isdecimal() and int(text) > 0 else default


def place(request: Request) -> tuple[int, int]:
    """Page and page size a request means."""
    page = _count(request.query.get("page"), 1)
    return page, min(_count(request.query.get("per_page"), DEFAULT_PER_PAGE), PAGE)


def etag(events: list[Event], page: int, per_page: int, canned: bytes) -> str:
    """Make a weak tag that changes when the page does."""
    names = ",".join(f"{event.id}@{event.created_at}" for event in events)
    digest = hashlib.sha256(f"{page}/{per_page}/{names}".encode() + canned).hexdigest()
    return f'W/"{digest}"'


def matches(condition: str | None, tag: str) -> bool:
    """Compare as If-None-Match does: a list, weak and strong tags alike, or any."""
    bare = tag.removeprefix("W/")
    return condition is not None and any(
        found in ("*", bare) for found in (part.strip().removeprefix("W/") for part in condition.split(","))
    )


def link(request: Request, page: int, per_page: int) -> dict[str, str]:
    """Make the Link header, for the host the client named."""
    last = math.ceil(WINDOW / per_page)
    others = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    shown = [name for name in others if (page > 1 if name in ("prev", "first") else page < last)]
    base = f"http://{request.headers.get('host', '')}{request.path}?per_page={per_page}"
    return {"Link": ", ".join(f'<{base}&page={others[name]}>; rel="{name}"' for name in shown)} if shown else {}


class Api:
    """Answers for one run: budgets by token or address, pages from the window it is given."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._budgets: dict[str, Budget] = {}
        self.canned: dict[int, bytes] = {}
        self._request_ids = itertools.count(1)

    def budget(self, request: Request) -> Budget:
        """Return the budget this request is charged to."""
        anonymous = request.token is None
        owner = f"address {request.address}" if anonymous else f"token {request.token}"
        hourly = self._settings.anonymous_limit if anonymous else self._settings.token_limit
        new = Budget(hourly, self._settings.secondary_limit, self._settings.time_scale)
        return self._budgets.setdefault(owner, new)

    def events(self, request: Request, window: list[Event]) -> Answer:
        """Answer GET /events from this window."""
        return self._refused(request) or self._limited(request) or self._page(request, window)

    def rate_limit(self, request: Request) -> Answer:
        """Answer GET /rate_limit, which costs nothing."""
        if refused := self._refused(request):
            return refused
        bucket = self.budget(request).primary
        core = {
            "limit": bucket.limit,
            "used": bucket.used,
            "remaining": bucket.remaining,
            "reset": self._reset(request),
        }
        return as_json(200, {"resources": {"core": core}, "rate": core}, self.headers(request))

    def headers(self, request: Request) -> dict[str, str]:
        """Return the headers of every answer that knows who asks."""
        bucket = self.budget(request).primary
        return self.plain_headers(request) | {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(bucket.remaining),
            "X-RateLimit-Used": str(bucket.used),
            "X-RateLimit-Reset": number(self._reset(request)),
            "X-RateLimit-Resource": "core",
        }

    def plain_headers(self, request: Request) -> dict[str, str]:
        """Return the headers of every answer."""
        return {
            "Server": "github-simulator",
            "Date": formatdate(usegmt=True),
            "X-GitHub-Request-Id": f"SIMU:{next(self._request_ids):X}",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Api-Version-Selected": request.headers.get("x-github-api-version", VERSIONS[0]),
        }

    def _reset(self, request: Request) -> float:
        """Return when the hour is over; fractions count from the answer's Date, which has none."""
        now = time.time()
        left = max(self.budget(request).primary.reset - now, 0)
        return math.ceil(now + left) if self._settings.time_scale == 1 else int(now) + left

    def _refused(self, request: Request) -> Answer | None:
        plain = self.plain_headers(request)
        if not request.client:
            return problem(403, _NO_AGENT, plain)
        if (version := request.headers.get("x-github-api-version", VERSIONS[0])) not in VERSIONS:
            return problem(400, f'"{version}" is not a valid REST API version.', plain)
        if (request.token or "").startswith("bad"):
            return problem(401, "Bad credentials", plain)
        if (request.token or "").startswith("suspended"):
            return problem(403, SUSPENDED, plain)
        return None

    def _limited(self, request: Request) -> Answer | None:
        """Charge the request; answer it if the budget is spent."""
        budget, now = self.budget(request), time.time()
        if not budget.primary.take(now):
            who = f"for {request.address}" if request.token is None else "for user ID 1"
            return problem(403, f"API rate limit exceeded {who}.", self.headers(request))
        if not budget.secondary.take(now):
            budget.primary.give_back()
            wait = budget.secondary.reset - now
            retry = number(math.ceil(wait) if self._settings.time_scale == 1 else wait)
            return secondary(403, self.headers(request) | {"Retry-After": retry})
        return None

    def _page(self, request: Request, window: list[Event]) -> Answer:
        page, per_page = place(request)
        if (page - 1) * per_page >= WINDOW:
            return problem(422, _TOO_DEEP, self.headers(request))
        events = [] if page in self.canned else window[:WINDOW][(page - 1) * per_page : page * per_page]
        tag = etag(events, page, per_page, self.canned.get(page, b""))
        if matches(request.headers.get("if-none-match"), tag):
            if request.token is not None:  # GitHub charges a 304 to those who do not say who they are.
                self.budget(request).primary.give_back()
            return Answer(304, self._page_headers(request, tag))
        body = self.canned.get(page) or b"[" + b",".join(map(render, events)) + b"]"
        kind = {"Content-Type": "application/json; charset=utf-8"}
        return Answer(200, self._page_headers(request, tag) | kind | link(request, page, per_page), body, events)

    def _page_headers(self, request: Request, tag: str) -> dict[str, str]:
        interval = self._settings.poll_interval / self._settings.time_scale
        scope = "public" if request.token is None else "private"
        age = math.ceil(interval)
        return self.headers(request) | {
            "ETag": tag,
            "X-Poll-Interval": number(interval),
            "Cache-Control": f"{scope}, max-age={age}, s-maxage={age}",
            "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding",
        }


def secondary(status: int, headers: dict[str, str]) -> Answer:
    """Refuse a client that asks too fast."""
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return problem(status, message, headers)
