"""What QuestDB has stopped goes on, on a real one; nothing is forgotten for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import requests
from waiting import until

from operations.reconciler import catalog, questdb
from operations.reconciler.repairs import SUSPENDED, Repairs

if TYPE_CHECKING:
    from collections.abc import Iterator


# The designated timestamp has a name that needs quotes, and is not called timestamp.
TABLE = (
    'CREATE TABLE IF NOT EXISTS made_by_test ("at time" TIMESTAMP, n LONG) TIMESTAMP("at time") PARTITION BY DAY WAL'
)
VIEW = """
CREATE MATERIALIZED VIEW IF NOT EXISTS made_by_test_1h WITH BASE made_by_test REFRESH IMMEDIATE AS (
  SELECT "at time", sum(n) n FROM made_by_test SAMPLE BY 1h
) PARTITION BY DAY
"""
ROWS = "INSERT INTO made_by_test SELECT dateadd('m', (20 * x)::int, '2026-01-01'::timestamp), x FROM long_sequence({count})"
FIRST = "made_by_test is suspended: No space left"


class Watched(questdb.QuestDb):
    """The shared stack's QuestDB, whose repairs are made by the test."""

    def __init__(self, session: requests.Session, *where: str) -> None:
        """Know of nothing that has stopped."""
        super().__init__(session, *where)
        self.repairs = Repairs(self)

    def repaired(self) -> list[str]:
        """Make a pass; return what has stopped, of the test's own."""
        return [line for line in self.repairs.make(catalog.relations(self)) if "made_by_test" in line]


@pytest.fixture
def database(reach: dict[str, str]) -> Iterator[Watched]:
    """The shared stack's QuestDB with a table and a view."""
    with requests.Session() as session:
        found = Watched(session, *(reach[f"QUESTDB_HTTP_{name}"] for name in ("URL", "USER", "PASSWORD")))
        found.run(TABLE)
        found.run(VIEW)
        found.run(ROWS.format(count=60))
        until(lambda: total(found) == 60 * 61 / 2, "the view", 30)
        yield found
        found.run("DROP MATERIALIZED VIEW IF EXISTS made_by_test_1h")
        found.run("DROP TABLE IF EXISTS made_by_test")


def total(database: questdb.QuestDb) -> int:
    """Return the sum of what the view holds."""
    return int(database.run("SELECT coalesce(sum(n), 0) total FROM made_by_test_1h")[0]["total"])


def suspended(database: questdb.QuestDb) -> set[str]:
    return {row["name"] for row in database.run(SUSPENDED)}


def invalid(database: questdb.QuestDb, name: str = "made_by_test_1h") -> bool:
    sql = f"SELECT view_name FROM materialized_views() WHERE view_status = 'invalid' AND view_name = '{name}'"
    return bool(database.run(sql))


def truncate(database: questdb.QuestDb) -> None:
    """Empty the table, which makes QuestDB give up the view."""
    database.run("TRUNCATE TABLE made_by_test")
    until(lambda: invalid(database), "an invalid view", 10)


def test_what_an_error_has_suspended_goes_on_and_what_a_person_did_waits(database: Watched) -> None:
    database.run("ALTER TABLE made_by_test SUSPEND WAL WITH 28, 'No space left'")
    database.run("ALTER MATERIALIZED VIEW made_by_test_1h SUSPEND WAL WITH 28, 'No space left'")
    database.run("INSERT INTO made_by_test VALUES ('2026-02-01', 7)")
    assert suspended(database) == {"made_by_test", "made_by_test_1h"}
    assert FIRST in database.repaired()
    until(lambda: not suspended(database), "all going on", 10)
    until(lambda: total(database) == 60 * 61 / 2 + 7, "the row, in the view too", 30)
    assert database.repaired() == []
    database.run("ALTER TABLE made_by_test SUSPEND WAL")
    (sentence,) = Repairs(database).make(catalog.relations(database))
    run = 'ALTER TABLE "made_by_test" RESUME WAL'
    assert sentence == f"made_by_test is suspended: by hand. To have it go on, run: {run}"
    assert suspended(database) == {"made_by_test"}
    database.run(run)


def test_an_invalid_view_is_rebuilt_from_a_table_that_holds_it_all(database: Watched) -> None:
    truncate(database)
    database.run(ROWS.format(count=70))
    until(lambda: database.run("SELECT count() rows FROM made_by_test")[0]["rows"] == 70, "rows", 10)
    assert database.repaired()[0].startswith("view made_by_test_1h is out of order: ")
    until(lambda: not database.repaired(), "a valid view", 30)
    until(lambda: total(database) == 70 * 71 / 2, "all rows in the view", 30)


def test_a_view_that_alone_remembers_is_left_to_a_person(database: Watched) -> None:
    truncate(database)
    (sentence,) = database.repaired()
    run = 'REFRESH MATERIALIZED VIEW "made_by_test_1h" FULL'
    assert sentence.endswith(f"what made_by_test still holds, run: {run}")
    assert total(database) == 60 * 61 / 2


def test_one_repair_that_fails_keeps_no_other_from_being_made(database: Watched) -> None:
    """QuestDB refuses whatever is asked of the view; the table beside it goes on."""
    truncate(database)
    have = {name: found for name, found in catalog.relations(database).items() if name.startswith("made_by_test")}
    broken = replace(have["made_by_test_1h"], timestamp="nope")
    database.run("ALTER TABLE made_by_test SUSPEND WAL WITH 28, 'No space left'")
    sentences = Repairs(database).make({"a view": broken, **catalog.relations(database)})
    assert "The repair failed: Invalid column: nope. It is tried again" in sentences[0]
    assert FIRST in sentences
    until(lambda: not suspended(database), "the table going on", 10)


def test_a_view_without_its_base_says_so(database: Watched) -> None:
    database.run("DROP TABLE made_by_test")
    until(lambda: invalid(database), "an invalid view", 10)
    (sentence,) = database.repaired()
    assert sentence.endswith(
        'Its base made_by_test does not exist. Make it again, or run: DROP MATERIALIZED VIEW "made_by_test_1h"'
    )
