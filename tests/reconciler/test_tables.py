"""Tables and views become what their files say, on a real QuestDB, in whatever form of its documentation that is written."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import requests
from waiting import until

from operations.reconciler import catalog, questdb, repairs, tables
from operations.reconciler.passes import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TABLE = """
-- A comment; with a semicolon, and a quote that's not closed.
CREATE TABLE IF NOT EXISTS made_by_test (
  timestamp TIMESTAMP, id VARCHAR, kind SYMBOL
) TIMESTAMP(timestamp) PARTITION BY DAY TTL 3 DAYS WAL DEDUP UPSERT KEYS(timestamp, id);
"""
VIEW = """
CREATE MATERIALIZED VIEW IF NOT EXISTS made_by_test_1m WITH BASE made_by_test REFRESH IMMEDIATE AS (
  SELECT timestamp, kind, count() events FROM made_by_test SAMPLE BY 1m
) PARTITION BY DAY TTL 24 MONTHS;
"""
QUERY = "SELECT timestamp, kind, count() events FROM made_by_test SAMPLE BY 1h"


OF_VIEWS = (
    "view_status",
    "invalidation_reason",
    "base_table_name",
    "view_sql",
    "timer_start",
    *catalog.SCHEDULE,
)


class Counting(questdb.QuestDb):
    """A QuestDB that counts the statements that reach it.

    If it `forgets`, two lists of three say nothing of materialized views; of QuestDB 9.3.4's own, one in some hundreds does.
    """

    statements = 0
    forgets = False

    def run(self, sql: str) -> list[dict[str, Any]]:
        """Count, and run."""
        self.statements += 1
        rows = super().run(sql)
        if sql == catalog.RELATIONS and self.forgets and self.statements % 3:
            return [row | dict.fromkeys(OF_VIEWS) if row["table_type"] == "M" else row for row in rows]
        return rows


@pytest.fixture
def database(reach: dict[str, str]) -> Iterator[Counting]:
    """The shared stack's QuestDB, without its reconciler; the test's own tables and views are dropped after it."""
    with requests.Session() as session:
        found = Counting(session, *(reach[f"QUESTDB_HTTP_{name}"] for name in ("URL", "USER", "PASSWORD")))
        yield found
        for kind, where in (("MATERIALIZED VIEW", "M"), ("VIEW", "V"), ("TABLE", "T")):
            for name in made(found, where):
                found.run(f'DROP {kind} "{name}"')


def made(database: questdb.QuestDb, kind: str) -> list[str]:
    """Return the names of what the test made."""
    rows = database.run(f"SELECT table_name FROM tables() WHERE table_type = '{kind}' AND table_name LIKE 'made%'")
    return [row["table_name"] for row in rows]


class Files:
    """A folder of schema files that is applied pass after pass, two seconds apart, by a clock of its own."""

    def __init__(self, database: questdb.QuestDb, folder: Path) -> None:
        """Begin as a reconciler that has just started."""
        self.now = 1000.0
        self._folder = folder
        self._database = database
        self.label = f"{folder.name}/made_by_test.sql"
        self.restart()

    def restart(self) -> None:
        """Forget what is known, as a reconciler that has just started."""
        self.tables = tables.Tables(self._database, self._folder, clock=lambda: self.now)

    def write(self, text: str) -> Files:
        """Replace the file."""
        (self._folder / "made_by_test.sql").write_text(text, encoding="utf-8")
        return self

    def passed(self) -> list[str]:
        """Make a pass; return the problems it found."""
        self.now += 2
        return self.tables.once()

    def well(self) -> None:
        """Make passes until nothing is wrong, and nothing is left to do."""
        until(lambda: not self.passed() and self.tables.soonest() == float("inf"), "as the files say", 60, self.shown)

    def shown(self) -> str:
        """Return the problems of a pass as text."""
        return str(self.passed())


@pytest.fixture
def files(database: questdb.QuestDb, tmp_path: Path) -> Files:
    """An empty folder."""
    return Files(database, tmp_path)


def created(database: questdb.QuestDb, name: str = "made_by_test") -> str:
    kind = "MATERIALIZED VIEW" if name == "made_by_test_1m" else "TABLE"
    return str(database.run(f'SHOW CREATE {kind} "{name}"')[0]["ddl"])


def column(database: questdb.QuestDb, name: str, table: str = "made_by_test") -> dict[str, Any]:
    (found,) = database.run(f"SELECT * FROM table_columns('{table}') WHERE \"column\" = '{name}'")
    return found


def test_applied_again_changes_nothing(database: questdb.QuestDb, files: Files) -> None:
    files.write(TABLE + VIEW).well()
    before = created(database), created(database, "made_by_test_1m")
    files.restart()
    files.well()
    assert (created(database), created(database, "made_by_test_1m")) == before
    assert sorted(made(database, "T") + made(database, "M")) == ["made_by_test", "made_by_test_1m"], "no twin stays"
    assert tables.missing(database, tables.read(SCHEMA)) == []


def test_a_view_that_questdb_leaves_out_of_its_list_for_a_moment_is_no_other_view(
    database: Counting, files: Files
) -> None:
    """While it writes a view's state, QuestDB lists it in tables() and not in materialized_views()."""
    database.forgets = True
    files.write(TABLE + VIEW)
    for _ in range(2):
        files.well()
        assert [files.passed() for _ in range(99)] == [[]] * 99
        files.restart()  # now a twin is made of each
    assert sorted(made(database, "M")) == ["made_by_test_1m"], "no twin stays"


VIEWS = {
    "no brackets": f"AS {QUERY}",
    "the base": f"WITH BASE made_by_test AS ({QUERY})",
    "a quoted base": "WITH BASE 'made_by_test' AS (SELECT timestamp, kind, count() events FROM \"made_by_test\" SAMPLE BY 1h)",
    "immediate": f"REFRESH IMMEDIATE AS {QUERY}",
    "incremental, as once": f"WITH BASE made_by_test REFRESH INCREMENTAL AS {QUERY}",
    "deferred": f"REFRESH IMMEDIATE DEFERRED AS {QUERY}",
    "manual": f"REFRESH MANUAL AS {QUERY}",
    "every": f"REFRESH EVERY 10m AS {QUERY}",
    "every, from a time": f"REFRESH EVERY 1h START '2026-01-01T00:00:00Z' TIME ZONE 'Europe/Berlin' AS {QUERY}",
    "period": f"REFRESH PERIOD (LENGTH 1d TIME ZONE 'Europe/London' DELAY 2h) AS {QUERY}",
    "short period": f"REFRESH PERIOD (SAMPLE BY INTERVAL) AS {QUERY} ALIGN TO CALENDAR TIME ZONE 'Europe/London'",
    "every period": f"REFRESH EVERY 15m PERIOD (LENGTH 1h DELAY 5m) AS {QUERY}",
    "manual period": f"REFRESH MANUAL DEFERRED PERIOD (LENGTH 1d TIME ZONE 'UTC' DELAY 1h) AS {QUERY}",
    "all of it": "WITH BASE made_by_test REFRESH EVERY 15m START '2025-01-01T00:00:00Z' TIME ZONE 'UTC' "
    f"AS ({QUERY}) TIMESTAMP(timestamp) PARTITION BY DAY TTL 30 DAYS",
    "weeks": f"AS ({QUERY}) PARTITION BY DAY TTL 4w",
    "days": f"AS ({QUERY}) PARTITION BY DAY TTL 90d",
    "hours": f"AS ({QUERY}) PARTITION BY HOUR TTL 12h",
    "months": f"AS ({QUERY}) PARTITION BY MONTH TTL 3M",
    "one week": f"AS ({QUERY}) PARTITION BY WEEK TTL 1 WEEK",
    "years": f"AS ({QUERY}) PARTITION BY YEAR TTL 2 YEARS",
    "an index": f"AS ({QUERY}), INDEX(kind CAPACITY 512) PARTITION BY DAY",
    "comments": f"/* so; */ AS ( -- it's\n{QUERY} -- all\n)\nPARTITION BY DAY /* done */",
    "declare": "AS (DECLARE @least := 3 SELECT timestamp, count() events FROM made_by_test WHERE id <> 'a;\\' SAMPLE BY 1h)",
    "case": "AS SELECT timestamp, sum(CASE WHEN kind = 'a' THEN 1 ELSE 0 END) n FROM made_by_test SAMPLE BY 1h",
}
TABLES = {
    "no timestamp": "(a INT, b STRING)",
    "all types": "(t TIMESTAMP, n TIMESTAMP_NS, d DECIMAL(18,4), g GEOHASH(5c), a DOUBLE[], i IPV4, u UUID, l LONG256, "
    "s SHORT, b BYTE, c CHAR, f FLOAT, x BINARY, e DATE, o BOOLEAN) TIMESTAMP(t) PARTITION BY HOUR TTL 12h",
    "symbols": "(t TIMESTAMP, s SYMBOL CAPACITY 512 NOCACHE INDEX CAPACITY 1024, r SYMBOL), INDEX(r) TIMESTAMP(t) PARTITION BY DAY",
    "parameters": "(t TIMESTAMP, s LONG) TIMESTAMP(t) PARTITION BY DAY TTL 1 WEEK WITH maxUncommittedRows=250000, o3MaxLag=240s",
    "no log": "(t TIMESTAMP) TIMESTAMP(t) PARTITION BY WEEK BYPASS WAL",
    "quoted columns": "(t TIMESTAMP, \"wind speed\" DOUBLE, 'gust of' SYMBOL) TIMESTAMP(t) PARTITION BY DAY "
    'DEDUP UPSERT KEYS(t, "gust of")',
    "like": "(LIKE made_by_test)",
    "query": "AS (SELECT timestamp, kind FROM made_by_test), INDEX(kind) TIMESTAMP(timestamp) PARTITION BY YEAR TTL 2y",
    "parquet": "(t TIMESTAMP, v DOUBLE PARQUET(rle_dictionary, zstd(3))) TIMESTAMP(t) PARTITION BY MONTH TTL 3M",
}
STATEMENTS = [f"CREATE MATERIALIZED VIEW made_by_test_{n}v {text}" for n, text in enumerate(VIEWS.values())]
STATEMENTS += [f"CREATE TABLE IF NOT EXISTS made_by_test_{n}t {text}" for n, text in enumerate(TABLES.values())]
STATEMENTS += [
    'CREATE TABLE IF NOT EXISTS "made-by test" (t TIMESTAMP) TIMESTAMP(t) PARTITION BY DAY',
    "create table 'made_groß' (t timestamp) timestamp(t) partition by day",
    f"CREATE MATERIALIZED VIEW IF NOT EXISTS 'made-by view' AS ({QUERY})",
    "CREATE VIEW made_by_test_plain AS (SELECT * FROM made_by_test)",
    "CREATE OR REPLACE VIEW made_by_test_simple AS SELECT kind FROM made_by_test",
    "CREATE ATOMIC TABLE made_by_test_atomic AS (SELECT * FROM made_by_test)",
    "CREATE BATCH 1000 TABLE made_by_test_batch AS (SELECT * FROM made_by_test)",
]


def test_every_form_of_the_documentation_is_created_once_and_found_unchanged(database: Counting, files: Files) -> None:
    """Also after a restart, when each is compared anew; a comment, white space or the case of a keyword is no change."""
    files.write(TABLE + ";\n".join(STATEMENTS)).well()
    database.run("INSERT INTO made_by_test VALUES ('2026-01-01', 'a', 'b')")
    names = {kind: sorted(made(database, kind)) for kind in "TMV"}
    assert sum(map(len, names.values())) == len(STATEMENTS) + 1
    before = {name: created(database, name) for name in names["T"]}
    rewritten = "-- again\n" + (TABLE + ";\n\n".join(STATEMENTS)).replace("SELECT", "select  ").replace(
        " AS ", "\nas\t"
    )
    files.write(rewritten)
    files.restart()
    files.well()
    assert {kind: sorted(made(database, kind)) for kind in "TMV"} == names, "no twin stays"
    assert {name: created(database, name) for name in names["T"]} == before


def test_a_view_that_questdb_takes_and_never_refreshes_is_named(database: Counting, files: Files) -> None:
    """QuestDB 9.3.4 takes the documentation's form without SAMPLE BY. With the first row it finds no time in it."""
    view = "CREATE MATERIALIZED VIEW made_by_test_1h AS SELECT timestamp_floor('1h', timestamp) t, count() n FROM made_by_test"
    files.write(TABLE + view).well()
    files.restart()
    files.well()
    assert sorted(made(database, "M")) == ["made_by_test_1h"], "no twin stays"
    database.run("INSERT INTO made_by_test VALUES ('2026-01-01', 'a', 'b')")
    named = "view made_by_test_1h is out of order: [-1]: timestamp type mismatch"
    until(lambda: any(named in sentence for sentence in files.passed()), named, show=files.shown)


Applied = Callable[[questdb.QuestDb], object]
ALTERED: dict[str, tuple[str, str, str, Applied]] = {
    "a column": (TABLE, "kind SYMBOL", "kind SYMBOL, size LONG", lambda db: "size LONG" in created(db)),
    "a column with quotes": (
        TABLE,
        "kind SYMBOL",
        'kind SYMBOL, "wind speed" DOUBLE',
        lambda db: column(db, "wind speed"),
    ),
    "a symbol with all it has": (
        TABLE,
        "kind SYMBOL",
        "kind SYMBOL, s SYMBOL CAPACITY 65536 NOCACHE INDEX CAPACITY 512",
        lambda db: traits(db, "s") == (65536, False, True, 512),
    ),
    "an index and a capacity": (
        TABLE,
        "kind SYMBOL",
        "kind SYMBOL CAPACITY 4096 NOCACHE INDEX",
        lambda db: traits(db, "kind") == (4096, False, True, 256),
    ),
    "no index": (
        TABLE.replace("SYMBOL", "SYMBOL CAPACITY 4096 INDEX CAPACITY 512"),
        "SYMBOL CAPACITY 4096 INDEX CAPACITY 512",
        "SYMBOL",
        lambda db: traits(db, "kind")[:3] == (256, True, False),
    ),
    "TTL": (TABLE, "TTL 3 DAYS", "TTL 9d", lambda db: "TTL 9 DAYS" in created(db)),
    "no TTL": (TABLE, "TTL 3 DAYS", "", lambda db: "TTL" not in created(db)),
    "keys": (
        TABLE,
        "KEYS(timestamp, id)",
        'KEYS("timestamp", id, kind)',
        lambda db: "(timestamp,id,kind)" in created(db),
    ),
    "no keys": (TABLE, "DEDUP UPSERT KEYS(timestamp, id)", "", lambda db: "DEDUP" not in created(db)),
    "parameters": (
        TABLE,
        "WAL DEDUP",
        "WAL WITH maxUncommittedRows=1000, o3MaxLag=20s DEDUP",
        lambda db: db.run("SELECT * FROM tables() WHERE maxUncommittedRows = 1000 AND o3MaxLag = 20000000"),
    ),
    "a view's TTL": (VIEW, "TTL 24 MONTHS", "TTL 4w", lambda db: "TTL 4 WEEKS" in created(db, "made_by_test_1m")),
    "a view's refresh": (VIEW, "IMMEDIATE", "EVERY 10m", lambda db: "EVERY 10m" in created(db, "made_by_test_1m")),
    "a view's period": (
        VIEW,
        "IMMEDIATE",
        "MANUAL DEFERRED PERIOD (LENGTH 1d DELAY 1h)",
        lambda db: "REFRESH MANUAL PERIOD (LENGTH 1d DELAY 1h)" in created(db, "made_by_test_1m"),
    ),
    "a view's start": (
        VIEW.replace("IMMEDIATE", "EVERY 1h START '2026-01-01T00:00:00Z'"),
        "2026-01-01",
        "2026-02-01",
        lambda db: "START '2026-02-01" in created(db, "made_by_test_1m"),
    ),
    "a view's index": (
        VIEW,
        ") PARTITION",
        "), INDEX(kind) PARTITION",
        lambda db: column(db, "kind", "made_by_test_1m")["indexed"],
    ),
    "a plain view": (
        "CREATE VIEW made_plain AS (SELECT id FROM made_by_test)",
        "SELECT id",
        "SELECT kind, id",
        lambda db: list(db.run("SELECT view_sql FROM views() WHERE view_sql LIKE 'SELECT kind%'")),
    ),
}


def traits(database: questdb.QuestDb, name: str) -> tuple[int, bool, bool, int]:
    found = column(database, name)
    return found["symbolCapacity"], found["symbolCached"], found["indexed"], found["indexBlockCapacity"]


@pytest.mark.parametrize("what", ALTERED)
def test_what_can_be_altered_is(database: questdb.QuestDb, files: Files, what: str) -> None:
    text, old, new, applied = ALTERED[what]
    assert old in text
    table = "" if "made_by_test (" in text else TABLE
    files.write(table + text).well()
    files.write(table + text.replace(old, new)).well()
    until(lambda: applied(database), what, 60, lambda: created(database))
    invalid = database.run(repairs.INVALID)
    assert not [row for row in invalid if row["view_name"] == "made_by_test_1m"]


REFUSED = {
    "a type": (
        "id VARCHAR",
        "id SYMBOL",
        'Write VARCHAR in the file, or run: ALTER TABLE "made_by_test" ALTER COLUMN "id" TYPE SYMBOL',
    ),
    "a column less": (
        ", kind SYMBOL",
        "",
        'Add the line `"kind" SYMBOL CAPACITY 256 CACHE` to the file, or run: ALTER TABLE "made_by_test" DROP COLUMN "kind"',
    ),
    "partitions": (
        "BY DAY TTL",
        "BY HOUR TTL",
        'PARTITION BY is DAY, the file says HOUR. To have it made anew without its rows, run: DROP TABLE "made_by_test"',
    ),
    "no log": (" WAL DEDUP UPSERT KEYS(timestamp, id)", " BYPASS WAL", "write-ahead log is on, the file says off"),
    "a mistake": (
        "id VARCHAR",
        "id VARCHA",
        "QuestDB refuses the statement (unsupported column type: VARCHA). Mend it in the file",
    ),
    "no such column": (
        "KEYS(timestamp, id)",
        "KEYS(timestamp, nope)",
        "deduplicate key column not found [column=nope]",
    ),
    "another kind": (
        "CREATE TABLE IF NOT EXISTS made_by_test (",
        "CREATE VIEW made_by_test AS (SELECT 1); CREATE TABLE made_other (",
        "it is a table, the file says view",
    ),
    "a view's query": (
        "count() events",
        "count() AS events",
        'To have it rebuilt from what its base still holds, run: DROP MATERIALIZED VIEW "made_by_test_1m"',
    ),
    "a view's partitions": ("BY DAY TTL 24", "BY MONTH TTL 24", "PARTITION BY is DAY, the file says MONTH"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_altered_is_named_with_its_remedy(database: questdb.QuestDb, files: Files, what: str) -> None:
    """The other changes of the same file are made all the same."""
    old, new, message = REFUSED[what]
    assert old in TABLE + VIEW
    files.write(TABLE + VIEW).well()
    before = created(database), created(database, "made_by_test_1m")
    files.write((TABLE + VIEW).replace(old, new, 1))
    sentence, *others = until(files.passed, "a sentence", 60)
    assert others == []
    assert sentence.startswith(files.label)
    assert message in sentence
    assert (created(database), created(database, "made_by_test_1m")) == before


def test_a_view_that_differs_for_ten_minutes_costs_a_handful_of_statements_a_minute(
    database: Counting, files: Files
) -> None:
    """Beside all of the shipped schema; the clock of the reconciler is put forward two seconds a pass, as it makes them."""
    files.write(everything := shipped() + TABLE + VIEW).well()
    files.restart()
    files.write(everything.replace("count() events FROM made_by_test", "count() AS events FROM made_by_test"))
    minutes = []
    for _ in range(10):
        before = database.statements
        assert {len(files.passed()) for _ in range(30)} == {1}, "named in every pass"
        minutes.append(database.statements - before)
    names = len(files.tables.read().things)
    assert minutes[0] <= 2 * names + 9, "a twin of each statement, once"
    assert max(minutes[1:]) <= 5, minutes
    assert not [
        name for name in database.run("SELECT table_name FROM tables()") if name["table_name"].endswith("in_file")
    ]


def shipped() -> str:
    """Return all schema files as one text."""
    return ";\n".join(path.read_text(encoding="utf-8") for path in sorted(SCHEMA.glob("*.sql")))


def test_what_questdb_refuses_is_tried_again_less_and_less_often(database: Counting, files: Files) -> None:
    """While other tables are created; at once when the file changes."""
    files.write(TABLE.replace("VARCHAR", "VARCHA") + "CREATE TABLE made_other (a INT)")
    minutes = []
    for _ in range(5):
        before = database.statements
        assert {files.passed()[0].rpartition(": ")[0] for _ in range(30)} == {
            f"{files.label}, made_by_test: QuestDB refuses the statement (unsupported column type"
        }
        minutes.append(database.statements - before)
    assert made(database, "T") == ["made_other"]
    assert max(minutes[2:]) <= 8, minutes
    files.write(TABLE).well()


def test_two_files_that_define_the_same_table(database: Counting, files: Files, tmp_path: Path) -> None:
    (tmp_path / "made copy.sql").write_text(TABLE.replace("3 DAYS", "9 DAYS"), encoding="utf-8")
    files.write(TABLE)
    sentence, *others = until(files.passed, "a sentence", 60)
    assert others == []
    assert sentence.endswith("made_by_test.sql, too, and that counts. Remove one of the two")
    assert "TTL 3 DAYS" in created(database)


def test_look_at_a_database_that_hangs_ends_long_before_a_change_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questdb, "LOOKING", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = tables.QuestDb(requests.Session(), f"http://127.0.0.1:{silent.getsockname()[1]}")
        for sql in (repairs.SUSPENDED, catalog.RELATIONS, "SHOW CREATE TABLE any"):
            with pytest.raises(requests.ReadTimeout):
                database.run(sql)
