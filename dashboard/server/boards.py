"""The dashboards of the folders that Grafana is provisioned from, read again when a file changes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dashboard.grafana import panels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Board = dict[str, Any]


class Boards:
    """All dashboards, by their uid."""

    def __init__(self, *folders: Path) -> None:
        """Read the *.json files of `folders`."""
        self._folders = folders
        self._read: dict[Path, tuple[int, Board]] = {}

    def __iter__(self) -> Iterator[Board]:
        """Yield the dashboards in the order of their titles."""
        paths = [path for folder in self._folders for path in sorted(folder.glob("[!.]*.json"))]
        found = [board for path in paths if (board := self._load(path))]
        return iter(sorted(found, key=lambda board: str(board["title"])))

    def get(self, uid: str) -> Board | None:
        """Return one dashboard, or None."""
        return next((board for board in self if board["uid"] == uid), None)

    def _load(self, path: Path) -> Board | None:
        """Return a dashboard; while a file is being written it stays as it was."""
        before = self._read.get(path)
        try:
            changed = path.stat().st_mtime_ns
            if before is None or before[0] != changed:
                self._read[path] = before = (changed, panels.load(path))
        except (OSError, json.JSONDecodeError):
            pass
        return before[1] if before else None


def slug(board: Board) -> str:
    """Return the last part of the dashboard's link, as Grafana writes it."""
    return re.sub(r"[^a-z0-9]+", "-", str(board["title"]).lower()).strip("-")


def outline(board: Board) -> dict[str, Any]:
    """Return what a page needs to lay the dashboard out: everything but queries and data."""
    wanted = ("uid", "title", "description", "time", "refresh")
    ranges = board.get("timepicker", {}).get("refresh_intervals", [])
    return {name: board.get(name) for name in wanted} | {"refreshes": ranges, "panels": list(_frames(board["panels"]))}


def _frames(models: list[dict[str, Any]], row: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the frame of each panel; a panel knows the row that it folds away with."""
    for model in models:
        yield {
            "id": model["id"],
            "kind": model["type"],
            "title": model.get("title", ""),
            "description": model.get("description", ""),
            "grid": model["gridPos"],
            "links": [{"title": link["title"], "url": link["url"]} for link in model.get("links", [])],
            "row": row if model["type"] != "row" else None,
            "collapsed": bool(model.get("collapsed")),
        }
        if model["type"] == "row":
            row = model["id"]
            yield from _frames(model.get("panels", []), row)


def panel(board: Board, number: int) -> panels.Panel | None:
    """Return one panel by its id, or None."""
    return next((found for found in panels.panels(board) if found.model["id"] == number), None)
