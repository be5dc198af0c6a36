"""One pass: topics, then tables, then connectors; each part waits for nobody and reports in sentences."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from reconciler import connectors, tables, topics
from reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
TOPICS = ROOT / "kafka" / "topics"
SCHEMA = ROOT / "questdb" / "schema"
CONNECTORS = ROOT / "kafka-connect-plugins" / "connectors"

LOOK_AGAIN = 30.0  # seconds after which topics and tables are compared again though their files are the same


class Part:
    """Applies the files of one folder when they change, when it failed last time, or when it is time to look again."""

    def __init__(self, folder: Path, apply: Callable[[], None]) -> None:
        """Call `apply` for the files of `folder`."""
        self._folder = folder
        self._apply = apply
        self._applied = ""
        self._due = 0.0

    def once(self) -> list[str]:
        """Apply if there is reason to; return a sentence for each problem."""
        digest = self._digest()
        if digest == self._applied and time.monotonic() < self._due:
            return []
        try:
            self._apply()
        except (Problem, KafkaException, requests.RequestException) as error:
            self._applied = ""
            return [_sentence(self._folder.name, error)]
        self._applied = digest
        self._due = time.monotonic() + LOOK_AGAIN
        return []

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self._folder.iterdir()):
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()


class Passes:
    """All that is kept: topics, tables, connectors."""

    def __init__(self, settings: dict[str, str]) -> None:
        """Reach the parts of the stack as `settings` (see `reconciler.__main__`) say."""
        session = requests.Session()
        self._admin = AdminClient(
            {"bootstrap.servers": settings["KAFKA_BOOTSTRAP_SERVERS"], "log_level": 0, "socket.timeout.ms": 10_000}
        )
        self._database = tables.QuestDb(
            session,
            settings["QUESTDB_HTTP_URL"],
            settings["QUESTDB_HTTP_USER"],
            settings["QUESTDB_HTTP_PASSWORD"],
        )
        self._connect = connectors.Connect(session, settings["CONNECT_URL"])
        self._watch = connectors.Watch()
        self._topics = Part(TOPICS, lambda: topics.apply(self._admin, topics.read(TOPICS)))
        self._tables = Part(SCHEMA, lambda: tables.apply(self._database, tables.read(SCHEMA)))
        self._connectors = Part(CONNECTORS, self._apply_connectors)

    def once(self) -> list[str]:
        """Make one pass; return a sentence for each thing that is not as the files say."""
        problems = self._topics.once() + self._tables.once()
        # No connector before its topic and table, or its first rows would find neither.
        return problems or self._connectors.once() or self._watched()

    def _apply_connectors(self) -> None:
        connectors.apply(self._connect, connectors.read(CONNECTORS))

    def _watched(self) -> list[str]:
        try:
            return self._watch.check(self._connect, connectors.read(CONNECTORS))
        except (Problem, requests.RequestException) as error:
            return [_sentence("Connect", error)]


def _sentence(what: str, error: Exception) -> str:
    """Return `error` in one line; what does not answer is named, not traced."""
    if isinstance(error, requests.RequestException):
        url = error.request.url if error.request is not None else ""
        return f"{what}: no answer from {str(url).partition('?')[0]} ({type(error).__name__})"
    if isinstance(error, KafkaException):
        return f"{what}: no answer from Kafka ({error.args[0].str()})"
    return f"{what}: {error}"
