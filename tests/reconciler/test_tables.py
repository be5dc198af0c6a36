"""Tables become what their files say, on a real QuestDB."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import requests
from waiting import until

from operations.reconciler import questdb, repairs, tables
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stack import Stack

TABLE = """
-- A comment; with a semicolon.
CREATE TABLE IF NOT EXISTS made_by_test (
  timestamp TIMESTAMP, id VARCHAR, kind SYMBOL
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 3 DAYS WAL DEDUP UPSERT KEYS(timestamp, id);
"""
VIEW = """
CREATE MATERIALIZED VIEW IF NOT EXISTS made_by_test_1m WITH BASE made_by_test REFRESH IMMEDIATE AS (
  SELECT timestamp, kind, count() events FROM made_by_test SAMPLE BY 1m
) PARTITION BY DAY TTL 24 MONTHS;
"""


@pytest.fixture
def database(stack: Stack) -> Iterator[tables.QuestDb]:
    """The shared stack's QuestDB; the test's own tables are dropped after it."""
    with requests.Session() as session:
        found = tables.QuestDb(session, stack.settings["QUESTDB_HTTP_URL"])
        yield found
        found.run("DROP MATERIALIZED VIEW IF EXISTS made_by_test_1m")
        found.run("DROP TABLE IF EXISTS made_by_test")


def apply(database: tables.QuestDb, folder: Path, text: str) -> None:
    (folder / "made_by_test.sql").write_text(text, encoding="utf-8")
    tables.apply(database, tables.read(folder))


def created(database: tables.QuestDb) -> str:
    return str(database.run("SHOW CREATE TABLE made_by_test")[0]["ddl"])


def test_applied_twice_changes_nothing(database: tables.QuestDb, tmp_path: Path) -> None:
    apply(database, tmp_path, TABLE + VIEW)
    before = created(database)
    apply(database, tmp_path, TABLE + VIEW)
    assert created(database) == before
    assert "made_by_test__as_in_file" not in database.names()
    assert tables.missing(database, tables.read(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kind SYMBOL", "kind SYMBOL, size LONG", "size LONG"),
        ("TTL 3 DAYS", "TTL 9 DAYS", "TTL 9 DAYS"),
        ("KEYS(timestamp, id)", "KEYS(timestamp, id, kind)", "KEYS(timestamp,id,kind)"),
    ],
)
def test_what_can_be_altered_is(database: tables.QuestDb, tmp_path: Path, old: str, new: str, expected: str) -> None:
    apply(database, tmp_path, TABLE)
    apply(database, tmp_path, TABLE.replace(old, new))
    until(lambda: expected in created(database), expected, 10, lambda: created(database))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id VARCHAR", "id SYMBOL", r"made_by_test\.sql, made_by_test: column id is VARCHAR, the file says SYMBOL"),
        (", kind SYMBOL", "", r"column kind is SYMBOL, the file has no such column"),
        ("PARTITION BY DAY", "PARTITION BY HOUR", r"the file says \('timestamp', 'HOUR'\)"),
        ("VARCHAR", "VARCHA", r"made_by_test\.sql, made_by_test: "),
    ],
)
def test_what_cannot_be_altered_is_refused(
    database: tables.QuestDb, tmp_path: Path, old: str, new: str, message: str
) -> None:
    apply(database, tmp_path, TABLE)
    before = created(database)
    with pytest.raises(Problem, match=message):
        apply(database, tmp_path, TABLE.replace(old, new))
    assert created(database) == before


def test_changed_view_is_refused_with_the_remedy(database: tables.QuestDb, tmp_path: Path) -> None:
    apply(database, tmp_path, TABLE + VIEW)
    with pytest.raises(Problem, match="DROP MATERIALIZED VIEW made_by_test_1m"):
        apply(database, tmp_path, TABLE + VIEW.replace("count() events", "count() AS events"))


def test_statement_that_is_not_idempotent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.sql").write_text("DROP TABLE trips;", encoding="utf-8")
    with pytest.raises(Problem, match=r"bad\.sql: only CREATE … IF NOT EXISTS"):
        tables.read(tmp_path)


def test_look_at_a_database_that_hangs_ends_long_before_a_change_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questdb, "LOOKING", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = tables.QuestDb(requests.Session(), f"http://127.0.0.1:{silent.getsockname()[1]}")
        for sql in (repairs.SUSPENDED, "SHOW CREATE TABLE any"):
            with pytest.raises(requests.ReadTimeout):
                database.run(sql)
