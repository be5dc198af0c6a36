"""The pollers of all languages, and the simulator they poll in tests."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka_broker import DEADLINE, ROOT, Broker, Program, Record

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import Running


class Language(NamedTuple):
    """How one poller is built and run, in its folder."""

    name: str
    folder: str
    command: tuple[str, ...]
    build: tuple[str, ...] = ()


# One line makes a language take part in every test of tests/poller.
LANGUAGES = [
    Language("python", "ingestion/python", (sys.executable, "github_events.py")),
]


class Simulator:
    """The stand-in for GitHub, running."""

    def __init__(self, running: Running) -> None:
        self.url, self.ask, self.truth = running.url, running.call, running.truth

    def requests(self) -> list[dict[str, Any]]:
        """Return the last 1,000 requests."""
        return list(json.loads(self.ask("GET", "/simulator/requests")))


class Poller(Program):
    """A poller with topics of its own."""

    def __init__(self, language: Language, folder: Path, broker: Broker, api_url: str, topic: str) -> None:
        """Fill in the settings; nothing is started."""
        self.language, self.broker = language, broker
        self.topic, self.polls_topic = topic, f"{topic}_polls"
        self.heartbeat = folder / "heartbeat"
        environ = {
            "GITHUB_API_URL": api_url,
            "KAFKA_BOOTSTRAP_SERVERS": broker.servers,
            "KAFKA_TOPIC": self.topic,
            "KAFKA_POLLS_TOPIC": self.polls_topic,
            "HEARTBEAT_FILE": str(self.heartbeat),
        }
        super().__init__(list(language.command), folder / "poller.log", environ, ROOT / language.folder)

    @property
    def client(self) -> str:
        """How it calls itself."""
        return f"github-events-poller ({self.language.name})"

    def run(self, **settings: str) -> int:
        """Run to its end; return the exit code."""
        self.environ |= settings
        self.start()
        return self.wait(60)

    def events(self) -> list[Record]:
        """Return what it wrote to its topic."""
        return self.broker.read(self.topic)

    def keys(self) -> list[tuple[str, str]]:
        """Return (id, created_at) of what it wrote, in order."""
        values = [json.loads(record.value) for record in self.events()]
        return [(value["id"], value["created_at"]) for value in values]

    def polls(self, page: int | None = None) -> list[dict[str, Any]]:
        """Return its statistics, of one page or all."""
        rows = [json.loads(record.value) for record in self.broker.read(self.polls_topic)]
        return [row for row in rows if page in (None, row["page"])]

    def until_logged(self, text: str, deadline: float = DEADLINE) -> None:
        """Wait for a text in its log."""
        self.until(lambda: text in self.log.read_text(), f"{text!r} in the log", deadline)
