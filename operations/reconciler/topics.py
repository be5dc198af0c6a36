"""Topics: created, and altered on change, as kafka/topics/*.properties say."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from confluent_kafka import KafkaException
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

from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future
    from pathlib import Path

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds
K = TypeVar("K")


@dataclass(frozen=True)
class Topic:
    """One topic as its file describes it: `partitions`, and topic settings under Kafka's own names."""

    name: str
    partitions: int
    config: dict[str, str]


def read(folder: Path) -> list[Topic]:
    """Read every NAME.properties of `folder`, sorted by name."""
    return [_parse(path) for path in sorted(folder.glob("*.properties"))]


def _parse(path: Path) -> Topic:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    config = {key.strip(): value.strip() for key, _, value in pairs}
    try:
        return Topic(path.stem, int(config.pop("partitions")), config)
    except (KeyError, ValueError):
        message = f"{path.name}: `partitions` must be a whole number"
        raise Problem(message) from None


def missing(admin: AdminClient, topics: Iterable[Topic]) -> list[Topic]:
    """Return those of `topics` that the broker does not have."""
    have = admin.list_topics(timeout=TIMEOUT).topics
    return [topic for topic in topics if topic.name not in have]


def apply(admin: AdminClient, topics: list[Topic]) -> None:
    """Create what is missing and alter what differs.

    Raises:
        Problem: a topic has more partitions than its file says (Kafka cannot take any away), or Kafka refused a value.
        KafkaException: the broker does not answer.

    """
    new = missing(admin, topics)
    if new:
        created = [NewTopic(t.name, num_partitions=t.partitions, config=t.config) for t in new]
        _wait(admin.create_topics(created, operation_timeout=TIMEOUT))
        log.info("created topics %s", ", ".join(topic.name for topic in new))
    old = [topic for topic in topics if topic not in new]
    if old:
        _grow(admin, old)
        _alter(admin, old)


def _grow(admin: AdminClient, topics: list[Topic]) -> None:
    have = admin.list_topics(timeout=TIMEOUT).topics
    counts = {topic.name: len(have[topic.name].partitions) for topic in topics}
    for topic in topics:
        if counts[topic.name] > topic.partitions:
            message = (
                f"topic {topic.name} has {counts[topic.name]} partitions, its file says {topic.partitions}: "
                "Kafka cannot take partitions away; change the file, or delete the topic"
            )
            raise Problem(message)
    grown = [topic for topic in topics if counts[topic.name] < topic.partitions]
    if grown:
        _wait(admin.create_partitions([NewPartitions(t.name, t.partitions) for t in grown]))
        log.info("added partitions to %s", ", ".join(topic.name for topic in grown))


def _alter(admin: AdminClient, topics: list[Topic]) -> None:
    resources = {topic.name: ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics}
    described = _wait(admin.describe_configs(list(resources.values())))
    current = {resource.name: values for resource, values in described.items()}
    for topic in topics:
        changes = _changes(topic, current[topic.name])
        if changes:
            resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=changes)
            _wait(admin.incremental_alter_configs([resource]))
            log.info("altered topic %s: %s", topic.name, ", ".join(c.name for c in changes))


def _changes(topic: Topic, current: dict[str, ConfigEntry]) -> list[ConfigEntry]:
    """Return entries to set, and entries to reset because the file no longer names them."""
    to_set = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        for key, value in topic.config.items()
        if key not in current or current[key].value != value
    ]
    to_reset = [
        ConfigEntry(key, None, incremental_operation=AlterConfigOpType.DELETE)
        for key, entry in current.items()
        if _set_on_topic(entry) and key not in topic.config
    ]
    return to_set + to_reset


def _set_on_topic(entry: ConfigEntry) -> bool:
    # Set on the topic itself, not inherited.
    return bool(ConfigSource(entry.source) is ConfigSource.DYNAMIC_TOPIC_CONFIG)


def _wait(futures: Mapping[K, Future[Any]]) -> dict[K, Any]:
    """Return the results; a refusal of the broker becomes a Problem that names the topic."""
    results = {}
    for key, future in futures.items():
        try:
            results[key] = future.result()
        except KafkaException as error:
            if error.args[0].retriable() or error.args[0].code() < 0:
                raise
            message = f"topic {getattr(key, 'name', key)}: {error.args[0].str()}"
            raise Problem(message) from error
    return results
