"""Topics: created, and altered on change, as kafka/topics/*.properties say."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from operations.reconciler import files
from operations.reconciler.part import Part
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from operations.reconciler.files import Source

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds
MOST_PARTITIONS = 10_000  # that Kafka's controller creates at once
NAME = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}")


@dataclass(frozen=True)
class Topic:
    """One topic as its file (as messages name it) describes it: `partitions`, and topic settings under Kafka's own names."""

    name: str
    partitions: int
    config: dict[str, str]
    file: str = ""


def read(folder: Path) -> list[Topic]:
    """Read every NAME.properties of `folder`, sorted by name.

    Raises:
        Problem: a file is not in order.

    """
    return list(wanted(folder).strict().values())


def wanted(folder: Path, on: Iterable[str] = ()) -> files.Wanted[Topic]:
    """Read every NAME.properties of `folder`, by topic."""
    return files.parsed(folder, ".properties", _parse, on)


def _parse(source: Source) -> Topic:
    if not NAME.fullmatch(source.name):
        message = "a topic's name has letters, digits, `.`, `_` and `-`, at most 249 of them. Rename the file"
        raise Problem(message)
    lines = enumerate(map(str.strip, source.text.splitlines()), 1)
    config = dict(_pair(number, line) for number, line in lines if line and not line.startswith(("#", "!")))
    return Topic(source.name, _partitions(config.pop("partitions", "")), config, source.label)


def _pair(number: int, line: str) -> tuple[str, str]:
    key, separator, value = line.partition("=")
    if not separator or not key.strip():
        message = f"line {number} is not of the form NAME=VALUE: {line[:80]}"
        raise Problem(message)
    return key.strip(), value.strip()


def _partitions(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= MOST_PARTITIONS):
        message = f"`partitions` must be a whole number from 1 to {MOST_PARTITIONS}, and is {value[:20] or 'missing'}"
        raise Problem(message)
    return int(value)


def missing(admin: AdminClient, topics: Iterable[Topic]) -> list[Topic]:
    """Return those of `topics` that the broker does not have."""
    have = admin.list_topics(timeout=TIMEOUT).topics
    return [topic for topic in topics if topic.name not in have]


def apply(admin: AdminClient, topics: Iterable[Topic]) -> None:
    """Create what is missing and alter what differs, once.

    Raises:
        Problem: a topic has more partitions than its file says (Kafka cannot take any away), or Kafka refused a value; the other
            topics are applied.
        KafkaException: the broker does not answer.

    """
    problems = Topics(admin, Path()).apply({topic.name: topic for topic in topics})
    if problems:
        raise Problem("; ".join(problems))


class Topics(Part[Topic]):
    """Keeps topics as the files of a folder say."""

    def __init__(
        self, admin: AdminClient, folder: Path, clock: Callable[[], float] = time.monotonic, on: Iterable[str] = ()
    ) -> None:
        """Ask the broker by `admin`; `clock` gives seconds; `on` are optional datasets."""
        super().__init__(clock)
        self._admin = admin
        self._folder, self._on = folder, on
        self._there: set[str] = set()

    def exists(self, topic: str) -> bool:
        """Tell whether the broker had a topic when it was last asked."""
        return topic in self._there

    def read(self) -> files.Wanted[Topic]:
        """Read the files."""
        return wanted(self._folder, self._on)

    def apply(self, things: dict[str, Topic]) -> list[str]:
        """Create what is missing and alter what differs; return a sentence for each problem."""
        have = self._admin.list_topics(timeout=TIMEOUT).topics
        self._there = set(have)
        self._create([topic for name, topic in things.items() if name not in have])
        old = {name: topic for name, topic in things.items() if name in have}
        configs = self._configs(old)
        for name, topic in old.items():
            self._match(topic, len(have[name].partitions), configs.get(name, {}))
        return list(self.attempts.failed.values())

    def _create(self, topics: list[Topic]) -> None:
        due = {topic.name: topic for topic in topics if self.attempts.due(topic.name, topic)}
        if due:
            new = [NewTopic(topic.name, num_partitions=topic.partitions, config=topic.config) for topic in due.values()]
            for name, future in self._admin.create_topics(new, operation_timeout=TIMEOUT).items():
                if self._took(due[name], future):
                    self._there.add(name)
                    log.info("created topic %s", name)

    def _configs(self, topics: Iterable[str]) -> dict[str, dict[str, ConfigEntry]]:
        """Return the settings of topics; one that was removed a moment ago has none."""
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in topics]
        found = {}
        for resource, future in self._admin.describe_configs(resources).items() if resources else ():
            try:
                found[resource.name] = future.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
        return found

    def _match(self, topic: Topic, partitions: int, current: dict[str, ConfigEntry]) -> None:
        """Alter what differs of a topic that exists."""
        if partitions > topic.partitions:
            self.attempts.failed[topic.name] = (
                f"{topic.file}: topic {topic.name} has {partitions} partitions, its file says {topic.partitions}. "
                f"Kafka cannot take partitions away: write partitions={partitions}, or delete the topic"
            )
            return
        changes = _changes(topic, current) if current else []
        if partitions == topic.partitions and not changes:
            self.attempts.done(topic.name)
        elif self.attempts.due(topic.name, topic):
            self._alter(topic, partitions, changes)

    def _alter(self, topic: Topic, partitions: int, changes: list[ConfigEntry]) -> None:
        requests: list[dict[Any, Future[Any]]] = []
        if partitions < topic.partitions:
            requests.append(self._admin.create_partitions([NewPartitions(topic.name, topic.partitions)]))
        if changes:
            resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=changes)
            requests.append(self._admin.incremental_alter_configs([resource]))
        took = [self._took(topic, future) for request in requests for future in request.values()]
        if all(took):
            names = [change.name for change in changes] + ["partitions"] * (partitions < topic.partitions)
            log.info("altered topic %s: %s", topic.name, ", ".join(names))

    def _took(self, topic: Topic, future: Future[Any]) -> bool:
        """Tell whether the broker did what it was asked; keep its reason if not."""
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].retriable() or error.args[0].code() < 0:
                raise
            self.attempts.failed[topic.name] = f"{topic.file}: topic {topic.name}: {error.args[0].str()}"
            return False
        self.attempts.failed.pop(topic.name, None)
        return True


def _changes(topic: Topic, current: dict[str, ConfigEntry]) -> list[ConfigEntry]:
    """Return entries to set, and entries to reset because the file no longer names them."""
    to_set = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        for key, value in topic.config.items()
        if key not in current or not _same(current[key].value, value)
    ]
    to_reset = [
        ConfigEntry(key, None, incremental_operation=AlterConfigOpType.DELETE)
        for key, entry in current.items()
        if _set_on_topic(entry) and key not in topic.config
    ]
    return to_set + to_reset


def _same(current: str | None, wanted: str) -> bool:
    """Tell whether two values are one to Kafka, which shows 0.50 as 0.5 and `compact, delete` without the space."""
    texts = [text.replace(" ", "").lower() for text in (current or "", wanted)]
    try:
        return float(texts[0]) == float(texts[1])
    except ValueError:
        return texts[0] == texts[1]


def _set_on_topic(entry: ConfigEntry) -> bool:
    # Set on the topic itself, not inherited.
    return bool(ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG)
