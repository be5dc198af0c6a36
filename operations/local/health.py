"""What it means for each component to work: not that its port is open, but that it answers what it is there for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from operations.local.settings import loopback
from operations.reconciler import status

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 3.0  # seconds

Settings = dict[str, str]


def broker(settings: Settings) -> str | None:
    """Return why the broker can't be used, or None."""
    admin = AdminClient({"bootstrap.servers": settings["KAFKA_BOOTSTRAP_SERVERS"], "log_level": 0})
    try:
        admin.list_topics(timeout=TIMEOUT)
    except KafkaException as error:
        return str(error.args[0].str())
    return None


def questdb(settings: Settings) -> str | None:
    """Return why QuestDB can't be used, or None."""
    user = settings["QUESTDB_HTTP_USER"]
    auth = (user, settings["QUESTDB_HTTP_PASSWORD"]) if user else None
    return _get(settings["QUESTDB_HTTP_URL"] + "/exec?query=SELECT%201", auth)


def connect(settings: Settings) -> str | None:
    """Return why Kafka Connect can't be used, or None."""
    return _get(settings["CONNECT_URL"] + "/connectors")


def simulator(settings: Settings) -> str | None:
    """Return why the simulated feed can't be used, or None."""
    return _get(settings["GITHUB_API_URL"] + "/healthz")


def reconciler(settings: Settings) -> str | None:
    """Return what is not as the files say, or None if the reconciler found a moment ago that all is."""
    return "; ".join(status.sentences(Path(settings["RECONCILER_STATUS_FILE"]))) or None


def grafana(settings: Settings) -> str | None:
    """Return why Grafana can't be used, or None."""
    host = loopback(settings["BIND_ADDRESS"])
    return _get(f"http://{host}:{settings['GRAFANA_PORT']}/api/health")


def jupyter(settings: Settings) -> str | None:
    """Return why Jupyter can't be used, or None when it lists the notebooks to whoever knows the token."""
    host = loopback(settings["BIND_ADDRESS"])
    token = {"Authorization": f"token {settings['JUPYTER_TOKEN']}"}
    return _get(f"http://{host}:{settings['JUPYTER_PORT']}/api/contents?content=0", headers=token)


def telegraf(settings: Settings) -> str | None:
    """Return why Telegraf does not work, or None when it could write what it gathered."""
    return _get(settings["TELEGRAF_ADDRESS"])


def poller(settings: Settings) -> str | None:
    """Return why the poller can't be trusted to be at work, or None when it has just reached both ends.

    Its heartbeat holds until when it counts as healthy: how long it may wait is for GitHub to say.
    """
    try:
        overdue = time.time() - float(Path(settings["HEARTBEAT_FILE"]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "has not sent anything yet"
    return None if overdue < 0 else f"should have sent something {overdue:.0f} s ago"


def _get(url: str, auth: tuple[str, str] | None = None, headers: dict[str, str] | None = None) -> str | None:
    try:
        answer = requests.get(url, auth=auth, headers=headers, timeout=TIMEOUT)
    except requests.RequestException as error:
        return type(error).__name__
    return None if answer.ok else f"HTTP {answer.status_code}"


# By the names of operations/local/supervisord.conf; a program without an entry is well when it runs.
CHECKS: dict[str, Callable[[Settings], str | None]] = {
    "broker": broker,
    "questdb": questdb,
    "kafka-connect": connect,
    "reconciler": reconciler,
    "simulator": simulator,
    "github-events": poller,
    "grafana": grafana,
    "jupyter": jupyter,
    "telegraf": telegraf,
}


def problem(name: str, settings: Settings) -> str | None:
    """Return why component `name` does not work, or None."""
    check = CHECKS.get(name)
    return check(settings) if check else None
