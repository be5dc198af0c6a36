"""A login for those who open the dashboards to other machines."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Login:
    """Lets requests through that carry the user and password (HTTP Basic)."""

    def __init__(self, app: ASGIApp, user: str, password: str) -> None:
        """Guard `app`."""
        self._app = app
        self._expected = f"{user}:{password}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 to everybody else; that the server is there is no secret."""
        if (
            scope["type"] != "http"
            or scope["path"] == "/api/health"
            or self._known(Headers(scope=scope).get("authorization", ""))
        ):
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse(
            "Log in as GRAFANA_USER with GRAFANA_PASSWORD.",
            status_code=401,
            headers={"WWW-Authenticate": 'Basic realm="Dashboards", charset="UTF-8"'},
        )
        await refusal(scope, receive, send)

    def _known(self, header: str) -> bool:
        scheme, _, encoded = header.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return False
        return scheme.lower() == "basic" and secrets.compare_digest(given, self._expected)
