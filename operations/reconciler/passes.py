"""One pass: topics, then tables, then connectors; what is wrong with one thing keeps no other from being looked at."""

from __future__ import annotations

import logging
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import requests
from confluent_kafka import KafkaException
from requests.auth import HTTPBasicAuth

from operations.reconciler import connectors, optional
from operations.reconciler.connectors import Connect, Connectors
from operations.reconciler.files import ROOT, label
from operations.reconciler.problems import Problem
from operations.reconciler.questdb import Access, QuestDb
from operations.reconciler.tables import Tables
from operations.reconciler.topics import Topics
from operations.reconciler.users import Users

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from confluent_kafka.admin import AdminClient

    from operations.reconciler.connectors import Config
    from operations.reconciler.part import Part

log = logging.getLogger(__name__)

TOPICS = ROOT / "kafka" / "topics"
SCHEMA = ROOT / "questdb" / "schema"
CONNECTORS = ROOT / "kafka-connect-plugins" / "connectors"
FORESEEN = (Problem, KafkaException, requests.RequestException)
LONGEST = 600  # characters of a sentence


def access(settings: dict[str, str]) -> Access:
    """Return how QuestDB is reached."""
    return Access(
        settings["QUESTDB_HTTP_URL"],
        settings["QUESTDB_HTTP_USER"],
        settings["QUESTDB_HTTP_PASSWORD"],
        settings["QUESTDB_HTTP_TOKEN"],
        settings["QUESTDB_CA"],
    )


def _connect(session: requests.Session, settings: dict[str, str]) -> Connect:
    user, password = settings["CONNECT_HTTP_USER"], settings["CONNECT_HTTP_PASSWORD"]
    return Connect(session, settings["CONNECT_URL"], HTTPBasicAuth(user, password) if user else None)


class Passes:
    """All that is kept: topics, tables, connectors."""

    def __init__(self, settings: dict[str, str], admin: AdminClient) -> None:
        """Reach the parts of the stack as `settings` (see `operations.reconciler.__main__`) say.

        Raises:
            Problem: DATASETS names a dataset that does not exist.

        """
        session = requests.Session()
        on = optional.chosen(settings["DATASETS"])
        self._topics = Topics(admin, TOPICS, on=on)
        self._tables = Tables(QuestDb(session, *access(settings)), SCHEMA, on=on)
        self._connectors = Connectors(_connect(session, settings), CONNECTORS, self._waits_for, on=on)
        self._users = Users(admin, settings, CONNECTORS, on) if settings["SECURITY"] == "on" else None
        self._parts: dict[str, Part[Any]] = {
            **({"Kafka (users)": self._users} if self._users else {}),
            "Kafka": self._topics,
            "QuestDB": self._tables,
            "Connect": self._connectors,
        }
        self._traced: set[str] = set()
        self._problems = 0

    def first_rights(self, stop: threading.Event, seconds: float = 60.0) -> None:
        """With SECURITY=on, give everybody their rights as soon as Kafka answers, before anything else is looked at.

        A Connect worker that has none yet ends, and takes a minute to come back. What goes wrong here is said by the first pass.
        """
        deadline = time.monotonic() + seconds
        while self._users and time.monotonic() < deadline and not stop.wait(0.2):
            with suppress(Exception):
                self._users.once()
                return

    def once(self, begin: Callable[[], None] = lambda: None) -> list[str]:
        """Make one pass; return a sentence for each thing that is not as the files say.

        Calls `begin` before each part: a part whose server hangs takes up to half a minute.
        """
        # Connectors' files first: what was written before one of these, is then known when it is looked at.
        for part in reversed(self._parts.values()):
            with suppress(Exception):  # the part meets with it again, and says so
                part.prepare()
        problems = []
        for name, part in self._parts.items():
            begin()
            problems += self._looked_at(name, part)
        self._problems = len(problems)
        return [_line(problem) for problem in problems]

    def state(self) -> str:
        """Return what the last pass found, as a row of the table stack_reconciler; another thread may ask."""
        return f"stack_reconciler problems={self._problems}i,restarts={self._connectors.restarts}i"

    def _looked_at(self, name: str, part: Part[Any]) -> list[str]:
        """Return the sentences of one part, or the one that says why it has none."""
        try:
            return part.once()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other parts go on
            self._trace(error)
            return [_sentence(name, error)]

    def _trace(self, error: Exception) -> None:
        """Log where an error that nobody foresaw comes from, once: the next pass will meet it again."""
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno}"
        if not isinstance(error, FORESEEN) and place not in self._traced:
            self._traced.add(place)
            log.error("a mistake in the reconciler", exc_info=error)

    def _waits_for(self, config: Config) -> str:
        """Name what a connector must wait for: its first records would find neither topic nor table."""
        for topic in connectors.topics(config) + connectors.dead_letters(config):
            if self._topics.unfit(topic):
                return f"topic {topic} is not as its file says"
        for topic in connectors.topics(config):
            if not self._topics.exists(topic):
                return f"there is no topic {topic}. Write {label(TOPICS)}/{topic}.properties"
        for table in connectors.tables(config):
            if self._tables.unfit(table):
                return f"table {table} is not as its file says"
        return ""


def _sentence(what: str, error: Exception) -> str:
    """Return `error` in one line; what does not answer is named, not traced."""
    if isinstance(error, requests.RequestException):
        url = error.request.url if error.request is not None else ""
        return f"{what}: no answer from {str(url).partition('?')[0]} ({type(error).__name__})"
    if isinstance(error, KafkaException):
        return f"{what} does not answer ({error.args[0].str()})"
    if isinstance(error, Problem):
        return str(error) if str(error).startswith(what) else f"{what}: {error}"
    return f"{what}: a mistake in the reconciler, whose log has its place: {type(error).__name__}: {error}"


def _line(sentence: str) -> str:
    """Return a sentence that any terminal prints in one line, whatever a file or its name held."""
    text = "".join(character if character.isprintable() else " " for character in sentence)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
