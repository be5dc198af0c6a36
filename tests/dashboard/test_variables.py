"""Variables of a dashboard, as Grafana's PostgreSQL data source puts them into SQL."""

from __future__ import annotations

import pytest

from dashboard.grafana import variables
from dashboard.grafana.variables import Value, interpolate

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
