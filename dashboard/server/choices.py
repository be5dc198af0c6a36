"""The variables of a dashboard as one request has them: what can be chosen, and what is."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from dashboard.grafana import variables

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from dashboard.drawing.results import Result
    from dashboard.grafana.variables import Values
    from dashboard.server.boards import Board
    from dashboard.server.database import Database


KEPT = 5.0  # seconds: the panels of a page are asked for at once, and share what can be chosen


class Remembered:
    """Asks each question once in a while, whoever waits for the answer."""

    def __init__(self, database: Database) -> None:
        """Ask `database`."""
        self._database = database
        self._asked: dict[str, tuple[float, asyncio.Future[Result]]] = {}

    async def ask(self, sql: str) -> Result:
        """Return what the database answered within the last seconds, else ask again.

        Raises:
            NoAnswer: QuestDB is away, silent, or refuses the statement.

        """
        now = time.monotonic()
        self._asked = {each: kept for each, kept in self._asked.items() if now - kept[0] < KEPT}
        if sql not in self._asked:
            self._asked[sql] = (now, asyncio.ensure_future(self._database.ask(sql)))
        # Who stops waiting must not end it for the others.
        return await asyncio.shield(self._asked[sql][1])


class Choices:
    """The values of all variables, and what a page shows of them."""

    def __init__(self) -> None:
        """Start without any."""
        self.values: Values = {}
        self.shown: list[dict[str, Any]] = []

    @classmethod
    async def of(cls, board: Board, parameters: QueryParams, database: Remembered) -> Choices:
        """Take the values from a link's `var-NAME`, else from the dashboard.

        Raises:
            NoAnswer: QuestDB could not say what can be chosen.

        """
        choices = cls()
        for variable in board.get("templating", {}).get("list", []):
            options = await choices._options(variable, database)
            choices._add(variable, options, parameters.getlist(f"var-{variable['name']}"))
        return choices

    async def _options(self, variable: dict[str, Any], database: Remembered) -> list[str]:
        """A query may hold the variables before it."""
        question = variables.question(variable)
        if question is None:
            return variables.listed(variable)
        answer = await database.ask(variables.interpolate(question, self.values))
        return [str(row[0]) for row in answer.rows if row[0] is not None]

    def _add(self, variable: dict[str, Any], options: list[str], given: list[str]) -> None:
        value = variables.chosen(variable, given, options)
        self.values[variable["name"]] = value
        if variable.get("hide", 0) in {0, 1, "dontHide", "hideLabel"}:
            self.shown.append(
                {
                    "name": variable["name"],
                    "label": variable.get("label") or variable["name"],
                    "typed": variable["type"] == "textbox",
                    "several": bool(variable.get("multi")),
                    "all": bool(variable.get("includeAll")),
                    "options": options,
                    "chosen": [variables.ALL] if value.chosen == tuple(options) and value.several else value.chosen,
                }
            )
