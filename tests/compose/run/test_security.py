"""`docker compose up` with SECURITY=on: all parts work, each with its own login, and nobody comes in without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest
import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from containers import Containers, docker
from waiting import until

from operations.local import passwords
from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.thorough

SECRETS = passwords.made([])
TOPICS = """
import stack
from confluent_kafka.admin import AdminClient
print(*AdminClient(stack.CLIENT).list_topics(timeout=10).topics)
"""


@pytest.fixture(scope="module")
def secured(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """The running project."""
    assert images
    settings = {"SECURITY": "on", "STATE_DIR": str(tmp_path_factory.mktemp("secured")), **SECRETS}
    with Containers(root=ROOT, **settings) as started:
        passwords.write_authority(started.settings.tls, SECRETS["KAFKA_CA_CERTIFICATE"])
        started.build()
        started.up()
        yield started


def test_events_are_stored(secured: Containers) -> None:
    secured.nothing_lost_nothing_double()


@pytest.mark.parametrize("tool", ["kafka-topics --list", "kafka-consumer-groups --list"])
@pytest.mark.usefixtures("secured")
def test_kafka_tools_log_in(tool: str) -> None:
    listed = docker("exec", "rta_kafka_broker", *tool.split(), "--bootstrap-server", "localhost:9092")
    assert "github_events" in listed


def test_programs_outside_need_login_and_certificate(secured: Containers) -> None:
    right = secured.settings.kafka
    assert "github_events" in AdminClient(right).list_topics(timeout=10).topics
    for wrong in ({"sasl.password": "guessed"}, {"security.protocol": "PLAINTEXT"}):
        with pytest.raises(KafkaException):
            AdminClient({**right, **wrong, "log_level": 0}).list_topics(timeout=5)


def test_notebooks_log_in(secured: Containers) -> None:
    found = docker("exec", secured.container("jupyter-notebook"), "python", "-c", TOPICS)
    assert "github_events" in found.split()


def test_connect_and_questdb_ask_for_a_login(secured: Containers) -> None:
    settings = secured.settings
    for url, login in (
        (f"{settings.connect_url}/connectors", settings.connect_login),
        (f"{settings.questdb_http_url}/exec?query=SELECT%201", settings.questdb_login),
    ):
        assert requests.get(url, auth=login, timeout=30).ok
        for wrong in (None, ("admin", "quest")):
            assert requests.get(url, auth=wrong, timeout=30).status_code == requests.codes.unauthorized


@pytest.mark.parametrize("port", ["questdb_ilp", "broker_jmx"])
def test_what_has_no_login_answers_nobody(secured: Containers, port: str) -> None:
    look = f"grep -q :{getattr(secured.settings.ports, port):04X} /proc/net/tcp /proc/net/tcp6"
    name = port.partition("_")[0]
    assert (
        docker("exec", secured.container(name), "sh", "-c", f"{look} || echo closed", check=False).strip() == "closed"
    )


def test_monitoring_sees_the_sinks(secured: Containers) -> None:
    def groups() -> int:
        return int(secured.sql("SELECT count() FROM stack_groups WHERE consumer_group = 'connect-github_events'")[0][0])

    until(lambda: groups() > 0, "what telegraf gathers", 60, lambda: secured.log("telegraf"))


def test_no_secret_is_shown(secured: Containers) -> None:
    hidden = [SECRETS[name] for name in (*passwords.NAMES, *passwords.SECURED)]
    hidden.append(SECRETS["KAFKA_TLS_KEY"].split(" ")[-5])  # of its Base64
    shown = {
        "command lines": "\n".join(" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])),
        **{name: docker("logs", secured.container(name), check=False) for name in secured.parts},
    }
    assert {where for where, text in shown.items() for secret in hidden if secret in text} == set()


def test_without_secrets_nothing_starts(secured: Containers) -> None:
    refused = secured.compose("run", "--rm", "preflight", check=False, KAFKA_TOOLS_PASSWORD="")
    assert refused.returncode != 0
    assert "KAFKA_TOOLS_PASSWORD" in refused.stdout
