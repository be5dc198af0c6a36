"""What QuestDB has stopped goes on, on a real one; nothing is forgotten for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from waiting import until

from operations.reconciler import repairs, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack

TABLE = (
    "CREATE TABLE IF NOT EXISTS made_by_test (timestamp TIMESTAMP, n LONG) TIMESTAMP(timestamp) PARTITION BY DAY WAL"
)
VIEW = """
CREATE MATERIALIZED VIEW IF NOT EXISTS made_by_test_1h WITH BASE made_by_test REFRESH IMMEDIATE AS (
  SELECT timestamp, sum(n) n FROM made_by_test SAMPLE BY 1h
) PARTITION BY DAY
"""
ROWS = "INSERT INTO made_by_test SELECT dateadd('m', (20 * x)::int, '2026-01-01'::timestamp), x FROM long_sequence({count})"


@pytest.fixture
def database(stack: Stack) -> Iterator[tables.QuestDb]:
    """The shared stack's QuestDB with a table and a view, and without the stack's own reconciler, which would repair them too."""
    stack.stop("reconciler")
    with requests.Session() as session:
        found = tables.QuestDb(session, stack.settings.questdb_http_url)
        found.run(TABLE)
        found.run(VIEW)
        found.run(ROWS.format(count=60))
        until(lambda: total(found) == 60 * 61 / 2, "the view", 30)
        yield found
        found.run("DROP MATERIALIZED VIEW made_by_test_1h")
        found.run("DROP TABLE made_by_test")
    stack.start("reconciler")
    stack.healthy("reconciler")


def total(database: tables.QuestDb) -> int:
    """Return the sum of what the view holds."""
    return int(database.run("SELECT coalesce(sum(n), 0) total FROM made_by_test_1h")[0]["total"])


def suspended(database: tables.QuestDb) -> set[str]:
    return {row["name"] for row in database.run(repairs.SUSPENDED)}


def truncate(database: tables.QuestDb) -> None:
    """Empty the table, which makes QuestDB give up the view."""
    database.run("TRUNCATE TABLE made_by_test")
    until(lambda: database.run(repairs.INVALID), "an invalid view", 10)


def test_what_an_error_has_suspended_goes_on_and_what_a_person_did_waits(database: tables.QuestDb) -> None:
    database.run("ALTER TABLE made_by_test SUSPEND WAL WITH 28, 'No space left'")
    database.run("ALTER MATERIALIZED VIEW made_by_test_1h SUSPEND WAL WITH 28, 'No space left'")
    database.run("INSERT INTO made_by_test VALUES ('2026-02-01', 7)")
    assert suspended(database) == {"made_by_test", "made_by_test_1h"}
    watch = repairs.Watch()
    assert "made_by_test is suspended: No space left" in watch.check(database)
    until(lambda: not suspended(database), "all going on", 10)
    until(lambda: total(database) == 60 * 61 / 2 + 7, "the row, in the view too", 30)
    assert watch.check(database) == []
    database.run("ALTER TABLE made_by_test SUSPEND WAL")
    assert watch.check(database) == ["made_by_test is suspended: by hand"]
    assert suspended(database) == {"made_by_test"}
    repairs.resume(database, "made_by_test")


def test_an_invalid_view_is_rebuilt_from_a_table_that_holds_it_all(database: tables.QuestDb) -> None:
    truncate(database)
    database.run(ROWS.format(count=70))
    watch = repairs.Watch()

    def repaired() -> bool:
        return not watch.check(database)

    until(lambda: database.run("SELECT count() rows FROM made_by_test")[0]["rows"] == 70, "rows", 10)
    assert watch.check(database)[0].startswith("view made_by_test_1h is out of order: ")
    until(repaired, "a valid view", 30)
    until(lambda: total(database) == 70 * 71 / 2, "all rows in the view", 30)


def test_a_view_that_alone_remembers_is_left_to_a_person(database: tables.QuestDb) -> None:
    truncate(database)
    (sentence,) = repairs.Watch().check(database)
    assert sentence.endswith("what made_by_test still holds, run: REFRESH MATERIALIZED VIEW made_by_test_1h FULL")
    assert total(database) == 60 * 61 / 2
