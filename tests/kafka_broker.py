"""A real broker for tests, and child processes in general."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin import NewTopic as Topic
from stack import free_ports
from waiting import until

from operations.local.programs import JARS, jvm
from operations.local.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
DEADLINE = 30.0
_SETTINGS = ("KAFKA_", "GITHUB_", "SIMULATOR_", "POLL_INTERVAL", "MAX_POLLS", "FEED", "HEARTBEAT_FILE")


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
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
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


class Record(NamedTuple):
    """One message of a topic, its texts decoded strictly."""

    key: str | None
    value: str
    headers: dict[str, str]


class Broker(Program):
    """One Kafka node with an empty disk, run as `make up` runs it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """Format its disk; ports stay the same over restarts. `settings` are those of .env, for instance SECURITY=on."""
        port, inside, controller = free_ports(3)
        self.servers = f"127.0.0.1:{port}"
        environ = {
            "BROKER_BIND": "127.0.0.1",
            "BROKER_INSIDE_BIND": "127.0.0.1",
            "BROKER_HOST": "127.0.0.1",
            "BROKER_PUBLIC_HOST": "127.0.0.1",
            "BROKER_PORT": str(port),
            "BROKER_INTERNAL_PORT": str(inside),
            "BROKER_CONTROLLER_PORT": str(controller),
            "BROKER_DATA": str(folder / "data"),
            **load({**os.environ, "SECURITY": "off", **settings}).security("broker"),
        }
        self.inside = f"127.0.0.1:{inside}"
        java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", *jvm("broker"), "-cp", f"{JARS}/kafka/*"]
        super().__init__([*java, "kafka.Kafka", "kafka/server.properties"], folder / "broker.log", environ)
        identity = ["--cluster-id", "cG9sbGVyLXRlc3RzLW9ubHk", "--config", "kafka/server.properties"]
        format_disk = [*java, "kafka.tools.StorageTool", "format", *identity]
        subprocess.run(format_disk, cwd=ROOT, env=os.environ | environ, check=True, capture_output=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        self.until(self._answers, "broker ready", 60)

    def launch(self) -> None:
        """Start it."""
        super().start()

    def create(self, *names: str, partitions: int = 1) -> None:
        """Create topics; they are ready when this returns."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        for future in admin.create_topics([Topic(name, partitions, 1) for name in names]).values():
            future.result()
        for name in names:
            self.until(partial(self._ready, name, partitions - 1), f"topic {name}")

    def delete(self, *names: str) -> None:
        """Delete topics."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        for future in admin.delete_topics(list(names)).values():
            future.result()

    def read(self, topic: str, number: int = 0) -> list[Record]:
        """Return the messages that a partition of a topic holds by now."""
        with self._consumer() as consumer:
            partition = TopicPartition(topic, number, 0)
            _, end = consumer.get_watermark_offsets(partition, DEADLINE)
            consumer.assign([partition])
            found: list[Record] = []
            while len(found) < end:
                message = consumer.poll(DEADLINE)
                assert message is not None, f"no answer about {topic}"
                assert not message.error(), message.error()
                found.append(_record(message))
            return found

    @contextlib.contextmanager
    def _consumer(self) -> Iterator[Consumer]:
        options = {"bootstrap.servers": self.servers, "group.id": "tests", "auto.offset.reset": "error", "log_level": 0}
        with contextlib.closing(Consumer(options)) as consumer:
            yield consumer

    def _ready(self, topic: str, number: int) -> bool:
        try:
            with self._consumer() as consumer:
                consumer.get_watermark_offsets(TopicPartition(topic, number), 5)
        except KafkaException:
            return False
        return True

    def _answers(self) -> bool:
        try:
            AdminClient({"bootstrap.servers": self.servers, "log_level": 0}).list_topics(timeout=1)
        except Exception:  # noqa: BLE001 (any refusal means: not yet)
            return False
        return True


def _record(message: Message) -> Record:
    key, value = message.key(), message.value()
    headers = {name: _text(content) for name, content in list(message.headers() or [])}
    return Record(None if key is None else _text(key), _text(value), headers)  # type: ignore[arg-type]


def _text(content: str | bytes | None) -> str:
    assert isinstance(content, bytes)
    return content.decode()
