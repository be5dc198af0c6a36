"""The sinks of Kafka Connect: which partitions and tables each has, and how far it has read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from operations.reconciler import connectors
from operations.reconciler.connectors import Refused
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.offsets.clients import Clients
    from operations.reconciler.connectors import Config, Offsets
    from operations.reconciler.offsets import Partition, Range


@dataclass(frozen=True)
class Place:
    """How far a sink has come in one partition. `committed` is None before its first commit."""

    partition: Partition
    range: Range
    committed: int | None

    @property
    def position(self) -> int:
        """Return the offset from which the sink reads on: the oldest one, where its own is not to be had."""
        first, end = self.range
        return self.committed if self.committed is not None and first <= self.committed <= end else first

    @property
    def label(self) -> str:
        """Return topic and number."""
        return f"{self.partition[0]} {self.partition[1]}"


@dataclass(frozen=True)
class Sink:
    """A registered sink; `state` is that of the connector, not of its tasks."""

    name: str
    config: Config
    state: str
    places: list[Place]

    @property
    def tables(self) -> list[str]:
        """Return the tables that it writes to, none if its settings do not tell."""
        topics = sorted({place.partition[0] for place in self.places})
        return connectors.tables({**self.config, "topics": ",".join(topics)})


def named(clients: Clients, name: str) -> Sink:
    """Return the sink with this name; Problem if there is none."""
    registered = clients.connect.connectors()
    sinks = sorted(known for known, found in registered.items() if _is_sink(found))
    if name in sinks:
        return _sink(clients, name, registered[name])
    known = f"Kafka Connect has these sinks: {', '.join(sinks) or 'none'}"
    if name in registered:
        message = f"CONNECTOR={name} is a source: it has no offsets in a topic. {known}"
    else:
        message = f"CONNECTOR={name} is not known. {known}" if name else f"CONNECTOR= is missing. {known}"
    raise Problem(message)


def every(clients: Clients) -> Iterator[Sink]:
    """Return all sinks by name, without those that are removed while this looks at them."""
    for name, found in sorted(clients.connect.connectors().items()):
        if _is_sink(found):
            try:
                sink = _sink(clients, name, found)
            except Refused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise
            else:
                yield sink


def _is_sink(found: dict[str, Any]) -> bool:
    return bool(found["status"].get("type", found["info"].get("type")) == "sink")


def _sink(clients: Clients, name: str, found: dict[str, Any]) -> Sink:
    config = found["info"]["config"]
    return Sink(name, config, found["status"]["connector"]["state"], places(clients, name, config))


def places(clients: Clients, name: str, config: Config) -> list[Place]:
    """Return how far a sink has come in each partition that it reads."""
    committed: Offsets = clients.connect.offsets(name)
    read = [partition for partition in clients.partitions() if _reads(config, partition[0])]
    ranges = clients.ranges(read)
    return [Place(partition, range_, committed.get(partition)) for partition, range_ in ranges.items()]


def _reads(config: Config, topic: str) -> bool:
    pattern = config.get("topics.regex", "")
    return topic in connectors.topics(config) or bool(pattern and _matches(pattern, topic))


def _matches(pattern: str, topic: str) -> bool:
    try:
        return re.fullmatch(pattern, topic) is not None
    except re.error:  # Java's expressions are not all Python's
        message = f"topics.regex={pattern} of the connector can't be read here: give it `topics` instead"
        raise Problem(message) from None


def without_dedup(clients: Clients, sink: Sink) -> str:
    """Return why a record that is read again may become a second row; empty if it does not."""
    if not sink.tables:
        return f"the settings of {sink.name} do not tell its tables. If one has no DEDUP, its rows will be stored twice"
    dedup = {row["table_name"].lower(): row["dedup"] for row in clients.database.run("SELECT * FROM tables()")}
    lacking = [table for table in sink.tables if not dedup.get(table.lower(), True)]
    if not lacking:
        return ""
    return f"{', '.join(lacking)} has no DEDUP: its rows will be stored twice"
