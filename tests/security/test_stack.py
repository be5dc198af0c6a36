"""The stack of `make up` with SECURITY=on: who is let in, and that our own tools are."""

from __future__ import annotations

import json
import os
import socket
import subprocess

import psutil
import psycopg
import pytest
import requests
from stack import Stack
from waiting import until

from operations.local import passwords
from operations.local.settings import ROOT

COMMANDS = {
    "status": ("", "✓ kafka-connect"),
    "lag": ("", "github_events"),
    "kafka-topics": ("", "github_events_dlq"),
    "kafka-consumer-groups": ("", "connect-github_events"),
    "consume": ("--from-beginning --max-messages 1", '"created_at"'),
    "dead-letters": ("", "iot_data_dlq"),
    "doctor": ("", "connectors run"),
}


def test_every_event_shown_is_stored_once(stack: Stack) -> None:
    stack.nothing_lost_nothing_double()


FEW = ("status", "lag")


@pytest.mark.parametrize(
    "command", [pytest.param(each, marks=() if each in FEW else pytest.mark.thorough) for each in COMMANDS]
)
def test_our_commands_log_in(stack: Stack, command: str) -> None:
    arguments, expected = COMMANDS[command]
    topic = "github_events" if command == "consume" else "iot_data_dlq"
    done = stack.make(command, ARGS=arguments, TOPIC=topic)
    assert done.returncode == 0, done.stdout
    assert expected in done.stdout


@pytest.mark.thorough
def test_produce_logs_in(stack: Stack) -> None:
    reading = {"timestamp": "2026-01-01T00:00:00.000Z", "device_id": "secured", "device_type": "van", "speed": 30}
    command = ["make", "--no-print-directory", "produce", "TOPIC=iot_data"]
    environment = os.environ | stack.environment
    done = subprocess.run(command, cwd=ROOT, env=environment, input=json.dumps(reading), text=True, check=False)
    assert done.returncode == 0
    until(lambda: stack.sql("SELECT count() FROM iot_data WHERE device_id = 'secured'") == [[1]], "the reading", 60)


@pytest.mark.thorough
def test_replay_and_skip_log_in(stack: Stack) -> None:
    for command, where in (("replay", {"FROM": "beginning"}), ("skip", {"TO": "end"})):
        done = stack.make(command, CONNECTOR="github_polls", YES="1", **where)
        assert done.returncode == 0, done.stdout
    stack.healthy("kafka-connect")


@pytest.mark.parametrize("login", [None, ("admin", "quest"), ("admin", "guessed"), ("", "")])
def test_connect_asks_for_a_login(stack: Stack, login: tuple[str, str] | None) -> None:
    url = stack.settings.connect_url
    assert requests.get(f"{url}/connectors", auth=stack.settings.connect_login, timeout=30).ok
    assert requests.get(f"{url}/connectors", auth=login, timeout=30).status_code == requests.codes.unauthorized
    config = {"connector.class": "org.apache.kafka.connect.tools.MockSinkConnector", "topics": "iot_data"}
    made = requests.put(f"{url}/connectors/stranger/config", json=config, auth=login, timeout=30)
    assert made.status_code == requests.codes.unauthorized


@pytest.mark.parametrize("login", [None, ("admin", "quest")])
def test_questdb_asks_for_a_login(stack: Stack, login: tuple[str, str] | None) -> None:
    url = f"{stack.settings.questdb_http_url}/exec?query=SELECT%201"
    assert requests.get(url, auth=stack.settings.questdb_login, timeout=30).ok
    assert requests.get(url, auth=login, timeout=30).status_code == requests.codes.unauthorized
    where = f"host={stack.settings.host} port={stack.settings.ports.questdb_pg} dbname=qdb"
    for user in ("admin", "user"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(where, user=user, password="quest")  # noqa: S106 - the published one


@pytest.mark.parametrize("port", ["questdb_ilp", "broker_jmx"])
def test_nothing_listens_that_has_no_login(stack: Stack, port: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", getattr(stack.settings.ports, port)), timeout=10)


def test_no_secret_is_shown(stack: Stack) -> None:
    settings = stack.settings
    secrets = {settings.chosen[name] for name in (*passwords.NAMES, *passwords.SECURED)}
    secrets.add(settings.chosen["KAFKA_TLS_KEY"].split(" ")[-5])  # of its Base64
    shown = {
        "make status": stack.make("status").stdout,
        "Connect": json.dumps(
            requests.get(
                f"{settings.connect_url}/connectors?expand=info", auth=settings.connect_login, timeout=30
            ).json()
        ),
        "command lines": "\n".join(" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])),
        **{path.name: path.read_text(encoding="utf-8", errors="replace") for path in settings.logs.iterdir()},
        "supervisord.conf": settings.supervisor_configuration.read_text(encoding="utf-8"),
    }
    assert {where for where, text in shown.items() for secret in secrets if secret in text} == set()


@pytest.mark.thorough
def test_a_restore_says_what_to_do() -> None:
    with Stack(ROOT, SECURITY="on", **passwords.made([])) as idle:
        done = idle.make("restore", FILE="none.tar.gz")
        assert done.returncode != 0
        assert "add SECURITY=off" in done.stdout
