"""What questdb/server.env makes of the server: who may write, what is refused, what is in force."""

from __future__ import annotations

import time

import psycopg
import pytest
import requests
from dotenv import dotenv_values
from questdb_server import ADMIN, ROOT, Server

WRITES = [
    "INSERT INTO github_polls (timestamp, poller) VALUES (now(), 'x')",
    "UPDATE github_polls SET poll = 1",
    "CREATE TABLE mine (a INT)",
    "CREATE TABLE mine AS (SELECT * FROM github_polls)",
    "ALTER TABLE github_polls ADD COLUMN mine INT",
    "ALTER TABLE github_polls SET TTL 1 DAY",
    "ALTER TABLE github_polls DROP PARTITION WHERE timestamp > 0",
    "ALTER TABLE github_polls RESUME WAL",
    "TRUNCATE TABLE github_polls",
    "DROP TABLE github_polls",
    "RENAME TABLE github_polls TO mine",
    "VACUUM TABLE github_polls",
    "REFRESH MATERIALIZED VIEW github_events_type_1m FULL",
    "DROP MATERIALIZED VIEW github_events_type_1h",
    "CHECKPOINT CREATE",
    "COPY github_polls FROM 'x.csv'",
    "COPY github_polls TO 'x' WITH FORMAT PARQUET",
    "COPY (SELECT * FROM github_polls) TO 'x' WITH FORMAT CSV",
]


def poll(server: Server) -> None:
    line = f"github_polls,poller=python poll=1i,page=1i,status=200i,saturated=f {int(time.time()) * 1_000_000}"
    response = server.write([line])
    assert response.status_code == 204, response.text
    server.settle()


@pytest.mark.parametrize("statement", WRITES)
def test_the_read_only_user_may_not(questdb: Server, statement: str) -> None:
    poll(questdb)
    before = questdb.sql("SELECT count() FROM github_polls")
    with questdb.connect() as connection, pytest.raises(psycopg.DatabaseError, match=r"denied|disabled"):
        connection.execute(statement.encode())
    assert questdb.sql("SELECT count() FROM github_polls") == before
    assert not list(questdb.root.glob("export/**/*"))


def test_the_read_only_user_may_read(questdb: Server) -> None:
    poll(questdb)
    with questdb.connect() as connection:
        assert connection.execute("SELECT DISTINCT poller FROM github_polls").fetchall() == [("python",)]
        assert connection.execute("SELECT count() FROM tables()").fetchone() != (0,)


def test_a_wrong_password_is_refused(questdb: Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="invalid username/password"):
        questdb.connect(("user", "wrong"))


def test_exports_go_over_http_and_not_to_files_of_the_server(questdb: Server) -> None:
    poll(questdb)
    with questdb.connect(ADMIN) as connection, pytest.raises(psycopg.DatabaseError, match="COPY TO is disabled"):
        connection.execute("COPY github_polls TO 'x' WITH FORMAT PARQUET")
    query = {"query": "SELECT * FROM github_polls", "fmt": "parquet"}
    answer = requests.get(f"{questdb.url}/exp", params=query, timeout=30)
    assert (answer.status_code, answer.content[:4]) == (200, b"PAR1")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('github_event,type=PushEvent id="1"', "table does not exist"),
        ('github_events,type=PushEvent id="1",actorr="joe"', "actorr does not exist"),
        ("github_events,type=PushEvent id=1i", "cast error"),
    ],
)
def test_a_typo_is_refused_and_makes_nothing(questdb: Server, line: str, complaint: str) -> None:
    columns = questdb.sql("SELECT \"column\" FROM table_columns('github_events')")
    answer = questdb.write([f"{line} {int(time.time()) * 1_000_000}"])
    assert answer.status_code == 400
    assert complaint in answer.text
    assert questdb.sql("SELECT table_name FROM tables() WHERE table_name = 'github_event'") == []
    assert questdb.sql("SELECT \"column\" FROM table_columns('github_events')") == columns


def test_every_setting_is_known_and_in_force(questdb: Server) -> None:
    parameters = {row["env_var_name"]: (row["value"], row["value_source"]) for row in questdb.sql("SHOW PARAMETERS")}
    settings = dotenv_values(ROOT / "questdb" / "server.env")
    ours = {name: value for name, value in settings.items() if not name.startswith("QDB_LOG_")}
    assert {name: parameters.get(name) for name in ours} == {name: (value, "env") for name, value in ours.items()}


def test_commits_are_not_logged(questdb: Server) -> None:
    poll(questdb)
    assert "server is ready to be started" in questdb.log
    assert not [line for line in questdb.log.splitlines() if " I " in line]
    assert not list(questdb.root.glob("log/*"))


def test_health_and_metrics_answer(questdb: Server) -> None:
    base = f"http://127.0.0.1:{questdb.health}"
    assert "Healthy" in requests.get(base, timeout=10).text
    assert "questdb_unhandled_errors_total" in requests.get(f"{base}/metrics", timeout=10).text
