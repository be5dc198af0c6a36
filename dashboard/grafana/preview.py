"""Writes all provisioned dashboards as one HTML page, as they are now: to keep, or to send to somebody.

`python -m dashboard.grafana.preview DASHBOARD.json … --out FILE.html` reads QUESTDB_PG_HOST, QUESTDB_PG_PORT,
QUESTDB_PG_SSLMODE, QUESTDB_CA, QUESTDB_READONLY_USER and QUESTDB_READONLY_PASSWORD.
A notebook calls `figure(panel, results, times)` for one panel.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import webbrowser
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import psycopg

from dashboard.drawing import figures
from dashboard.drawing.drawings import draw
from dashboard.drawing.results import Result
from dashboard.grafana import marks, panels, variables
from dashboard.grafana.panels import Panel, TimeRange
from dashboard.server import boards
from dashboard.server.files import STATIC, plotly

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from dashboard.server.boards import Board

DASHBOARDS = Path(__file__).parent / "dashboards"


def fetch(connection: psycopg.Connection[Any], panel: Panel, times: TimeRange) -> list[Result]:
    """Run the queries of a panel."""
    return [Result(*panels.run(connection, sql)) for _, sql in panel.expanded(times)]


def figure(panel: Panel, results: list[Result], times: TimeRange) -> go.Figure:
    """Draw one panel for a notebook."""
    return figures.figure(draw(panel, results, times))


def page(found: Sequence[Board], connection: psycopg.Connection[Any], start: str | None, now: datetime) -> str:
    """Return a page with the answers of all panels inside; it needs neither a server nor a network."""
    links = [{"title": board["title"], "url": f"#{board['uid']}"} for board in found]
    answers: dict[str, Any] = {}
    for board in found:
        times = TimeRange.parse(start, "now", now) if start else panels.default_range(board, now)
        shown = {"from": str(round(times.start.timestamp() * 1_000)), "to": str(round(times.end.timestamp() * 1_000))}
        answers[board["uid"]] = boards.outline(board) | {"time": shown, "variables": [], "dashboards": links}
        answers[f"{board['uid']}/marks"] = _marks(board, connection, times)
        for panel in panels.panels(board):
            answers[f"{board['uid']}/{panel.model['id']}"] = _answer(panel, connection, times)
    return _document(answers)


def _marks(board: Board, connection: psycopg.Connection[Any], times: TimeRange) -> list[dict[str, Any]]:
    asked = marks.questions(board, times, variables.defaults(board))
    return [mark for colour, sql in asked for mark in marks.found(colour, Result(*panels.run(connection, sql)))]


def _answer(panel: Panel, connection: psycopg.Connection[Any], times: TimeRange) -> dict[str, Any]:
    from dashboard.server.words import for_browser  # noqa: PLC0415 - notebooks draw figures, and do not have its parser

    queries = [sql for _, sql in panel.expanded(times)]
    try:
        return {"drawing": for_browser(draw(panel, fetch(connection, panel, times), times)), "sql": queries}
    except psycopg.Error as error:
        return {"error": str(error), "sql": queries}


def _document(answers: dict[str, Any]) -> str:
    """Put style, scripts and answers into the page that the server sends."""
    text = (STATIC / "board.html").read_text(encoding="utf-8")
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    # A "</script>" in a repository's name must not end the script.
    saved = json.dumps(answers).replace("</", "<\\/")
    text = text.replace('<link rel="stylesheet" href="/public/style.css">', f"<style>{style}</style>")
    for path in (plotly(), STATIC / "drawing.js", STATIC / "board.js"):
        script = f"<script>{path.read_text(encoding='utf-8')}</script>"
        text = text.replace(f'<script src="/public/{path.name}"></script>', script)
    return text.replace('<main id="board">', f'<script>const SAVED = {saved};</script>\n<main id="board">')


def connect() -> psycopg.Connection[Any]:
    """Connect to QuestDB as the read-only user, by the settings of .env."""
    return psycopg.connect(
        host=os.environ.get("QUESTDB_PG_HOST", "127.0.0.1"),
        port=os.environ.get("QUESTDB_PG_PORT", "8812"),
        user=os.environ.get("QUESTDB_READONLY_USER", "user"),
        password=os.environ.get("QUESTDB_READONLY_PASSWORD", "quest"),
        dbname="qdb",
        sslmode=os.environ.get("QUESTDB_PG_SSLMODE") or "disable",
        sslrootcert=os.environ.get("QUESTDB_CA") or certifi.where(),
        autocommit=True,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dashboard.grafana.preview", description="Write the dashboards as one HTML page."
    )
    parser.add_argument("dashboards", nargs="*", type=Path, help="JSON files, by default all provisioned ones")
    parser.add_argument(
        "--from", dest="start", help='start, as in the time picker: "now-6h"; by default what the dashboard says'
    )
    parser.add_argument("--out", type=Path, default=Path("preview.html"))
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    return parser.parse_args()


def main() -> None:
    """Write the page."""
    arguments = _arguments()
    found = [panels.load(file) for file in arguments.dashboards or sorted(DASHBOARDS.glob("*.json"))]
    with connect() as connection:
        text = page(found, connection, arguments.start, datetime.now(timezone.utc))
    arguments.out.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{arguments.out}: {len(found)} dashboards\n")
    if arguments.open:
        webbrowser.open(arguments.out.resolve().as_uri())


if __name__ == "__main__":
    main()
