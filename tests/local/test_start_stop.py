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


@pytest.fixture
def idle() -> Iterator[Stack]:
    """A stack that has not been started."""
    with Stack() as chosen:
        yield chosen


def test_second_up_does_nothing(stack: Stack) -> None:
    before = [process.pid for process in stack.supervisor.processes()]
    stack.up()
    assert [process.pid for process in stack.supervisor.processes()] == before


def test_status_says_that_all_is_well(stack: Stack) -> None:
    done = stack.make("status")
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout


def test_status_names_the_part_that_does_not_run(stack: Stack) -> None:
    stack.supervisor.stop_program("simulator")
    done = stack.make("status")
    stack.supervisor.start_program("simulator")
    assert done.returncode != 0
    assert "✗ simulator" in done.stdout


def test_kafka_tools_work_without_docker(stack: Stack) -> None:
    assert "github_events\n" in stack.make("kafka-topics").stdout
    assert stack.make("consume", ARGS="--from-beginning --max-messages 1").stdout.count('{"id":"') == 1


def test_down_leaves_no_process_and_up_finds_the_data_again(idle: Stack) -> None:
    idle.up()
    pids = [process.pid for process in idle.supervisor.processes()]
    assert all(map(psutil.pid_exists, pids))
    assert idle.make("clean", YES="1").returncode != 0, "clean must not pull the data from under a running stack"
    assert idle.make("down").returncode == 0
    left = [
        p.pid for p in psutil.process_iter(["environ"]) if (p.info["environ"] or {}).get("STATE_DIR") == str(idle.state)
    ]
    assert left == []
    idle.up()
    assert idle.count("github_events") > 0
    assert idle.make("down").returncode == 0


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


def test_unreachable_github_is_said_and_the_simulator_takes_over(idle: Stack) -> None:
    (port,) = [idle.environment["SIMULATOR_PORT"]]
    done = idle.make("up", FEED="github", GITHUB_API_URL=f"http://127.0.0.1:{port}")
    assert done.returncode == 0, done.stdout
    assert "can't be reached" in done.stdout
    assert "✓ simulator" in done.stdout
    status = idle.make("status", FEED="github")
    assert status.returncode == 0, status.stdout


def test_grafana_joins_when_it_is_on_the_path(idle: Stack, tmp_path: Path) -> None:
    """Grafana itself can't be had from the package registries the tests use: a stand-in says what it was given."""
    stand_in = tmp_path / "bin" / "grafana"
    stand_in.parent.mkdir()
    stand_in.write_text(GRAFANA_STAND_IN, encoding="utf-8")
    stand_in.chmod(0o755)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "defaults.ini").touch()
    port = str(free_ports(1)[0])
    path = f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"
    done = idle.make("up", PATH=path, GRAFANA_PORT=port)
    assert done.returncode == 0, done.stdout
    assert "✓ grafana" in done.stdout
    given = requests.get(f"http://127.0.0.1:{port}/api/health", timeout=5).json()
    assert given["arguments"] == ["server", "--homepath", str(tmp_path)]
    assert Path(given["provisioning"], "datasources", "questdb.yaml").exists()
    assert Path(given["dashboards"], "github_events.json").exists()


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
