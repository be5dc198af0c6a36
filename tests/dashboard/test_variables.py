"""Variables of a dashboard, as Grafana's PostgreSQL data source puts them into SQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.lowlevel
import pytest
from starlette.datastructures import QueryParams

from dashboard.drawing.results import Result
from dashboard.grafana import variables
from dashboard.grafana.variables import Value, interpolate
from dashboard.server.choices import Choices, Remembered

if TYPE_CHECKING:
    from dashboard.server.database import Database

MANY = Value(("Push", "O'Brien"), several=True)


@pytest.mark.parametrize(
    ("sql", "value", "expected"),
    [
        ("type = '$v'", Value(("Push",)), "type = 'Push'"),
        ("type = '${v}'", Value(("O'Brien",)), "type = 'O''Brien'"),
        ("type = '[[v]]'", Value(("Push",)), "type = 'Push'"),
        ("type IN ($v)", MANY, "type IN ('Push','O''Brien')"),
        ("type IN (${v:sqlstring})", Value(("Push",)), "type IN ('Push')"),
        ("FROM ${v:raw}", Value(("table_1m",)), "FROM table_1m"),
        ("$v", Value(("a", "b"), several=True, everything="type"), "type"),
        ("$__timeFilter(t) AND $other = $values", Value(("x",)), "$__timeFilter(t) AND $other = $values"),
    ],
)
def test_a_value_in_sql(sql: str, value: Value, expected: str) -> None:
    assert interpolate(sql, {"v": value}) == expected


@pytest.mark.parametrize(
    ("variable", "given", "expected"),
    [
        ({"type": "custom", "query": "a,b"}, [], ("a",)),
        ({"type": "custom", "query": "a,b"}, ["b"], ("b",)),
        ({"type": "custom", "query": "One : 1, Two : 2"}, [], ("1",)),
        ({"type": "custom", "query": "a,b", "current": {"value": "b"}}, [], ("b",)),
        ({"type": "custom", "query": "a,b", "multi": True, "includeAll": True}, ["$__all"], ("a", "b")),
        ({"type": "custom", "query": "a,b", "multi": True, "includeAll": True}, [], ("a", "b")),
        ({"type": "textbox", "query": "start"}, [], ("start",)),
    ],
)
def test_what_is_chosen(variable: dict[str, object], given: list[str], expected: tuple[str, ...]) -> None:
    assert variables.chosen(variable, given, variables.listed(variable)).chosen == expected


@pytest.mark.parametrize("query", ["SELECT 1", {"rawSql": "SELECT 1"}, {"query": "SELECT 1"}])
def test_the_question_of_a_variable(query: object) -> None:
    assert variables.question({"type": "query", "query": query}) == "SELECT 1"


def test_the_panels_of_a_page_share_what_can_be_chosen() -> None:
    asked: list[str] = []

    class Counting:
        """Counts questions, each of which takes a while."""

        async def ask(self, sql: str) -> Result:
            asked.append(sql)
            await anyio.lowlevel.checkpoint()
            return Result(["x"], [("a",)])

    async def page() -> list[list[dict[str, Any]]]:
        remembered = Remembered(cast("Database", Counting()))
        board = {"templating": {"list": [{"name": "v", "type": "query", "query": "SELECT x"}]}}
        found = await asyncio.gather(*(Choices.of(board, QueryParams(), remembered) for _ in range(9)))
        return [choices.shown for choices in found]

    shown = asyncio.run(page())
    assert [each[0]["options"] for each in shown] == [["a"]] * 9
    assert asked == ["SELECT x"]


def test_what_a_dashboard_holds_is_chosen_when_it_is_opened() -> None:
    every = {"name": "t", "type": "query", "query": "SELECT 1", "includeAll": True, "allValue": "'all'"}
    typed = {"name": "r", "type": "textbox", "query": "", "current": {"value": ""}}
    values = variables.defaults({"templating": {"list": [every, typed]}})
    assert interpolate("'all' IN ($t) OR '$r' = ''", values) == "'all' IN ('all') OR '' = ''"
