"""The pages, and the data behind them."""

from __future__ import annotations

import asyncio
import html
import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from dashboard.drawing.drawings import draw
from dashboard.grafana import marks
from dashboard.grafana.panels import TimeRange
from dashboard.server import boards
from dashboard.server.choices import Choices, Remembered
from dashboard.server.database import NoAnswer
from dashboard.server.files import STATIC, plotly
from dashboard.server.words import for_browser

if TYPE_CHECKING:
    from starlette.requests import Request

    from dashboard.grafana.panels import Panel
    from dashboard.grafana.variables import Values
    from dashboard.server.boards import Board, Boards
    from dashboard.server.database import Database

LOG = logging.getLogger(__name__)
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages:
    """What the routes share: the dashboards and the database."""

    def __init__(self, found: Boards, database: Database) -> None:
        """Serve the dashboards `found` with what `database` answers."""
        self._boards = found
        self._database = database
        self._choices = Remembered(database)
        self._files = {path.name: path for path in (plotly(), *STATIC.iterdir())}

    async def index(self, _: Request) -> Response:
        """List the dashboards."""
        items = "".join(
            f'<li><a href="{_link(board)}">{html.escape(board["title"])}</a>'
            f"<p>{html.escape(board.get('description', ''))}</p></li>"
            for board in self._boards
        )
        page = (STATIC / "index.html").read_text(encoding="utf-8").replace("<!-- dashboards -->", items)
        return HTMLResponse(page, headers=HEADERS)

    async def board(self, request: Request) -> Response:
        """Return the page that draws one dashboard."""
        self._board(request)
        return FileResponse(STATIC / "board.html", headers=HEADERS)

    async def file(self, request: Request) -> Response:
        """Return a script or style sheet."""
        path = self._files.get(request.path_params["name"])
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, headers=HEADERS)

    async def health(self, _: Request) -> Response:
        """Say that the server is there; whether QuestDB answers is for each panel to say."""
        return JSONResponse({"dashboards": len(list(self._boards))}, headers=HEADERS)

    async def outline(self, request: Request) -> Response:
        """Return the layout of a dashboard, its variables, and links to the other dashboards."""
        board = self._board(request)
        links = [{"title": other["title"], "url": _link(other)} for other in self._boards]
        try:
            shown, problem = (await Choices.of(board, request.query_params, self._choices)).shown, None
        except NoAnswer as error:
            shown, problem = [], str(error)
        page = boards.outline(board) | {"variables": shown, "problem": problem, "dashboards": links}
        return JSONResponse(page, headers=HEADERS)

    async def panel(self, request: Request) -> Response:
        """Return one panel: what to draw and the SQL that was sent, or an error."""
        board = self._board(request)
        panel = boards.panel(board, request.path_params["panel"])
        if panel is None:
            raise HTTPException(404, "The dashboard has no such panel.")
        try:
            times = _times(board, request)
            choices = await Choices.of(board, request.query_params, self._choices)
        except (ValueError, NoAnswer) as error:
            return JSONResponse({"error": str(error), "sql": []}, headers=HEADERS)
        return JSONResponse(await self._drawn(panel, times, choices.values), headers=HEADERS)

    async def marks(self, request: Request) -> Response:
        """Return what is marked on all charts of a dashboard; nothing while QuestDB is away, which each panel says."""
        board = self._board(request)
        try:
            times = _times(board, request)
            choices = await Choices.of(board, request.query_params, self._choices)
            asked = list(marks.questions(board, times, choices.values))
            results = await asyncio.gather(*(self._database.ask(sql) for _, sql in asked))
        except (ValueError, NoAnswer):
            return JSONResponse([], headers=HEADERS)
        found = [marks.found(colour, result) for (colour, _), result in zip(asked, results, strict=True)]
        return JSONResponse([mark for each in found for mark in each], headers=HEADERS)

    async def _drawn(self, panel: Panel, times: TimeRange, values: Values) -> dict[str, Any]:
        try:
            queries = [sql for _, sql in panel.expanded(times, values)]
        except ValueError as error:
            return {"error": str(error), "sql": [sql for _, sql in panel.queries]}
        try:
            results = await asyncio.gather(*(self._database.ask(sql) for sql in queries))
            return {"drawing": for_browser(draw(panel, results, times)), "sql": queries}
        except NoAnswer as error:
            return {"error": str(error), "sql": queries}
        except Exception as error:  # one panel that can't be drawn must not take the others away
            LOG.exception("panel %s", panel.title)
            return {"error": f"The panel can't be drawn ({type(error).__name__}: {error}).", "sql": queries}

    def _board(self, request: Request) -> Board:
        board = self._boards.get(request.path_params["uid"])
        if board is None:
            raise HTTPException(404, "There is no such dashboard. The page / lists all of them.")
        return board


def _link(board: Board) -> str:
    return f"/d/{board['uid']}/{boards.slug(board)}"


def _times(board: Board, request: Request) -> TimeRange:
    given, default = request.query_params, board["time"]
    return TimeRange.parse(
        given.get("from") or default["from"], given.get("to") or default["to"], datetime.now(timezone.utc)
    )
