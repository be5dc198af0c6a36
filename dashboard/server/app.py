"""The dashboards' server as an ASGI application: which page is where, and who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from dashboard.server.database import Database
from dashboard.server.login import Login
from dashboard.server.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboard.server.boards import Boards

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def application(settings: Mapping[str, str], found: Boards) -> Starlette:
    """Return the application for `settings` (see `dashboard.server.__main__`)."""
    pages = Pages(found, Database(settings))
    routes = [
        Route("/", pages.index),
        Route("/dashboards", pages.index),
        Route("/d/{uid}", pages.board),
        Route("/d/{uid}/{slug}", pages.board),
        Route("/public/{name}", pages.file),
        Route("/api/health", pages.health),
        Route("/api/boards/{uid}", pages.outline),
        Route("/api/boards/{uid}/marks", pages.marks),
        Route("/api/boards/{uid}/panels/{panel:int}", pages.panel),
    ]
    return Starlette(routes=routes, middleware=_guards(settings))


def _guards(settings: Mapping[str, str]) -> list[Middleware]:
    """On this machine alone no login is asked for; then no other host's name may lead here (DNS rebinding)."""
    bind = settings["BIND_ADDRESS"]
    if bind.startswith("127.") or bind in LOOPBACK:
        return [Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, bind], www_redirect=False)]
    return [Middleware(Login, user=settings["GRAFANA_USER"], password=settings["GRAFANA_PASSWORD"])]
