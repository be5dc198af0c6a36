"""`make up` and its kin, as a newcomer meets them."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from stack import Stack, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home of a stand-in, which says what it was given: Grafana can't be had from the package registries the tests use."""
    home = tmp_path_factory.mktemp("grafana")
    for name in ("bin", "conf"):
        (home / name).mkdir()
    (home / "conf" / "defaults.ini").touch()
    program = home / "bin" / "grafana"
    program.write_text(GRAFANA_STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    return home


@pytest.fixture(scope="module")
def own(grafana: Path) -> Iterator[Stack]:
    """A stack with Grafana on the path and GitHub out of reach."""
    grafana_port, nobody = map(str, free_ports(2))
    path = f"{grafana / 'bin'}{os.pathsep}{os.environ['PATH']}"
    github = f"http://127.0.0.1:{nobody}"
    with Stack(FEED="github", GITHUB_API_URL=github, PATH=path, GRAFANA_PORT=grafana_port) as chosen:
        yield chosen


@pytest.fixture(scope="module")
def said(own: Stack) -> str:
    """What the stack's first `make up` said."""
    done = own.make("up")
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def up(own: Stack, said: str) -> Stack:
    """The stack after its first `make up`."""
    assert said
    return own


@pytest.fixture
def idle() -> Iterator[Stack]:
    """A stack that has not been started."""
    with Stack() as chosen:
        yield chosen


def test_unreachable_github_is_said_and_the_simulator_takes_over(said: str) -> None:
    assert "can't be reached" in said
    assert "✓ simulator" in said


def test_grafana_joins_when_it_is_on_the_path(up: Stack, said: str, grafana: Path) -> None:
    assert "✓ grafana" in said
    given = requests.get(f"http://127.0.0.1:{up.environment['GRAFANA_PORT']}/api/health", timeout=5).json()
    assert given["arguments"] == ["server", "--homepath", str(grafana)]
    assert Path(given["provisioning"], "datasources", "questdb.yaml").exists()
    assert Path(given["dashboards"], "github_events.json").exists()


def test_second_up_does_nothing(up: Stack) -> None:
    before = [process.pid for process in up.supervisor.processes()]
    up.up()
    assert [process.pid for process in up.supervisor.processes()] == before


def test_status_says_that_all_is_well(up: Stack) -> None:
    done = up.make("status")
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout


def test_status_names_the_part_that_does_not_run(up: Stack) -> None:
    up.supervisor.stop_program("simulator")
    done = up.make("status")
    up.supervisor.start_program("simulator")
    assert done.returncode != 0
    assert "✗ simulator" in done.stdout


def test_kafka_tools_work_without_docker(up: Stack) -> None:
    assert "github_events\n" in up.make("kafka-topics").stdout
    assert up.make("consume", ARGS="--from-beginning --max-messages 1").stdout.count('{"id":"') == 1


def test_down_leaves_no_process_and_up_finds_the_data_again(up: Stack) -> None:
    pids = [process.pid for process in up.supervisor.processes()]
    assert all(map(psutil.pid_exists, pids))
    assert up.make("clean", YES="1").returncode != 0, "clean must not pull the data from under a running stack"
    assert up.make("down").returncode == 0
    left = [
        p.pid for p in psutil.process_iter(["environ"]) if (p.info["environ"] or {}).get("STATE_DIR") == str(up.state)
    ]
    assert left == []
    up.up()
    assert up.count("github_events") > 0


def test_clean_asks_before_it_removes_anything(idle: Stack) -> None:
    (idle.state / "data").mkdir()
    assert idle.make("clean").returncode != 0
    assert (idle.state / "data").exists()
    assert idle.make("clean", YES="1").returncode == 0
    assert not (idle.state / "data").exists()


def test_port_in_use_is_said_before_anything_starts(idle: Stack) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(idle.environment["CONNECT_PORT"])))
        other.listen()
        done = idle.make("up")
    assert done.returncode != 0
    assert f"port {idle.environment['CONNECT_PORT']} is in use: choose another by CONNECT_PORT=" in done.stdout
    assert not idle.supervisor.running()


def test_too_little_memory_is_said_before_anything_starts(idle: Stack) -> None:
    done = idle.make("up", QUESTDB_HEAP="900g")
    assert done.returncode != 0
    assert "lower BROKER_HEAP, CONNECT_HEAP, QUESTDB_HEAP" in done.stdout
    assert not idle.supervisor.running()


def test_missing_jdk_is_said_before_anything_starts(idle: Stack) -> None:
    done = idle.make("up", JAVA_HOME="/nowhere")
    assert done.returncode != 0
    assert "java is not in JAVA_HOME=/nowhere: install a JDK 17 or newer" in done.stdout


def test_default_passwords_are_refused_on_other_addresses(idle: Stack) -> None:
    done = idle.make("up", BIND_ADDRESS="0.0.0.0")  # noqa: S104 - must be refused
    assert done.returncode != 0
    assert "set QUESTDB_HTTP_USER, QUESTDB_PASSWORD, QUESTDB_READONLY_PASSWORD" in done.stdout
    assert not idle.supervisor.running()


GRAFANA_STAND_IN = f"""#!{sys.executable}
import http.server, json, os, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        given = {{"provisioning": os.environ["GF_PATHS_PROVISIONING"], "dashboards": os.environ["DASHBOARDS"]}}
        self.wfile.write(json.dumps({{**given, "arguments": sys.argv[1:]}}).encode())

http.server.HTTPServer((os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"])), Health).serve_forever()
"""


def test_help_lists_the_targets(idle: Stack) -> None:
    for target in ("up", "down", "status", "logs", "clean", "test"):
        assert f"make {target} " in idle.make("help").stdout
