"""A client for tests that shows what came over the wire, errors included; `process` starts what it asks."""

from __future__ import annotations

import dataclasses
import gzip
import http.client
import itertools
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_names = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Reply:
    """One answer; header names as `http.client` reads them, any case."""

    status: int
    headers: http.client.HTTPMessage
    raw: bytes

    @property
    def body(self) -> bytes:
        """The body, unpacked."""
        return gzip.decompress(self.raw) if self.headers["Content-Encoding"] == "gzip" else self.raw

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def keys(self) -> list[tuple[str, str | None]]:
        """Identity of each event on the page."""
        return [(event["id"], event["created_at"]) for event in self.json]

    @property
    def types(self) -> set[str]:
        """Event types on the page."""
        return {event["type"] for event in self.json}


class Client:
    """Asks under a name of its own, so the simulator counts its requests apart; one connection a request."""

    def __init__(self, url: str, name: str = "", **headers: str) -> None:
        self.name = name or f"test-{next(_names)}"
        self._address = urlsplit(url).netloc
        self._headers = {"User-Agent": self.name, **headers}

    def get(self, path: str, timeout: float = 10, **headers: str) -> Reply:
        """Send one GET; underscores in header names stand for dashes."""
        connection = http.client.HTTPConnection(self._address, timeout=timeout)
        try:
            named = {name.replace("_", "-"): value for name, value in {**self._headers, **headers}.items() if value}
            connection.request("GET", path, headers=named)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def page(self, page: int, **headers: str) -> Reply:
        """Get one page of 100."""
        return self.get(f"/events?per_page=100&page={page}", 10, **headers)


def with_token(url: str) -> Client:
    """Return a client with a token, hence a budget, of its own."""
    return Client(url, Authorization=f"Bearer token-{next(_names)}")


def failure(work: Callable[[], object]) -> str:
    """Name of the exception that `work` ends with, `none` if it ends well."""
    try:
        work()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    return "none"
