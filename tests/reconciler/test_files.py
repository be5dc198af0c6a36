"""Files are read one by one, and SQL is cut into statements as QuestDB would."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from operations.reconciler import files, sql

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_is_removed_while_the_folder_is_read_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.sql").write_text("text", encoding="utf-8")
    monkeypatch.setattr(os, "listdir", lambda _: ["a.sql", "b.sql"])
    assert [source.name for source in files.sources(tmp_path, ".sql")] == ["a"]


def test_a_byte_order_mark_and_a_suffix_in_capitals_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.SQL").write_text("text", encoding="utf-8-sig")
    assert [(source.name, source.text) for source in files.sources(tmp_path, ".sql")] == [("a", "text")]


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("a.SQL", "a.sql"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    wanted = files.parsed(tmp_path, ".sql", lambda source: source.text)
    assert wanted.things == {"a": "a.SQL"}
    assert wanted.problems["a"].endswith("a.sql: another file of this folder is called a, too. Remove one of them")


def test_a_mistake_of_ours_in_one_file_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.sql").write_text(name, encoding="utf-8")
    wanted = files.parsed(tmp_path, ".sql", lambda source: {"b": "well"}[source.text])
    assert wanted.things == {"b": "well"}
    assert "a.sql: a mistake in the reconciler keeps it unread: KeyError" in wanted.problems["a"]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (";;\n-- nothing; at all\n/* ; */", []),
        ("CREATE TABLE a (x INT); create table b (y INT)", [("TABLE", "a"), ("TABLE", "b")]),
        ("CREATE TABLE 'a;b' (x INT)", [("TABLE", "a;b")]),
        (
            "CREATE VIEW v AS (SELECT ';' a, 'it''s' b, '\\' c FROM t);CREATE TABLE b (x INT)",
            [("VIEW", "v"), ("TABLE", "b")],
        ),
        ("CREATE MATERIALIZED VIEW IF NOT EXISTS m AS (DECLARE @x := 1 SELECT 1)", [("MATERIALIZED VIEW", "m")]),
    ],
)
def test_statements_of_a_file(text: str, statements: list[tuple[str, str]]) -> None:
    assert [(found.kind, found.name) for found in sql.parse("a file", text)] == statements


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("TABLE a (x INT) -- why", 'CREATE TABLE IF NOT EXISTS "t" (x INT)'),
        (
            "TABLE a AS (SELECT (1) x), INDEX(x)",
            'CREATE TABLE IF NOT EXISTS "t" AS (SELECT * FROM (SELECT (1) x) LIMIT 0), INDEX(x)',
        ),
        ("MATERIALIZED VIEW a AS SELECT 1", 'CREATE MATERIALIZED VIEW IF NOT EXISTS "t" REFRESH DEFERRED AS SELECT 1'),
        (
            "MATERIALIZED VIEW a REFRESH EVERY 1h AS x",
            'CREATE MATERIALIZED VIEW IF NOT EXISTS "t" REFRESH EVERY 1h DEFERRED AS x',
        ),
        (
            "MATERIALIZED VIEW a REFRESH PERIOD (x) AS x",
            'CREATE MATERIALIZED VIEW IF NOT EXISTS "t" REFRESH DEFERRED PERIOD (x) AS x',
        ),
        (
            "MATERIALIZED VIEW a refresh manual deferred AS x",
            'CREATE MATERIALIZED VIEW IF NOT EXISTS "t" refresh manual deferred AS x',
        ),
        ("MATERIALIZED VIEW a", 'CREATE MATERIALIZED VIEW IF NOT EXISTS "t"'),
    ],
)
def test_a_twin_holds_no_rows(text: str, twin: str) -> None:
    (found,) = sql.parse("a file", f"CREATE {text}")
    assert found.twin("t") == twin
