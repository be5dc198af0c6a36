"""The pollers of all languages, and the simulator they poll in tests."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from kafka_broker import DEADLINE, ROOT, Broker, Program, Record

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import Running

# Odd events of all kinds, for the simulator.
ODD = "unicode=0.2,unknown-type=0.05,null-type=0.05,null-created=0.05,empty-payload=0.05,no-actor=0.05,no-repo=0.05"


class Language(NamedTuple):
    """How one poller is built and run, in its folder."""

    name: str
    folder: str
    command: tuple[str, ...]
    build: tuple[str, ...] = ()

    @property
    def tools(self) -> list[str]:
        """The programs that must be on the machine; those in its own folder are built."""
        return sorted(
            {first[0] for first in (self.build, self.command) if first and not first[0].startswith("target/")}
        )


# One line makes a language take part in every test of tests/poller.
LANGUAGES = [
    Language("python", "ingestion/python", (sys.executable, "github_events.py")),
    Language("nodejs", "ingestion/nodejs", ("node", "github_events.js"), ("npm", "ci", "--silent")),
    Language(
        "java",
        "ingestion/java/github_events",
        # As its image runs it.
        (
            "java",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx128m",
            "-jar",
            "target/github-events-1.0-SNAPSHOT-jar-with-dependencies.jar",
        ),
        ("mvn", "--quiet", "--batch-mode", "--no-transfer-progress", "package"),
    ),
    # `go run` doesn't hand signals on.
    Language("go", "ingestion/go/github_events", ("target/github_events",), ("go", "build", "-o", "target/", ".")),
    Language("rust", "ingestion/rust/github_events", ("cargo", "run", "--quiet", "--"), ("cargo", "build", "--quiet")),
]


@functools.cache
def build(language: Language) -> bool:
    """Build a poller, once; False when the machine lacks its tools. Fails instead with REQUIRE_TOOLCHAINS."""
    missing = [tool for tool in language.tools if not shutil.which(tool)]
    if missing and os.environ.get("REQUIRE_TOOLCHAINS"):
        pytest.fail(f"{' and '.join(missing)} missing: the {language.name} poller can't be tested")
    if missing:
        return False
    if language.build:
        _build_once(language)
    return True


def _build_once(language: Language) -> None:
    """Build unless another worker of this test run has: a program must not be replaced while it runs."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    noted = ROOT / ".pytest_cache" / f"built-{language.name}"
    noted.parent.mkdir(exist_ok=True)
    with noted.open("a+", encoding="utf-8") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        note.seek(0)
        if note.read() != run:
            done = subprocess.run(
                language.build, cwd=ROOT / language.folder, capture_output=True, text=True, check=False, timeout=900
            )
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
            note.truncate(0)
            note.write(run)


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
