"""What it means for each component to work: not that its port is open, but that it answers what it is there for."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from operations.local.settings import THIS_MACHINE
from operations.reconciler import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests.auth import AuthBase

    from operations.local.settings import Settings

TIMEOUT = 3.0  # seconds
CONNECTOR = re.compile(r'connector="?([^",]+)')  # in the name of an MBean


def broker(settings: Settings) -> str | None:
    """Return why the broker can't be used, or None."""
    admin = AdminClient({**settings.kafka, "log_level": 0})
    try:
        admin.list_topics(timeout=TIMEOUT)
    except KafkaException as error:
        return str(error.args[0].str())
    return None


def questdb(settings: Settings) -> str | None:
    """Return why QuestDB can't be used, or None."""
    access = settings.questdb
    return _get(access.url + "/exec?query=SELECT%201", access.auth, verify=access.verify)


def connect(settings: Settings) -> str | None:
    """Return why Kafka Connect can't be used, or which of its sinks can't store rows, or None."""
    return _get(settings.connect_url + "/connectors", settings.connect_login) or _outages(settings)


def _outages(settings: Settings) -> str | None:
    # Each task of the sink tells over JMX whether it can't store (docs/sink.md).
    jolokia = f"http://{THIS_MACHINE}:{settings.ports.connect_jolokia}/jolokia"
    url = f"{jolokia}/read/kafka.connect:type=plugins,connector=*,task=*/outage"
    try:
        tasks = requests.get(url, timeout=TIMEOUT).json().get("value") or {}
    except (requests.RequestException, ValueError) as error:
        return f"its metrics do not answer ({type(error).__name__})"
    ill = sorted({match[1] for name, values in tasks.items() if values["outage"] and (match := CONNECTOR.search(name))})
    return f"QuestDB takes no rows of {', '.join(ill)}: the log of kafka-connect says why" if ill else None


def schema_registry(settings: Settings) -> str | None:
    """Return why the schema registry can't be used, or None when it lists what is registered."""
    return _get(settings.schema_registry_url + "/apis/ccompat/v7/subjects")


def simulator(settings: Settings) -> str | None:
    """Return why the simulated feed can't be used, or None."""
    return _get(settings.github_api_url + "/healthz")


def reconciler(settings: Settings) -> str | None:
    """Return what is not as the files say, or None if the reconciler found a moment ago that all is."""
    return "; ".join(status.sentences(settings.reconciler_status_file)) or None


def dashboards(settings: Settings) -> str | None:
    """Return why Grafana, or the server in its place, can't be used, or None."""
    return _get(f"http://{settings.host}:{settings.ports.grafana}/api/health")


def jupyter(settings: Settings) -> str | None:
    """Return why Jupyter can't be used, or None when it lists the notebooks to whoever knows the token."""
    token = {"Authorization": f"token {settings.jupyter_token}"}
    return _get(f"http://{settings.host}:{settings.ports.jupyter}/api/contents?content=0", headers=token)


def telegraf(settings: Settings) -> str | None:
    """Return why Telegraf does not work, or None when it could write what it gathered."""
    return _get(settings.telegraf_address)


def poller(settings: Settings) -> str | None:
    """Return why the poller can't be trusted to be at work, or None when it has just reached both ends.

    Its heartbeat holds until when it counts as healthy: how long it may wait is for GitHub to say.
    """
    try:
        overdue = time.time() - float(settings.heartbeat_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "has not sent anything yet"
    return None if overdue < 0 else f"should have sent something {overdue:.0f} s ago"


def _get(
    url: str, auth: AuthBase | None = None, headers: dict[str, str] | None = None, *, verify: str | bool = True
) -> str | None:
    try:
        answer = requests.get(url, auth=auth, headers=headers, timeout=TIMEOUT, verify=verify)
    except requests.RequestException as error:
        return type(error).__name__
    return None if answer.ok else f"HTTP {answer.status_code}"


# By the names of operations/local/programs.py; a program without an entry is well when it runs.
CHECKS: dict[str, Callable[[Settings], str | None]] = {
    "broker": broker,
    "questdb": questdb,
    "kafka-connect": connect,
    "reconciler": reconciler,
    "schema-registry": schema_registry,
    "simulator": simulator,
    "github-events": poller,
    "grafana": dashboards,
    "dashboards": dashboards,
    "jupyter": jupyter,
    "telegraf": telegraf,
}


def problem(name: str, settings: Settings) -> str | None:
    """Return why component `name` does not work, or None."""
    check = CHECKS.get(name)
    return check(settings) if check else None
