"""Records on their way through Kafka: read from a topic, sent from a sample, waited for until they are rows."""

from __future__ import annotations

import gzip
import json
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException, Producer, TopicPartition

from datasets.sample import literal
from operations.backup.topics import messages, queue, reader
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from datasets.columns import Decisions
    from datasets.sample import Sample
    from datasets.services import Services

BLOCK = 10_000  # records
APPEARS = 90.0  # seconds until topic, table and connector are there
STALLS = 60.0  # seconds without a new row after which waiting ends
PAUSE = 0.3  # seconds between two looks


@dataclass(frozen=True)
class Outcome:
    """What became of records: rows stored, dead letters, seconds until the last was there."""

    sent: int
    rows: int
    dead: int
    seconds: float


# --- From a topic ---


def download(services: Services, topic: str, target: Path) -> None:
    """Write the messages that a topic holds now as JSON lines.

    Raises:
        Problem: there is no such topic, or a message is no JSON object.

    """
    if topic not in services.topics():
        message = f"SAMPLE=topic:{topic}: there is no such topic. `make kafka-topics` lists them"
        raise Problem(message)
    with (
        closing(reader(services.settings.kafka, "new-dataset")) as consumer,
        target.open("w", encoding="utf-8") as lines,
    ):
        for (_, number), (first, end) in services.ranges(topic).items():
            for record in messages(consumer, TopicPartition(topic, number, first), end):
                if (value := record.value()) is not None:
                    lines.write(_line(value, f"topic {topic}, partition {number}, offset {record.offset()}") + "\n")


def _line(value: bytes, where: str) -> str:
    try:
        record = json.loads(value)
    except ValueError:
        message = f"{where} is not JSON: only topics of JSON can be read"
        raise Problem(message) from None
    if not isinstance(record, dict):
        message = f"{where} is no JSON object"
        raise Problem(message)
    return " ".join(value.decode().splitlines())


# --- To Kafka ---


def records(sample: Sample, decisions: Decisions) -> Iterator[bytes]:
    """Give each record as JSON, with the table's columns; the time has the name that the connector knows."""
    fields = ", ".join(f"{literal(column.name)}: {column.value}" for column in decisions.columns)
    cursor = sample.database.execute(f"SELECT to_json({{{fields}}}) FROM sample ORDER BY rowid")
    while block := cursor.fetchmany(BLOCK):
        for (text,) in block:
            yield str(text).encode()


def keep(lines: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """Pass records on, and keep them for a replay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=1) as file:
        for line in lines:
            file.write(line + b"\n")
            yield line


def kept(path: Path, name: str) -> Iterator[bytes]:
    """Give the records of a dataset again.

    Raises:
        Problem: they are not there.

    """
    if not path.exists():
        message = f"the sample of {name} is not kept here ({path}): only what `make new-dataset` loaded can be replayed"
        raise Problem(message)
    with gzip.open(path, "rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def moved(lines: Iterable[bytes], column: str) -> Iterator[bytes]:
    """Give records the time of now, each a microsecond later than the one before at least."""
    last = 0
    for line in lines:
        last = max(last + 1, time.time_ns() // 1_000)
        now = datetime.fromtimestamp(last // 1_000_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        yield json.dumps(json.loads(line) | {column: f"{now}.{last % 1_000_000:06}Z"}, ensure_ascii=False).encode()


def paced(lines: Iterable[bytes], rate: float) -> Iterator[bytes]:
    """Give at most `rate` records a second."""
    started = time.monotonic()
    for number, line in enumerate(lines):
        ahead = number / rate - (time.monotonic() - started)
        if ahead > 0:
            time.sleep(ahead)
        yield line


def send(services: Services, topic: str, lines: Iterable[bytes]) -> int:
    """Send records; return how many once Kafka has all.

    Raises:
        Problem: Kafka did not take one.

    """
    problems: list[str] = []
    settings = {
        **services.settings.kafka,
        "linger.ms": 20,
        "compression.type": "lz4",
        "queue.buffering.max.messages": 100_000,
    }
    producer, count = Producer(settings), 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - returned
        _produce(producer, topic, line, problems)
    producer.flush(STALLS)
    if problems or len(producer):
        message = f"Kafka did not take all records: {problems[0] if problems else 'it does not answer'}"
        raise Problem(message)
    return count


def _produce(producer: Producer, topic: str, line: bytes, problems: list[str]) -> None:
    def delivered(error: object, _: object) -> None:
        if error is not None:
            problems.append(str(error))

    try:
        queue(producer, {"topic": topic, "value": line, "on_delivery": delivered})
    except KafkaException as error:
        problems.append(str(error.args[0]))


# --- To QuestDB ---


def ready(services: Services, name: str, view: str) -> None:
    """Wait until topic, table and connector of new files are there.

    Raises:
        Problem: they are not in time.

    """
    deadline, missing = time.monotonic() + APPEARS, ["everything"]
    while missing and time.monotonic() < deadline:
        time.sleep(PAUSE)
        missing = services.missing(name, view)
    if missing:
        docker = " DOCKER=1" if services.settings.docker else ""
        look = f"{services.settings.compose} ps" if services.settings.docker else "make status"
        message = f"not there after {APPEARS:.0f} s: {', '.join(missing)}. `{look}` says why; make drop-dataset NAME={name}{docker}"
        raise Problem(message)


def dead_letters(services: Services, name: str) -> int:
    """Return how many dead letters a dataset has had."""
    return sum(end for _, end in services.ranges(f"{name}_dlq").values())


def stored(services: Services, name: str, sent: int, started: float) -> Outcome:
    """Wait until each of `sent` records is a row or a dead letter; `started` is when the first was sent (monotonic)."""
    rows = dead = 0
    changed = time.monotonic()
    while rows + dead < sent and time.monotonic() < changed + STALLS:
        time.sleep(PAUSE)
        found = services.rows(name), dead_letters(services, name)
        if found != (rows, dead):
            (rows, dead), changed = found, time.monotonic()
    return Outcome(sent, rows, dead, time.monotonic() - started)
