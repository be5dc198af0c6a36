"""One pass: topics, then tables, then connectors; no part waits for another to start."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from operations.reconciler import connectors, repairs, tables, topics
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
TOPICS = ROOT / "kafka" / "topics"
SCHEMA = ROOT / "questdb" / "schema"
CONNECTORS = ROOT / "kafka-connect-plugins" / "connectors"

FAILURES = (Problem, KafkaException, requests.RequestException)
LOOK_AGAIN = 10.0  # seconds between two looks for something that has gone missing


class Part:
    """Applies the files of one folder when they change, when that failed last time, or when something has gone missing."""

    def __init__(self, folder: Path, apply: Callable[[], None], missing: Callable[[], object]) -> None:
        """Call `apply` for the files of `folder`, and again when `missing` returns anything."""
        self._folder = folder
        self._apply = apply
        self._missing = missing
        self._applied = ""
        self._due = 0.0

    def once(self) -> list[str]:
        """Apply if there is reason to; return a sentence for each problem."""
        try:
            self._apply_if_due(self._digest())
        except FAILURES as error:
            self._applied = ""
            return [_sentence(self._folder.name, error)]
        return []

    def _apply_if_due(self, digest: str) -> None:
        changed = digest != self._applied
        if not changed and time.monotonic() < self._due:
            return
        if changed or self._missing():
            self._apply()
        self._applied = digest
        self._due = time.monotonic() + LOOK_AGAIN

    def _digest(self) -> str:
        digest = hashlib.sha256()
        # Files only: in a mounted ConfigMap the folder that the files link to lies beside them.
        for path in sorted(path for path in self._folder.iterdir() if path.is_file()):
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()


def admin_client(settings: dict[str, str]) -> AdminClient:
    """Return a client of the broker that `settings` name; it connects when it is used, and may be used by several threads."""
    return AdminClient(
        {"bootstrap.servers": settings["KAFKA_BOOTSTRAP_SERVERS"], "log_level": 0, "socket.timeout.ms": 10_000}
    )


class Passes:
    """All that is kept: topics, tables, connectors."""

    def __init__(self, settings: dict[str, str], admin: AdminClient) -> None:
        """Reach the parts of the stack as `settings` (see `operations.reconciler.__main__`) say."""
        session = requests.Session()
        self._admin = admin
        self._database = tables.QuestDb(
            session,
            settings["QUESTDB_HTTP_URL"],
            settings["QUESTDB_HTTP_USER"],
            settings["QUESTDB_HTTP_PASSWORD"],
        )
        self._connect = connectors.Connect(session, settings["CONNECT_URL"])
        self._connector_watch = connectors.Watch()
        self._database_watch = repairs.Watch()
        self._problems = 0
        self._topics = Part(
            TOPICS,
            apply=lambda: topics.apply(self._admin, topics.read(TOPICS)),
            missing=lambda: topics.missing(self._admin, topics.read(TOPICS)),
        )
        self._tables = Part(
            SCHEMA,
            apply=lambda: tables.apply(self._database, tables.read(SCHEMA)),
            missing=lambda: tables.missing(self._database, tables.read(SCHEMA)),
        )
        self._connectors = Part(
            CONNECTORS,
            apply=lambda: connectors.apply(self._connect, connectors.read(CONNECTORS)),
            missing=lambda: connectors.missing(self._connect, connectors.read(CONNECTORS)),
        )

    def once(self) -> list[str]:
        """Make one pass; return a sentence for each thing that is not as the files say."""
        problems = self._topics.once() + self._tables.once()
        # No connector before its topic and table, or its first rows would find neither.
        if not problems:
            problems = self._connectors.once()
        problems += self._watched()
        self._problems = len(problems)
        return problems

    def state(self) -> str:
        """Return what the last pass found, as a row of the table stack_reconciler; another thread may ask."""
        return f"stack_reconciler problems={self._problems}i,restarts={self._connector_watch.restarts}i"

    def _watched(self) -> list[str]:
        return _attempt("QuestDB", lambda: self._database_watch.check(self._database)) + _attempt(
            "Connect", lambda: self._connector_watch.check(self._connect, connectors.read(CONNECTORS))
        )


def _attempt(what: str, check: Callable[[], list[str]]) -> list[str]:
    """Return the sentences that `check` returns, or one that says why it could not."""
    try:
        return check()
    except FAILURES as error:
        return [_sentence(what, error)]


def _sentence(what: str, error: Exception) -> str:
    """Return `error` in one line; what does not answer is named, not traced."""
    if isinstance(error, requests.RequestException):
        url = error.request.url if error.request is not None else ""
        return f"{what}: no answer from {str(url).partition('?')[0]} ({type(error).__name__})"
    if isinstance(error, KafkaException):
        return f"{what}: no answer from Kafka ({error.args[0].str()})"
    return f"{what}: {error}"
