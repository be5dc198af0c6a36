"""What only a real run shows: `docker compose up` as users type it, on a Docker engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests
from containers import docker

if TYPE_CHECKING:
    from containers import Containers

TOTAL_MEMORY = 3 * 2**30


def test_every_service_became_healthy_and_its_time_was_noted(containers: Containers) -> None:
    assert set(containers.times) == set(containers.parts)


def test_ports_are_open_to_this_machine_only(containers: Containers) -> None:
    for name in containers.parts:
        published = containers.inspect(name)["NetworkSettings"]["Ports"]
        addresses = {binding["HostIp"] for bindings in published.values() for binding in bindings or []}
        assert addresses <= {"127.0.0.1"}, name


def test_processes_have_no_rights_they_do_not_need(containers: Containers) -> None:
    look = (
        "for p in /proc/[0-9]*; do grep -q . $p/cmdline && grep -HE '^(Uid|CapEff|NoNewPrivs):' $p/status; done; true"
    )
    for name in containers.parts:
        lines = docker("exec", "--user", "65534", containers.container(name), "sh", "-c", look)
        facts = re.findall(r"/proc/(\d+)/status:(\w+):\s+(\w+)", lines)
        assert {value for _, fact, value in facts if fact == "NoNewPrivs"} == {"1"}, lines
        # QuestDB's init stays root to become its user; what listens never is.
        workers = [(fact, value) for pid, fact, value in facts if pid != "1"]
        assert ("Uid", "0") not in workers, lines
        assert {value for fact, value in workers if fact == "CapEff"} == {"0" * 16}, lines


@pytest.mark.parametrize("tool", ["kafka-topics --list", "kafka-consumer-groups --list"])
def test_kafka_tools_work_as_users_type_them(tool: str) -> None:
    listed = docker("exec", "rta_kafka_broker", *tool.split(), "--bootstrap-server", "localhost:9092")
    assert "github_events" in listed


def test_console_consumer_shows_events() -> None:
    command = "kafka-console-consumer --bootstrap-server localhost:9092 --topic github_events --max-messages 1"
    assert '"created_at"' in docker("exec", "rta_kafka_broker", *command.split(), "--from-beginning")


def test_grafana_or_its_stand_in_found_what_is_mounted(containers: Containers) -> None:
    url = "http://127.0.0.1:3000"
    health = requests.get(f"{url}/api/health", timeout=10).json()
    assert health["database"] == "ok"
    if health["version"] == "stub":  # where images can't be pulled: no Grafana, only a check of its files and settings
        return
    login = (containers.settings.chosen["GRAFANA_USER"], containers.settings.chosen["GRAFANA_PASSWORD"])
    found = requests.get(f"{url}/api/dashboards/uid/github-events-questdb", auth=login, timeout=10)
    assert found.json()["meta"]["slug"] == "github-events-dashboard"


def test_open_address_is_refused_with_default_passwords(containers: Containers) -> None:
    refused = containers.compose("run", "--rm", "preflight", check=False, BIND_ADDRESS="0.0.0.0")  # noqa: S104 - not bound
    assert refused.returncode != 0
    assert "QUESTDB_PASSWORD" in refused.stdout
    assert "values of your own" in refused.stdout


def test_memory_stays_under_the_limits(containers: Containers) -> None:
    used = {name: containers.memory(name) for name in containers.parts}
    limits = {name: int(containers.services[name]["mem_limit"]) for name in used}
    assert sum(used.values()) < TOTAL_MEMORY, used
    assert {name: size for name, size in used.items() if size > 0.9 * limits[name]} == {}


@pytest.mark.parametrize("name", ["grafana", "jupyter-notebook", "telegraf"])
def test_killed_container_comes_back_healthy(containers: Containers, name: str) -> None:
    containers.killed_and_back(name)
    containers.healthy(name)


def test_data_outlives_containers_until_its_volumes_are_removed(containers: Containers) -> None:
    before = containers.stored()
    assert before
    for command in ("restart", "stop", "start", "down"):
        containers.compose(command)
    containers.up()
    assert before <= containers.stored()
    volumes = ["volume", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={containers.project}"]
    assert docker(*volumes)
    containers.remove()
    assert docker(*volumes) == ""
