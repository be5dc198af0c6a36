"""The variables of a dashboard as one request has them: what can be chosen, and what is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboard.grafana import variables

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from dashboard.grafana.variables import Values
    from dashboard.server.boards import Board
    from dashboard.server.database import Database


class Choices:
    """The values of all variables, and what a page shows of them."""

    def __init__(self) -> None:
        """Start without any."""
        self.values: Values = {}
        self.shown: list[dict[str, Any]] = []

    @classmethod
    async def of(cls, board: Board, parameters: QueryParams, database: Database) -> Choices:
        """Take the values from a link's `var-NAME`, else from the dashboard.

        Raises:
            NoAnswer: QuestDB could not say what can be chosen.

        """
        choices = cls()
        for variable in board.get("templating", {}).get("list", []):
            options = await choices._options(variable, database)
            choices._add(variable, options, parameters.getlist(f"var-{variable['name']}"))
        return choices

    async def _options(self, variable: dict[str, Any], database: Database) -> list[str]:
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
