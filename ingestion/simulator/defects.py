"""Every fault GitHub is known or documented to show, by name.

A fault changes the window a page is cut from, the answer, or the way its bytes are sent. Delays of the transport
(`slow-…`, `stall`) are real seconds; periods that GitHub states (`Retry-After`, reset, outages) are simulated ones.
"""

from __future__ import annotations

import asyncio
import dataclasses
import http
import itertools
import math
import socket
import struct
import time
from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING

from simulator.feed import PAGE
from simulator.github import SUSPENDED, problem, secondary
from simulator.messages import Answer, Request, as_json, head, number, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.feed import Event
    from simulator.messages import Delivery

_UNICORN = b"<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head><body><p><strong>We had issues \
producing the response to your request.</strong></p></body></html>\n"
# How many events of a page the duplicate faults show twice.
_DOUBLED = 10
_PARTS = 10


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a fault works on: the request, GitHub's proper answer, the rule's options."""

    request: Request
    answer: Answer
    options: dict[str, str]
    time_scale: float

    def seconds(self, name: str = "seconds") -> float:
        """Return an option that is a simulated period, in real seconds."""
        return float(self.options[name]) / self.time_scale

    def period(self, seconds: float) -> str:
        """Write a number of seconds as GitHub does: whole, unless the clock is scaled."""
        return number(math.ceil(seconds) if self.time_scale == 1 else seconds)


@dataclasses.dataclass(frozen=True)
class Fault:
    """One way to go wrong. `needs_page`: the answer must be a page, so conditional requests are ignored."""

    about: str
    window: Callable[[list[Event]], list[Event]] | None = None
    answer: Callable[[Scene], Answer] | None = None
    deliver: Callable[[Scene], Delivery] | None = None
    needs_page: bool = False
    options: dict[str, str] = dataclasses.field(default_factory=dict)


# --- Refusals -------------------------------------------------------------------------------------------------


def _primary(status: int) -> Callable[[Scene], Answer]:
    def answer(scene: Scene) -> Answer:
        headers = _bare(scene.answer) | {
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Used": scene.answer.headers["X-RateLimit-Limit"],
            "X-RateLimit-Reset": _reset_at(scene),
        }
        return problem(status, f"API rate limit exceeded for {scene.request.address}.", headers)

    return answer


def _reset_at(scene: Scene) -> str:
    if scene.options["seconds"] == "none":
        return "soon"
    return scene.period(time.time() + scene.seconds())


def _secondary(status: int) -> Callable[[Scene], Answer]:
    def answer(scene: Scene) -> Answer:
        return secondary(status, _bare(scene.answer) | _retry_after(scene))

    return answer


def _retry_after(scene: Scene) -> dict[str, str]:
    if scene.options["retry_after"] == "none":
        return {}
    wait = scene.seconds("retry_after")
    if scene.options["form"] == "date":
        return {"Retry-After": formatdate(math.ceil(time.time() + wait), usegmt=True)}
    return {"Retry-After": scene.period(wait)}


def _refusal(status: int, message: str) -> Callable[[Scene], Answer]:
    """Answer without a word on limits, as from a proxy in front or for a dead credential."""

    def answer(scene: Scene) -> Answer:
        told = {name: value for name, value in _bare(scene.answer).items() if not name.startswith("X-RateLimit")}
        return problem(status, message, told)

    return answer


def _status(scene: Scene) -> Answer:
    """Refuse with any status; of those that mean success the page keeps its body, but for 204, which has none."""
    code = int(scene.options["code"])
    if code == http.HTTPStatus.NO_CONTENT:
        return dataclasses.replace(scene.answer, status=code, body=b"", served=[])
    if code // 100 == 2:  # noqa: PLR2004 - a class of HTTP
        return dataclasses.replace(scene.answer, status=code, served=[])
    return _refusal(code, "Simulated")(scene)


def _bare(answer: Answer) -> dict[str, str]:
    """Headers that do not belong to a page."""
    page = ("ETag", "Link", "Cache-Control", "Vary", "Content-Type", "X-Poll-Interval")
    return {name: value for name, value in answer.headers.items() if name not in page}


def _unicorn(status: int) -> Callable[[Scene], Answer]:
    return lambda scene: Answer(status, {"Date": scene.answer.headers["Date"], "Content-Type": "text/html"}, _UNICORN)


def _moved(scene: Scene) -> Answer:
    """Send the client elsewhere on the same host, where the page is, or to any `location`."""
    if location := scene.options["location"]:
        return as_json(301, {"message": "Moved Permanently"}, {"Location": location})
    if "moved" in scene.request.query:
        return scene.answer
    query = "&".join(f"{name}={value}" for name, value in {**scene.request.query, "moved": "1"}.items())
    target = f"http://{scene.request.headers.get('host', '')}{scene.request.path}?{query}"
    return as_json(301, {"message": "Moved Permanently", "url": target}, {"Location": target})


# --- Pages that are no pages, and headers that lie ----------------------------------------------------------------


def _body(body: bytes, kind: str | None = None) -> Callable[[Scene], Answer]:
    def answer(scene: Scene) -> Answer:
        headers = {**scene.answer.headers, **({"Content-Type": kind} if kind else {})}
        return Answer(200, headers, body)

    return answer


def _truncated(scene: Scene) -> Answer:
    return dataclasses.replace(scene.answer, body=scene.answer.body[: len(scene.answer.body) // 2], served=[])


def _headers(change: Callable[[Scene], dict[str, str]], *drop: str) -> Callable[[Scene], Answer]:
    def answer(scene: Scene) -> Answer:
        kept = {name: value for name, value in scene.answer.headers.items() if name not in drop}
        return dataclasses.replace(scene.answer, headers=kept | change(scene))

    return answer


def _bare_304(scene: Scene) -> Answer:
    return _headers(lambda _: {}, "X-Poll-Interval")(scene) if scene.answer.status == 304 else scene.answer  # noqa: PLR2004


def _skewed(scene: Scene) -> dict[str, str]:
    by, headers = float(scene.options["seconds"]), scene.answer.headers
    date = parsedate_to_datetime(headers["Date"]).timestamp() + by
    reset = float(headers.get("X-RateLimit-Reset", "0")) + by
    return {"Date": formatdate(date, usegmt=True), "X-RateLimit-Reset": number(reset)}


def _header(scene: Scene) -> Answer:
    """Set one header to a value that may be nonsense; an empty one leaves its name alone on the line."""
    name, value = scene.options["name"], scene.options["value"]
    kept = {other: text for other, text in scene.answer.headers.items() if other.lower() != name.lower()}
    return dataclasses.replace(scene.answer, headers=kept | {name: value})


def _sunset(_scene: Scene) -> dict[str, str]:
    return {"Deprecation": "@1773100800", "Sunset": "Fri, 10 Mar 2028 00:00:00 GMT"}


# --- Windows ------------------------------------------------------------------------------------------------------


def _doubled(window: list[Event]) -> list[Event]:
    """Each page ends with the events it began with."""
    pages = (window[start : start + PAGE] for start in range(0, len(window), PAGE))
    return [event for page in pages for event in page[:-_DOUBLED] + page[:_DOUBLED]]


def _doubled_across(window: list[Event]) -> list[Event]:
    """Each page begins with the events the one before it ends with."""
    pages = [window[start : start + PAGE] for start in range(0, len(window), PAGE)]
    later = [before[-_DOUBLED:] + page[_DOUBLED:] for before, page in itertools.pairwise(pages)]
    return [event for page in [pages[0], *later] for event in page]


# --- Deliveries ---------------------------------------------------------------------------------------------------


def _sever(writer: asyncio.StreamWriter) -> bool:
    """End the connection with a reset instead of a clean close, unless the client has ended it."""
    if not writer.is_closing():
        found = writer.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return False


async def _half(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> None:
    writer.write(head(status, headers) + body[: len(body) // 2])
    await writer.drain()


def _reset(_scene: Scene) -> Delivery:
    async def deliver(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
        await _half(writer, status, headers, body)
        return _sever(writer)

    return deliver


def _reset_early(_scene: Scene) -> Delivery:
    async def deliver(writer: asyncio.StreamWriter, _status: int, _headers: dict[str, str], _body: bytes) -> bool:
        return _sever(writer)

    return deliver


def _short(_scene: Scene) -> Delivery:
    async def deliver(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
        await _half(writer, status, headers, body)
        writer.close()
        return False

    return deliver


def _cut_chunk(_scene: Scene) -> Delivery:
    async def deliver(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
        chunked = {name: value for name, value in headers.items() if name != "Content-Length"}
        writer.write(head(status, chunked | {"Transfer-Encoding": "chunked"}))
        writer.write(f"{len(body):x}\r\n".encode() + body[: len(body) // 2])
        await writer.drain()
        writer.close()
        return False

    return deliver


def _slow_headers(scene: Scene) -> Delivery:
    async def deliver(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
        await asyncio.sleep(float(scene.options["seconds"]))
        return await whole(writer, status, headers, body)

    return deliver


def _slow_body(scene: Scene) -> Delivery:
    async def deliver(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
        writer.write(head(status, headers))
        size = len(body) // _PARTS + 1
        for start in range(0, len(body), size):
            await asyncio.sleep(float(scene.options["seconds"]) / _PARTS)
            writer.write(body[start : start + size])
            await writer.drain()
        return not writer.is_closing()

    return deliver


def _stall(scene: Scene) -> Delivery:
    async def deliver(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
        await _half(writer, status, headers, body)
        await asyncio.sleep(float(scene.options["seconds"]))
        return _sever(writer)

    return deliver


_WAIT = {"retry_after": "60", "form": "seconds"}
_HTML = "text/html; charset=utf-8"

FAULTS: dict[str, Fault] = {
    "403-primary": Fault(
        "limit spent, reset in `seconds`, or `none` that can be read", answer=_primary(403), options={"seconds": "60"}
    ),
    "429-primary": Fault("the same with 429", answer=_primary(429), options={"seconds": "60"}),
    "403-secondary": Fault(
        "too fast; `retry_after` seconds or `none`, `form=date` for an HTTP date", answer=_secondary(403), options=_WAIT
    ),
    "429-secondary": Fault("the same with 429", answer=_secondary(429), options=_WAIT),
    "401": Fault("bad credentials", answer=_refusal(401, "Bad credentials")),
    "suspended": Fault("403 without limit headers", answer=_refusal(403, SUSPENDED)),
    "400": Fault("unknown API version", answer=_refusal(400, "The REST API version is not valid.")),
    "410": Fault("retired API version", answer=_refusal(410, "This REST API version is no longer supported.")),
    "status": Fault("any other status, `code`", answer=_status, options={"code": "418"}, needs_page=True),
    "sunset": Fault("Deprecation and Sunset headers", answer=_headers(_sunset)),
    "500": Fault("server error as JSON", answer=_refusal(500, "Server Error")),
    "502": Fault("the HTML unicorn", answer=_unicorn(502)),
    "503": Fault("unavailable, as JSON", answer=_refusal(503, "Service unavailable. Please try again later.")),
    "504": Fault("gateway timeout, as HTML", answer=_unicorn(504)),
    "301": Fault("redirect on the same host, or to `location`", answer=_moved, options={"location": ""}),
    "empty": Fault("200 with no body", answer=_body(b""), needs_page=True),
    "object": Fault("200 with `{}`", answer=_body(b"{}"), needs_page=True),
    "null": Fault("200 with `null`", answer=_body(b"null"), needs_page=True),
    "html": Fault("200 with HTML", answer=_body(_UNICORN, _HTML), needs_page=True),
    "truncated": Fault("200 with half the JSON", answer=_truncated, needs_page=True),
    "bare-304": Fault("304 without X-Poll-Interval", answer=_bare_304),
    "poll-interval": Fault(
        "X-Poll-Interval of `seconds`",
        answer=_headers(lambda scene: {"X-Poll-Interval": scene.period(scene.seconds())}),
        options={"seconds": "120"},
    ),
    "header": Fault(
        "any header, `name`, with any `value`",
        answer=_header,
        options={"name": "X-RateLimit-Remaining", "value": "many"},
    ),
    "skew": Fault("Date and reset off by `seconds`", answer=_headers(_skewed), options={"seconds": "300"}),
    "duplicates": Fault("ten events twice on a page", window=_doubled, needs_page=True),
    "duplicates-across": Fault("ten events on two pages", window=_doubled_across, needs_page=True),
    "stale": Fault("the pages as they were when this began"),
    "reset": Fault("connection reset in mid-body", deliver=_reset, needs_page=True),
    "reset-early": Fault("connection reset before a byte", deliver=_reset_early),
    "refuse": Fault("reset, then no connection for `seconds`", deliver=_reset_early, options={"seconds": "2"}),
    "short": Fault("body shorter than Content-Length", deliver=_short, needs_page=True),
    "cut-chunk": Fault("chunked body without its end", deliver=_cut_chunk, needs_page=True),
    "slow-headers": Fault("nothing for `seconds`", deliver=_slow_headers, options={"seconds": "3"}),
    "slow-body": Fault("body in drips over `seconds`", deliver=_slow_body, needs_page=True, options={"seconds": "3"}),
    "stall": Fault("half a page, then silence", deliver=_stall, needs_page=True, options={"seconds": "15"}),
}


def spoil(request: Request, answer: Answer, fault: Fault, options: dict[str, str], time_scale: float) -> Answer:
    """Return the answer with the fault in it; a refusal stays as it is."""
    if answer.status >= 400:  # noqa: PLR2004 - HTTP's own bound
        return answer
    scene = Scene(request, answer, options, time_scale)
    found = fault.answer(scene) if fault.answer else answer
    return dataclasses.replace(found, deliver=fault.deliver(scene)) if fault.deliver else found
