"""Dead letters sent to their topics again, each once, however often that is interrupted.

Kafka's transactions do it: the records, and how far the dead-letter topic was read (a commit of a consumer group), become valid
together. When all are sent, the dead-letter topic is emptied up to where it ended at the beginning. A command that is interrupted
before that leaves letters that are in both topics; the next one knows by the commit that they were sent, and removes them.
"""

from __future__ import annotations

from contextlib import closing, suppress
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from operations.backup.topics import messages, queue, reader
from operations.local.console import say
from operations.offsets.letters import TOPIC, Letter
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.offsets.clients import Clients
    from operations.reconciler.offsets import Partition, Range

AT_ONCE = 1000  # letters in one transaction
TIMEOUT = 30.0  # seconds
LARGEST = 16 * 2**20  # bytes; the broker decides what is too large


class Retry:
    """Sends what a dead-letter topic holds now to where it came from.

    A letter that does not say from which topic, or whose topic is gone, is kept: it moves to the end of the dead-letter topic.
    """

    def __init__(self, clients: Clients, topic: str, ranges: dict[Partition, Range]) -> None:
        """Take the letters of `topic` in `ranges`; send nothing yet."""
        self._clients = clients
        self._topic = topic
        self._ranges = ranges
        self._kafka = clients.settings.kafka
        self._group = f"rta-dead-letters-{topic}"
        self._partitions = set(clients.partitions())
        self._refused: list[str] = []

    def run(self) -> int:
        """Send, then remove; return the exit code."""
        with closing(reader(self._kafka, self._group)) as consumer:
            starts = self._starts(consumer)
            fit, kept = self._counts(consumer, starts)
            before = sum(start - self._ranges[place].first for place, start in starts.items())
            if kept and not fit and not before:
                raise Problem(_useless(self._topic, kept))
            if fit or kept:
                self._send(consumer, starts)
        self.remove()
        self._report(fit, kept, before)
        return 0

    def _report(self, fit: int, kept: int, before: int) -> None:
        if before:
            say(f"an interrupted command had already sent the records of {before} offsets: now they are removed")
        say(f"✓ {fit} records were sent to their topics again, and removed from {self._topic}")
        if kept:
            say(f"! {kept} records stay: they do not name a topic that exists. Those of a poller never do")

    def _starts(self, consumer: Consumer) -> dict[Partition, int]:
        """Return the first offset of each partition that was not sent yet."""
        found = consumer.committed([TopicPartition(*place) for place in self._ranges], timeout=TIMEOUT)
        committed = {(place.topic, place.partition): place.offset for place in found}
        return {place: max(first, committed[place]) for place, (first, _) in self._ranges.items()}

    def _letters(self, consumer: Consumer, place: Partition, start: int) -> Iterator[Letter]:
        return map(Letter, messages(consumer, TopicPartition(*place, start), self._ranges[place].next))

    def _fits(self, letter: Letter) -> bool:
        return (letter.topic, 0) in self._partitions

    def _counts(self, consumer: Consumer, starts: dict[Partition, int]) -> tuple[int, int]:
        """Return how many letters can be sent, and how many can't."""
        fit = [
            self._fits(letter) for place, start in starts.items() for letter in self._letters(consumer, place, start)
        ]
        return sum(fit), len(fit) - sum(fit)

    def _send(self, consumer: Consumer, starts: dict[Partition, int]) -> None:
        for place, start in starts.items():
            letters = self._letters(consumer, place, start)
            while some := list(islice(letters, AT_ONCE)):
                self._transaction(consumer, place, some)

    def _transaction(self, consumer: Consumer, place: Partition, letters: list[Letter]) -> None:
        """Send some, and commit that they are sent."""
        self._producer.begin_transaction()
        try:
            for letter in letters:
                self._produce(letter)
            self._acknowledged()
            sent = TopicPartition(*place, (letters[-1].message.offset() or 0) + 1)
            self._producer.send_offsets_to_transaction([sent], consumer.consumer_group_metadata(), TIMEOUT)
            self._producer.commit_transaction(TIMEOUT)
        except BaseException:
            with suppress(KafkaException):
                self._producer.abort_transaction(TIMEOUT)
            raise

    @cached_property
    def _producer(self) -> Producer:
        """A producer of transactions; making it ends what one before has left open."""
        settings = {**self._kafka, "transactional.id": self._group, "log_level": 0}
        producer = Producer({**settings, "message.max.bytes": LARGEST})
        producer.init_transactions(TIMEOUT)
        return producer

    def _produce(self, letter: Letter) -> None:
        """Queue a letter as it was, for its topic and, if that still exists, partition; or for where it is."""
        message, there = letter.message, self._fits(letter)
        to = (letter.topic, letter.partition) if there else (self._topic, message.partition())
        record = {
            "topic": to[0],
            "key": message.key(),
            "value": message.value(),
            "headers": letter.original if there else letter.headers,
            # To librdkafka 0 means now.
            "timestamp": max(letter.time, 1),
            "on_delivery": self._note,
        }
        if to in self._partitions:
            record["partition"] = to[1]
        queue(self._producer, record)

    def _note(self, error: KafkaError | None, message: Message) -> None:
        if error:
            self._refused.append(f"a record for {message.topic()}: {error.str()}")

    def _acknowledged(self) -> None:
        left = self._producer.flush(TIMEOUT)
        if self._refused or left:
            reason = self._refused[0] if self._refused else f"no answer for {left} records within {TIMEOUT:.0f} s"
            message = (
                f"Kafka did not take {reason}. Nothing was removed; run the command again after the cause is mended"
            )
            raise Problem(message)

    def remove(self) -> None:
        """Remove what was sent, then the commit that says so."""
        ends = [TopicPartition(*place, end) for place, (first, end) in self._ranges.items() if end > first]
        answers = self._clients.admin.delete_records(ends, request_timeout=TIMEOUT) if ends else {}
        for place, answer in answers.items():
            try:
                answer.result()
            except KafkaException as error:
                reason = error.args[0].str()
                message = f"{place.topic} still holds records that were sent, Kafka does not remove them: {reason}"
                raise Problem(message) from None
        for gone in self._clients.admin.delete_consumer_groups([self._group], request_timeout=TIMEOUT).values():
            with suppress(KafkaException):  # there was none, or it is kept until Kafka forgets it
                gone.result()


def _useless(topic: str, kept: int) -> str:
    return (
        f"none of the {kept} records of {topic} can be sent again: they do not name a topic that exists in the header"
        f" {TOPIC}. Connectors do with errors.deadletterqueue.context.headers.enable=true; pollers never do"
    )
