"""A QuestDB elsewhere, behind TLS with an authority of its own: none is started, and all parts use that one."""

from __future__ import annotations

import base64
import json
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
import requests
import tls_gate
from questdb_server import running
from stack import Stack
from tls_gate import Authority
from waiting import until

from operations.local.environment import render
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from questdb_server import Server

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(600)]
USER, PASSWORD, TOKEN = "somebody", "pä;ss", "tok;en"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LOGINS = {
    "password": {"QUESTDB_HTTP_USER": USER, "QUESTDB_HTTP_PASSWORD": PASSWORD},
    "token": {"QUESTDB_HTTP_USER": "", "QUESTDB_HTTP_TOKEN": TOKEN},
}
# Reads as the read-only user, asks as administrator, and writes, as notebooks do.
NOTEBOOK = """
import stack
from questdb import Sender, TimestampMicros
assert stack.query("SELECT count() AS events FROM github_events").events[0] > 0
assert stack.execute("SELECT 1") == [[1]]
with Sender.from_conf(stack.questdb_client()) as sender:
    sender.row("iot_data", symbols={"device_id": "notebook"}, columns={"speed": 7}, at=TimestampMicros(1_800_000_000_000_000))
"""


@dataclass(frozen=True)
class Elsewhere:
    """The QuestDB behind its gates, and the settings by which it is reached without its login."""

    server: Server
    environment: dict[str, str]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    """It runs while all tests of this file do."""
    folder = tmp_path_factory.mktemp("elsewhere")
    authority = Authority(folder)
    with ExitStack() as open_now:
        server = open_now.enter_context(running(folder / "questdb", schema=False))
        http = open_now.enter_context(tls_gate.rest(server.url, authority, {BASIC, f"Bearer {TOKEN}"}))
        pg = open_now.enter_context(tls_gate.postgres(server.pg, authority))
        environment = {
            "QUESTDB_URL": f"https://127.0.0.1:{http}",
            "QUESTDB_CA": str(authority.file),
            "QUESTDB_PG_HOST": "127.0.0.1",
            "QUESTDB_EXTERNAL_PG_PORT": str(pg),
            "QUESTDB_PG_SSLMODE": "verify-full",
            "QUESTDB_HEALTH_URL": f"http://127.0.0.1:{server.health}",
        }
        yield Elsewhere(server, environment)


@pytest.fixture(scope="module", params=LOGINS)
def stack(request: pytest.FixtureRequest, elsewhere: Elsewhere) -> Iterator[Stack]:
    """A stack that uses it, by user and password or by a token."""
    # What the stack before has told of its parts would be taken for news of this one's.
    for (table,) in map(
        dict.values, elsewhere.server.sql("SELECT table_name FROM tables() WHERE table_name LIKE 'stack_%'")
    ):
        elsewhere.server.sql(f"TRUNCATE TABLE {table}")
    with Stack(ROOT, MONITORING_INTERVAL="2", **elsewhere.environment, **LOGINS[request.param]) as started:
        yield started.up()


def rows(elsewhere: Elsewhere, table: str) -> int:
    count: int = elsewhere.server.sql(f"SELECT count() AS count FROM {table}")[0]["count"]
    return count


def test_events_are_stored_there_and_no_other_questdb_runs(stack: Stack, elsewhere: Elsewhere) -> None:
    assert "questdb" not in stack.parts
    before = rows(elsewhere, "github_events")
    until(lambda: rows(elsewhere, "github_events") > before, "new events", 120, lambda: stack.log("kafka-connect"))


def test_commands_look_there(stack: Stack) -> None:
    status = stack.make("status")
    assert status.returncode == 0, status.stdout
    assert f"✓ questdb         at {stack.settings.questdb_http_url}" in status.stdout

    def well(target: str) -> bool:
        return stack.make(target).returncode == 0

    for target in ("doctor", "check"):
        until(partial(well, target), target, 120, lambda target=target: stack.make(target).stdout)  # type: ignore[misc]


def test_dashboards_read_there(stack: Stack) -> None:
    url = f"http://{stack.settings.host}:{stack.settings.ports.grafana}/api/boards/github-events-questdb"
    board = requests.get(url, timeout=30).json()
    panel = next(each for each in board["panels"] if each["title"] == "Events")
    answer = requests.get(f"{url}/panels/{panel['id']}?from=now-1h&to=now", timeout=30)
    assert answer.ok, answer.text
    assert "can't be reached" not in json.dumps(answer.json(), ensure_ascii=False)


def test_notebooks_use_it(stack: Stack, elsewhere: Elsewhere, notebooks_python: Path) -> None:
    command = [str(notebooks_python), "-c", NOTEBOOK]
    done = subprocess.run(
        command, cwd=ROOT / "notebooks", env=render(stack.settings), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    until(lambda: rows(elsewhere, "iot_data") > 0, "the notebook's row", 30)


@pytest.mark.usefixtures("telegraf")
def test_telegraf_writes_there(stack: Stack, elsewhere: Elsewhere) -> None:
    before = rows(elsewhere, "stack_topics")
    until(lambda: rows(elsewhere, "stack_topics") > before, "rows of Telegraf", 60, lambda: stack.log("telegraf"))


def test_a_backup_is_left_to_where_it_runs(stack: Stack) -> None:
    done = stack.make("backup")
    assert done.returncode != 0
    assert "back it up, and restore it, where it runs" in done.stdout


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"QUESTDB_CA": ""}, "its certificate is of no authority that is trusted"),
        ({"QUESTDB_CA": "/no/where.pem"}, "QUESTDB_CA=/no/where.pem is no file"),
        ({"QUESTDB_HTTP_PASSWORD": "wrong"}, "set its login, QUESTDB_HTTP_USER and QUESTDB_HTTP_PASSWORD"),
        ({"QUESTDB_HTTP_TOKEN": TOKEN}, "QUESTDB_HTTP_TOKEN and QUESTDB_HTTP_USER are both set"),
        ({"QUESTDB_URL": "https://127.0.0.1:1"}, "see that it runs, and that this machine reaches it"),
        ({"QUESTDB_URL": "db.example.com"}, "QUESTDB_URL=db.example.com is not an address with its port"),
        ({"QUESTDB_PG_HOST": ""}, "QUESTDB_PG_HOST= is not the host of the PostgreSQL interface"),
        ({"QUESTDB_PG_SSLMODE": "prefer"}, "QUESTDB_PG_SSLMODE=prefer is not verify-full or disable"),
    ],
)
def test_what_does_not_work_is_said_before_anything_starts(
    elsewhere: Elsewhere, wrong: dict[str, str], sentence: str
) -> None:
    with Stack(ROOT, **elsewhere.environment | LOGINS["password"] | wrong) as idle:
        done = idle.make("up")
        assert done.returncode != 0
        assert sentence in done.stdout
        assert PASSWORD not in done.stdout
        assert not (idle.state / "run" / "supervisord.pid").exists()
