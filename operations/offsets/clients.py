"""The parts of a running stack that these commands ask, and what to say of one that does not answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from operations.backup import failures
from operations.local.doctor import database
from operations.reconciler.connectors import Connect
from operations.reconciler.offsets import Partition, Range
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from confluent_kafka.admin import ListOffsetsResultInfo

    from operations.local.settings import Settings
    from operations.reconciler.questdb import QuestDb

TIMEOUT = 10.0  # seconds
FAILURES = (Problem, KafkaException, requests.RequestException)
SILENT = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE}  # noqa: SLF001 - their public names


@dataclass
class Clients:
    """Kafka, Kafka Connect and QuestDB of a stack. Both ways of running publish them on the same ports of this machine."""

    settings: Settings
    connect: Connect = field(init=False)
    admin: AdminClient = field(init=False)

    def __post_init__(self) -> None:
        """Connect to nothing yet."""
        self.connect = Connect(requests.Session(), self.settings.connect_url, self.settings.connect_login)
        self.admin = AdminClient({**self.settings.kafka, "log_level": 0})

    @property
    def database(self) -> QuestDb:
        """QuestDB over HTTP."""
        return database(self.settings)

    def partitions(self) -> list[Partition]:
        """Return all partitions of all topics."""
        found = self.admin.list_topics(timeout=TIMEOUT).topics
        return [(name, number) for name, topic in sorted(found.items()) for number in sorted(topic.partitions)]

    def ranges(self, partitions: Iterable[Partition]) -> dict[Partition, Range]:
        """Return the first offset of each partition and the one that its next record will get.

        A partition whose topic was deleted meanwhile is left out.
        """
        wanted = list(partitions)
        first = self._listed(wanted, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        following = self._listed(wanted, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        known = (place for place in wanted if place in first and place in following)
        return {place: Range(first[place][0], following[place][0]) for place in known}

    def since(self, partitions: Iterable[Partition], milliseconds: int) -> dict[Partition, tuple[int, int]]:
        """Return the offset and time of the first record that is as late as this; (-1, -1) where there is none."""
        return self._listed(list(partitions), OffsetSpec.for_timestamp(milliseconds))

    def _listed(self, partitions: list[Partition], where: OffsetSpec) -> dict[Partition, tuple[int, int]]:
        asked = {TopicPartition(*place): where for place in partitions}
        answers = self.admin.list_offsets(asked, request_timeout=TIMEOUT) if asked else {}
        found = {(place.topic, place.partition): _result(answer) for place, answer in answers.items()}
        return {place: (result.offset, result.timestamp) for place, result in found.items() if result}


def _result(answer: Future[ListOffsetsResultInfo]) -> ListOffsetsResultInfo | None:
    """Return what Kafka answered, None if it knows no such partition."""
    try:
        return answer.result()
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise


def sentence(error: BaseException, settings: Settings) -> str:
    """Return what to say of what went wrong, and what to do."""
    start = "`docker compose up --detach`" if settings.docker else "`make up`"
    look = "`docker compose ps`" if settings.docker else "`make status`"
    remedy = f"{start} starts the stack, {look} says what is wrong with it"
    if isinstance(error, requests.RequestException):
        asked = str(error.request.url) if error.request is not None else ""
        connect = asked.startswith(settings.connect_url)
        where = f"Kafka Connect (CONNECT_PORT={settings.ports.connect})" if connect else _questdb(settings)
        return f"{where} does not answer ({type(error).__name__}): {remedy}"
    if isinstance(error, KafkaException):
        reason = error.args[0]
        if reason.code() in SILENT:
            return f"Kafka ({settings.kafka_bootstrap_servers}, KAFKA_PORT) does not answer ({reason.str()}): {remedy}"
        return f"Kafka refuses: {reason.str()}"
    return failures.sentence(error)


def _questdb(settings: Settings) -> str:
    named = f"QUESTDB_URL={settings.questdb_http_url}" if settings.external else ""
    return f"QuestDB ({named or f'QUESTDB_HTTP_PORT={settings.ports.questdb_http}'})"
