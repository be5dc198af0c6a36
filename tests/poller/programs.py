"""The programs of these tests, each a child process: broker, simulator, poller."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin import NewTopic as Topic
from stack import free_ports
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.process import Running

    from tests.poller.languages import Language

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
DEADLINE = 30.0


@dataclass
class Program:
    """A child process whose output is kept in a file."""

    command: list[str]
    log: Path
    environ: dict[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; settings of the tests' own environment don't reach it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KAFKA_", "GITHUB_", "SIMULATOR_", "POLL_INTERVAL", "MAX_POLLS", "FEED", "HEARTBEAT_FILE"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=kept | self.environ, stdout=log, stderr=subprocess.STDOUT
            )

    def wait(self, deadline: float = DEADLINE) -> int:
        """Wait for the end; return the exit code."""
        assert self.process
        process = self.process
        self.until(lambda: process.poll() is not None, "its end", deadline)
        return int(process.returncode)

    def until(self, condition: Callable[[], T], what: str, deadline: float = DEADLINE) -> T:
        """Return the first true value of the condition; after the deadline fail with the end of the log."""
        return until(condition, what, deadline, lambda: self.log.read_text()[-4000:])

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it."""
        assert self.process
        self.process.send_signal(number)
        return self.wait()


class Broker(Program):
    """One Kafka node with an empty disk, run as `make up` runs it."""

    def __init__(self, folder: Path) -> None:
        """Format its disk; ports stay the same over restarts."""
        jars = Path(os.environ.get("STATE_DIR", ROOT / ".local")) / "jars/kafka"
        if not jars.is_dir():
            pytest.fail(f"{jars} is missing: run `make jars` first")
        port, inside, controller = free_ports(3)
        self.servers = f"127.0.0.1:{port}"
        environ = {
            "BROKER_BIND": "127.0.0.1",
            "BROKER_HOST": "127.0.0.1",
            "BROKER_PUBLIC_HOST": "127.0.0.1",
            "BROKER_PORT": str(port),
            "BROKER_INTERNAL_PORT": str(inside),
            "BROKER_CONTROLLER_PORT": str(controller),
            "BROKER_DATA": str(folder / "data"),
        }
        java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
        super().__init__([*java, "kafka.Kafka", "kafka/server.properties"], folder / "broker.log", environ)
        identity = ["--cluster-id", "cG9sbGVyLXRlc3RzLW9ubHk", "--config", "kafka/server.properties"]
        format_disk = [*java, "kafka.tools.StorageTool", "format", *identity]
        subprocess.run(format_disk, cwd=ROOT, env=os.environ | environ, check=True, capture_output=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        super().start()
        self.until(self._answers, "broker ready", 60)

    def create(self, *names: str) -> None:
        """Create topics of one partition."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        for future in admin.create_topics([Topic(name, 1, 1) for name in names]).values():
            future.result()

    def delete(self, *names: str) -> None:
        """Delete topics."""
        for future in AdminClient({"bootstrap.servers": self.servers}).delete_topics(list(names)).values():
            future.result()

    def read(self, topic: str) -> list[Message]:
        """Return the messages that a topic of one partition holds by now."""
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": "tests", "auto.offset.reset": "error"})
        partition = TopicPartition(topic, 0, 0)
        _, end = consumer.get_watermark_offsets(partition, DEADLINE)
        consumer.assign([partition])
        found: list[Message] = []
        while len(found) < end:
            message = consumer.poll(DEADLINE)
            assert message is not None, f"no answer about {topic}"
            assert not message.error(), message.error()
            found.append(message)
        consumer.close()
        return found

    def _answers(self) -> bool:
        try:
            AdminClient({"bootstrap.servers": self.servers, "log_level": 0}).list_topics(timeout=1)
        except Exception:  # noqa: BLE001 (any refusal means: not yet)
            return False
        return True


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

    def events(self) -> list[Message]:
        """Return what it wrote to its topic."""
        return self.broker.read(self.topic)

    def keys(self) -> list[tuple[str, str]]:
        """Return (id, created_at) of what it wrote, in order."""
        values = [json.loads(message.value()) for message in self.events()]
        return [(value["id"], value["created_at"]) for value in values]

    def polls(self, page: int | None = None) -> list[dict[str, Any]]:
        """Return its statistics, of one page or all."""
        rows = [json.loads(message.value()) for message in self.broker.read(self.polls_topic)]
        return [row for row in rows if page in (None, row["page"])]

    def until_logged(self, text: str, deadline: float = DEADLINE) -> None:
        """Wait for a text in its log."""
        self.until(lambda: text in self.log.read_text(), f"{text!r} in the log", deadline)
