"""What the reconciler learns of consumer groups from one look at their offsets to the next."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from operations.reconciler.offsets import CONNECT, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Message

    from operations.reconciler.kafka import Client
    from operations.reconciler.offsets import Look, Position, Waiting

STALLED_AFTER = 60.0  # seconds


def reader(kafka: Client) -> Consumer:
    """Return a consumer of committed messages, which tells when it has read all of a partition; it joins no group."""
    return Consumer(
        {
            **kafka,
            "group.id": "reconciler",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "log_level": 0,
        }
    )


class Idle:
    """Knows which waiting offsets hold nothing to read: the markers of transactions, what was aborted, what is not yet committed.

    They stay between a committed offset and the end until the next message, and are no lag. Kafka does not tell them apart, so
    where nothing has moved between two looks a consumer tries, once.
    """

    def __init__(self, connect: Callable[[], Consumer]) -> None:
        """Take consumers that read committed messages only from `connect`."""
        self._connect = connect
        self._before: set[Waiting] = set()
        self._readable: dict[Waiting, bool] = {}

    def discount(self, seen: Look) -> None:
        """Take what can't be read off the lag."""
        waiting = {position: seen.waiting(position) for position in seen.positions if position.lag}
        spans = set(waiting.values())
        self._readable = {span: found for span, found in self._readable.items() if span in spans}
        for span in (spans & self._before) - self._readable.keys():
            message = self._first(span)
            if message:
                error = message.error()
                self._readable[span] = not (error and error.code() == KafkaError._PARTITION_EOF)  # noqa: SLF001 - its public name
        self._before = spans
        seen.positions = [
            p if self._readable.get(waiting.get(p), True) else p._replace(lag=0)  # type: ignore[arg-type]
            for p in seen.positions
        ]

    def _first(self, span: Waiting) -> Message | None:
        """Return the first message, or the error that there is none; None if the broker does not answer."""
        with suppress(KafkaException), closing(self._connect()) as consumer:
            consumer.assign([TopicPartition(span.topic, span.partition, span.start)])
            return consumer.poll(TIMEOUT)
        return None


class Progress:
    """Remembers since when connectors have had something to read and committed nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the time, in seconds, from `clock`."""
        self._clock = clock
        self._since: dict[Position, float] = {}  # without lag and members

    def note(self, seen: Look) -> None:
        """Compare with the look before."""
        now = self._clock()
        # A group that Kafka said nothing about has not moved, as far as anybody knows. One that is gone has ended.
        unknown = seen.unanswered
        kept = {key: since for key, since in self._since.items() if unknown is None or key.group in unknown}
        waiting = [p for p in seen.positions if p.lag and p.members and p.group.startswith(CONNECT)]
        keys = [p._replace(lag=0, members=0) for p in waiting]
        self._since = kept | {key: self._since.get(key, now) for key in keys}

    def problems(self) -> list[str]:
        """Return a sentence for each connector that stores nothing; another thread may ask."""
        now = self._clock()
        stalled: dict[str, list[tuple[str, float]]] = {}
        for key, since in self._since.copy().items():
            if now - since >= STALLED_AFTER:
                where = f"{key.topic} {key.partition}"
                stalled.setdefault(key.group.removeprefix(CONNECT), []).append((where, now - since))
        return [_stalled(connector, partitions) for connector, partitions in sorted(stalled.items())]


def _stalled(connector: str, partitions: list[tuple[str, float]]) -> str:
    where = ", ".join(sorted(name for name, _ in partitions))
    seconds = max(seconds for _, seconds in partitions)
    # In minutes: the reconciler logs a sentence again whenever it changes.
    return (
        f"connector {connector}: messages wait in {where}, and none was stored for {seconds // 60:.0f} min;"
        " the log of Kafka Connect says why"
    )
