"""`make up` and its kin, as a newcomer meets them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import psutil
import pytest
from stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def idle() -> Iterator[Stack]:
    """A stack that has not been started."""
    chosen = Stack()
    yield chosen
    chosen.remove()


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
    assert "set QUESTDB_PASSWORD, QUESTDB_READONLY_PASSWORD" in done.stdout
    assert not idle.supervisor.running()


def test_unreachable_github_is_said_and_the_simulator_takes_over(idle: Stack) -> None:
    (port,) = [idle.environment["SIMULATOR_PORT"]]
    done = idle.make("up", FEED="github", GITHUB_API_URL=f"http://127.0.0.1:{port}")
    assert done.returncode == 0, done.stdout
    assert "can't be reached" in done.stdout
    assert "✓ simulator" in done.stdout
    status = idle.make("status", FEED="github")
    assert status.returncode == 0, status.stdout


def test_help_lists_the_targets(idle: Stack) -> None:
    for target in ("up", "down", "status", "logs", "clean", "test"):
        assert f"make {target} " in idle.make("help").stdout
