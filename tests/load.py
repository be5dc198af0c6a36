"""Events in quantity, the same for the same seed: to fill topics with, and to compare what became rows with.

Also what takes them from a topic of their own to a table of their own: as shipped, under other names.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import queue
import random
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from simulator import population
from waiting import until

from operations.local import doctor
from operations.local.settings import ROOT
from operations.reconciler import connectors, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stack import Pipeline

    from operations.local.settings import Settings
    from operations.reconciler.kafka import Client

DATASET = "github_events"
_TTL = re.compile(r"\bTTL \d+ \w+")
_DEDUP = re.compile(r"\s+DEDUP UPSERT KEYS\([^)]*\)")

COLUMNS = ("created_at", "id", "type", "action", "repo", "actor", "org")
ROWS_A_SECOND = 170  # GitHub's public feed in 2026, which sets how many events share a second
CHECKSUM_BITS = 64
_FIRST_ID = 21_190_576_879
NEWEST = 1_790_000_000.0  # Unix time of the last event: fixed, so that every run stores the same rows
# How long after created_at an event arrives: share, shortest, longest (seconds). `feed` is what GitHub shows, `prompt`
# what a feed without its delays would be.
_HOUR = 3600
LATENESS = {
    "prompt": ((1.0, 0.0, 5.0),),
    "feed": (
        (0.41, 30.0, 0.5 * _HOUR),
        (0.30, 0.5 * _HOUR, 1.5 * _HOUR),
        (0.10, 1.5 * _HOUR, 2.5 * _HOUR),
        (0.19, 2.5 * _HOUR, 24.0 * _HOUR),
    ),
}

Event = dict[str, str]
Config = dict[str, str]


class Events:
    """Draws events of one seed; every id is given out once."""

    def __init__(self, seed: int, lateness: str = "prompt") -> None:
        """Draw with `seed`; `lateness` is a key of LATENESS."""
        self._random = random.Random(seed)  # noqa: S311 - no secret, has to repeat
        self._mixes = (population.Mix(population.CODE), population.Mix(population.SOCIAL))
        self._lateness = LATENESS[lateness]
        self._shares = [share for share, _, _ in self._lateness]
        self._next = _FIRST_ID

    def one(self, arrival: float) -> Event:
        """Return an event that arrives at this Unix time, values as in a message, absent ones left out."""
        draw = self._random.random
        kind, action = self._mixes[draw() > population.CODE_SHARE].pick(draw())
        _, repo, org = population.repository(draw())
        (_, shortest, longest) = self._random.choices(self._lateness, self._shares)[0]
        created = time.gmtime(arrival - shortest - draw() * (longest - shortest))
        self._next += 1
        event = {"id": str(self._next), "type": kind, "action": action, "repo": repo}
        event |= {"actor": population.actor(draw())[1], "org": org}
        event["created_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", created)
        return {key: value for key, value in event.items() if value is not None}

    def many(self, count: int, until: float) -> Iterator[Event]:
        """Yield `count` events, the last of which arrives at Unix time `until`."""
        for number in range(count):
            yield self.one(until - (count - number) / ROWS_A_SECOND)


@dataclass
class Checksum:
    """Of a set of rows, whatever their order: how many they are, and the sum of their hashes."""

    rows: int = 0
    total: int = 0

    def add(self, values: Iterable[str]) -> None:
        """Add one row, its values in the order of COLUMNS, absent ones empty."""
        digest = hashlib.blake2b("\x1f".join(values).encode(), digest_size=CHECKSUM_BITS // 8).digest()
        self.rows += 1
        self.total = (self.total + int.from_bytes(digest, "big")) % 2**CHECKSUM_BITS


def stored(settings: Settings, table: str) -> Checksum:
    """Return the checksum of a table of the QuestDB of `settings`."""
    rest = ", ".join(COLUMNS[1:])
    query = f"SELECT to_str(timestamp, 'yyyy-MM-ddTHH:mm:ssZ') created_at, {rest} FROM {table}"
    checksum = Checksum()
    url, login = f"{settings.questdb_http_url}/exp", settings.questdb_login
    with requests.get(url, params={"query": query}, auth=login, stream=True, timeout=300) as answer:
        answer.raise_for_status()
        answer.raw.decode_content = True
        rows = csv.reader(io.TextIOWrapper(answer.raw, encoding="utf-8", newline=""))  # type: ignore[type-var]
        assert next(rows) == list(COLUMNS)
        for row in rows:
            checksum.add(row)
    return checksum


def as_json(event: Event) -> bytes:
    """Return the message of an event as the pollers write it."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


class Writer:
    """Sends events to a topic as the pollers do: each once, in order, acknowledged."""

    def __init__(
        self,
        kafka: Client,
        topic: str,
        sent: Checksum | None = None,
        encode: Callable[[Event], bytes] | None = None,
        **options: str | float,
    ) -> None:
        """Write to `topic`, as JSON unless `encode` is given; add what is sent to `sent`.

        `options` are librdkafka's, with `_` for `.`.
        """
        self.checksum = sent or Checksum()
        self._encode = encode or as_json
        self._topic = topic
        self._failed: list[KafkaError] = []
        self._producer = Producer(
            {
                **kafka,
                "enable.idempotence": True,
                "message.timeout.ms": 600_000,  # longer than any outage of a test
                "queue.buffering.max.messages": 1_000_000,
                "log_level": 0,  # brokers that are killed on purpose are no news
                **{key.replace("_", "."): value for key, value in options.items()},
            }
        )

    def send(self, event: Event) -> None:
        """Queue one event; wait while the queue is full."""
        value = self._encode(event)
        self.checksum.add(event.get(column, "") for column in COLUMNS)
        while True:
            try:
                self._producer.produce(self._topic, value, event["repo"], on_delivery=self._note)
            except BufferError:
                self._producer.poll(1)
            else:
                self._producer.poll(0)
                return

    def _note(self, error: KafkaError | None, _: Message) -> None:
        if error:
            self._failed.append(error)

    def finish(self, seconds: float = 300.0) -> None:
        """Wait until the broker has acknowledged every event."""
        left = self._producer.flush(seconds)
        assert left == 0, f"{left} events not acknowledged"
        assert not self._failed, self._failed[:3]


def create_topic(admin: AdminClient, name: str, partitions: int = 1) -> None:
    """Make a topic that keeps all it gets."""
    topic = NewTopic(name, num_partitions=partitions, config={"retention.ms": "-1", "retention.bytes": "-1"})
    admin.create_topics([topic])[name].result()


def create_table(name: str, *, dedup: bool) -> str:
    """Return the statement that makes a table with the columns of the shipped one, without its TTL, with or without its keys."""
    found = next(statement for statement in tables.read(ROOT / "questdb" / "schema") if statement.name == DATASET)
    sql = _TTL.sub("", found.creating(name))
    return sql if dedup else _DEDUP.sub("", sql)


def shipped(**changes: str) -> Config:
    """Return the shipped connector of the events with some keys replaced (`__` stands for `.`)."""
    config: Config = connectors.read(ROOT / "kafka-connect-plugins" / "connectors")[DATASET]
    own = {key: value for key, value in config.items() if key not in {"name", *connectors.MARK}}
    return own | {key.replace("__", "."): value for key, value in changes.items()}


class Load:
    """Events on their way from a topic to a table, both of their own, while parts of a stack fail."""

    def __init__(self, stack: Pipeline, seed: int, partitions: int = 1, **changes: str) -> None:
        """Make topic, table and connector, and wait for work; `changes` are keys of the connector as `shipped` takes them."""
        self.sent = 0
        self.name = f"load_{seed}"
        self._stack, self.partitions = stack, partitions
        settings = stack.settings
        self._database = doctor.database(settings)
        self._database.run(create_table(self.name, dedup=True))
        self._admin = AdminClient({**settings.kafka, "log_level": 0})
        create_topic(self._admin, self.name, partitions)
        self._connect = connectors.Connect(requests.Session(), settings.connect_url, settings.connect_login)
        self._config = shipped(topics=self.name, table=self.name, **changes)
        self._connect.put(self.name, self._config)
        self._writer = Writer(settings.kafka, self.name, topic_metadata_refresh_interval_ms=5000)
        self._events = Events(seed, "feed")
        self._orders = queue.Queue[int]()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        for count in iter(self._orders.get, 0):
            for event in self._events.many(count, NEWEST):
                self._writer.send(event)
            self._writer.finish()
            self._orders.task_done()

    def send(self, count: int) -> None:
        """Send so many more events, in the background."""
        self.sent += count
        self._orders.put(count)

    def until_written(self) -> None:
        """Wait until the broker has all that was sent."""
        until(lambda: not self._orders.unfinished_tasks, "all events written", 300, lambda: self._stack.log("broker"))

    def add_partition(self) -> None:
        """Add a partition to the topic; the writer finds it within seconds."""
        self.partitions += 1
        self._admin.create_partitions([NewPartitions(self.name, self.partitions)])[self.name].result()

    def set_tasks(self, most: int) -> None:
        """Let the connector have so many tasks."""
        self._config["tasks.max"] = str(most)
        self._connect.put(self.name, self._config)

    def until_stored(self, rows: int, seconds: float = 180.0) -> None:
        """Wait until so many rows can be queried."""
        what = f"{rows} rows in {self.name}"
        until(lambda: self.rows() >= rows, what, seconds, lambda: self._stack.log("kafka-connect"))

    def rows(self) -> int:
        """Return how many rows can be queried, -1 while QuestDB does not answer."""
        try:
            return self._stack.count(self.name)
        except (OSError, AssertionError):
            return -1

    def check(self) -> None:
        """Wait until all that was sent is stored; compare both."""
        self._orders.put(0)
        self._thread.join()
        self._writer.finish()
        self.until_stored(self.sent)
        assert stored(self._stack.settings, self.name) == self._writer.checksum

    def states(self) -> set[str]:
        """Return the states of the connector's tasks."""
        return {task["state"] for task in self._stack.connector(self.name)["tasks"]}

    def remove(self) -> None:
        """Remove the connector and the table."""
        self._connect.delete(self.name)
        self._database.run(f"DROP TABLE {self.name}")
