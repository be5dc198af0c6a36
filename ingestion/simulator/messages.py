"""HTTP requests and answers, as little of HTTP/1.1 as the feed needs; answers can be sent broken on purpose."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import http
import json
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulator.feed import Event

    # Sends status, headers and body; returns whether the client got all of it.
    Delivery = Callable[[asyncio.StreamWriter, int, dict[str, str], bytes], Awaitable[bool]]


_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
# Where a GitHub Enterprise Server has its API.
_ENTERPRISE = "/api/v3"


class Malformed(Exception):  # noqa: N818 - named for what the request is
    """The bytes that came are no HTTP request."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One HTTP request; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    address: str

    @property
    def route(self) -> str:
        """The path without the prefix of an Enterprise Server."""
        return self.path.removeprefix(_ENTERPRISE)

    @property
    def client(self) -> str:
        """Who asks: the User-Agent, by which requests are counted apart."""
        return self.headers.get("user-agent", "")

    @property
    def token(self) -> str | None:
        """The token sent, in either of the two schemes GitHub takes."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() in ("bearer", "token") else None

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open after the answer."""
        return self.headers.get("connection", "").lower() != "close"


@dataclasses.dataclass
class Answer:
    """One HTTP answer, the events a client finds in it, the way its bytes are sent, and what follows.

    `sent` is told whether the client got all of it; `then_refuse` closes the port for so many seconds.
    """

    status: int
    headers: dict[str, str]
    body: bytes = b""
    served: list[Event] = dataclasses.field(default_factory=list)
    deliver: Delivery | None = None
    sent: Callable[[bool], None] | None = None
    then_refuse: float = 0


def number(value: float) -> str:
    """Write a number, whole as GitHub sends it; only a scaled clock makes fractions, rounded to the millisecond."""
    return f"{round(value, 3):.3f}".rstrip("0").rstrip(".")


def as_json(status: int, found: object, headers: dict[str, str] | None = None) -> Answer:
    """Return an answer with a JSON body."""
    body = json.dumps(found, ensure_ascii=False).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)


async def read_request(reader: asyncio.StreamReader, address: str) -> Request | None:
    """Read one request; None at the end of the connection. Raises Malformed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, OSError):
        return None
    except asyncio.LimitOverrunError as error:
        raise Malformed from error
    first, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    try:
        method, target, _ = first.split(" ")
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except ValueError as error:
        raise Malformed from error
    except (asyncio.IncompleteReadError, OSError):
        return None
    url = urlsplit(target)
    return Request(method, url.path, dict(parse_qsl(url.query)), headers, body, address)


def head(status: int, headers: dict[str, str]) -> bytes:
    """Status line and headers as bytes, with the empty line that ends them."""
    phrase = _PHRASES.get(status, "Unknown")
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{key}: {value}" for key, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@lru_cache(maxsize=16)
def compressed(body: bytes) -> bytes:
    """Gzip, kept for the clients that ask for the same page."""
    return gzip.compress(body, compresslevel=1, mtime=0)


async def send(request: Request, answer: Answer, writer: asyncio.StreamWriter) -> bool:
    """Send the answer; return whether the client got all of it."""
    headers, body = dict(answer.headers), answer.body
    if "gzip" in request.headers.get("accept-encoding", "") and body:
        headers["Content-Encoding"], body = "gzip", compressed(body)
    if answer.status not in (http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED):
        headers["Content-Length"] = str(len(body))
    if not request.keep_alive:
        headers["Connection"] = "close"
    try:
        return await (answer.deliver or whole)(
            writer, answer.status, headers, b"" if request.method == "HEAD" else body
        )
    except OSError:
        return False  # The client went away, which is its right.


async def whole(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> bool:
    """Send everything at once."""
    writer.write(head(status, headers) + body)
    await writer.drain()
    return not writer.is_closing()
