"""The running stack as a dataset needs it: Kafka, Kafka Connect and QuestDB, of either way of running."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import requests
from confluent_kafka import KafkaError, KafkaException

from operations.offsets.clients import Clients
from operations.reconciler.connectors import failed
from operations.reconciler.problems import Problem
from operations.reconciler.questdb import QuestDb

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

    from operations.local.settings import Settings
    from operations.reconciler.connectors import Connect
    from operations.reconciler.offsets import Partition, Range

TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Services:
    """The parts of a stack, found by its settings."""

    settings: Settings

    @cached_property
    def _clients(self) -> Clients:
        return Clients(self.settings)

    @property
    def admin(self) -> AdminClient:
        """Kafka's admin interface."""
        return self._clients.admin

    @property
    def connect(self) -> Connect:
        """Kafka Connect."""
        return self._clients.connect

    @cached_property
    def questdb(self) -> QuestDb:
        """QuestDB; what changes a large table may take longer than commands for people wait."""
        return QuestDb(requests.Session(), *self.settings.questdb)

    @property
    def start(self) -> str:
        """The command that starts the stack."""
        return f"{self.settings.compose} up --detach --wait" if self.settings.docker else "make up"

    def check(self) -> None:
        """Check that all three answer.

        Raises:
            Problem: one does not.

        """
        for part, asked in (
            ("Kafka", self.topics),
            ("QuestDB", self.questdb.names),
            ("Kafka Connect", self.connect.connectors),
        ):
            try:
                asked()
            except (KafkaException, requests.RequestException, Problem) as error:  # Problem: it still starts
                message = f"{part} does not answer, and a dataset needs the running stack: {self.start}"
                raise Problem(message) from error

    def topics(self) -> set[str]:
        """Return the names of all topics."""
        return set(self.admin.list_topics(timeout=TIMEOUT).topics)

    def ranges(self, topic: str) -> dict[Partition, Range]:
        """Return the first offset of each partition of a topic, and the one that its next record will get."""
        return self._clients.ranges(place for place in self._clients.partitions() if place[0] == topic)

    def free(self, name: str, view: str) -> None:
        """Check that nothing that runs has the name.

        Raises:
            Problem: something has.

        """
        taken = [(f"the topic {each}", each in self.topics()) for each in (name, f"{name}_dlq")]
        taken += [(f"the table or view {each}", each in self.questdb.names()) for each in (name, view)]
        taken.append((f"the connector {name}", name in self.connect.connectors()))
        if found := [what for what, is_taken in taken if is_taken]:
            message = f"NAME={name} is taken: there is {', '.join(found)}. Choose another, or remove it"
            raise Problem(message)

    def missing(self, name: str, view: str) -> list[str]:
        """Return what of a dataset does not work yet."""
        found = [f"topic {each}" for each in (name, f"{name}_dlq") if each not in self.topics()]
        found += [f"table or view {each}" for each in (name, view) if each not in self.questdb.names()]
        status = self.connect.connectors().get(name, {}).get("status")
        wrong = failed(status) if status else "not registered"
        return [*found, f"connector {name}: {wrong}"] if wrong else found

    def rows(self, name: str) -> int:
        """Return the rows of a table."""
        return int(self.questdb.run(f"SELECT count() AS rows FROM {name}")[0]["rows"])

    def delete(self, name: str, view: str) -> None:
        """Remove table, view, topics and the consumer group of a dataset, as far as they are there."""
        there = self.questdb.names()
        if view in there:
            self.questdb.run(f"DROP MATERIALIZED VIEW IF EXISTS {view}")
        if name in there:
            self.questdb.run(f"DROP TABLE IF EXISTS {name}")
        topics = sorted(self.topics() & {name, f"{name}_dlq"})
        for future in self.admin.delete_topics(topics).values() if topics else ():
            future.result(TIMEOUT)
        for future in self.admin.delete_consumer_groups([f"connect-{name}"]).values():
            try:
                future.result(TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() not in {KafkaError.GROUP_ID_NOT_FOUND, KafkaError.NON_EMPTY_GROUP}:
                    raise
