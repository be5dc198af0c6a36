"""`make lag`: how far each sink has read."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from confluent_kafka import TopicPartition

from operations.backup.lock import Busy, alone
from operations.backup.topics import messages, reader
from operations.local.console import say
from operations.offsets import notes, sinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka import Consumer

    from operations.offsets.clients import Clients
    from operations.offsets.sinks import Place, Sink


def lag(clients: Clients) -> int:
    """Print a line for each partition of each sink; return the exit code."""
    try:
        with alone(clients.settings.state_dir):
            notes.settle(clients.settings, clients.connect)
    except Busy:
        say("! another command works on this stack's data: what follows may change")
    with closing(reader(clients.settings.kafka, "rta-lag")) as consumer:
        rows = [row for sink in sinks.every(clients) for row in _rows(consumer, sink)]
    if not rows:
        say("Kafka Connect has no sink that reads a topic")
        return 0
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _rows(consumer: Consumer, sink: Sink) -> Iterator[tuple[str, ...]]:
    for place in sink.places:
        end = place.range.next
        committed = "none" if place.committed is None else str(place.committed)
        state = "" if sink.state == "RUNNING" else sink.state
        yield sink.name, place.label, f"committed {committed}", f"end {end}", f"lag {_unread(consumer, place)}", state


def _unread(consumer: Consumer, place: Place) -> int:
    """Return the offsets that wait, 0 where none holds a record: the end of a transaction takes an offset, too."""
    lag = place.range.next - place.position
    if not lag:
        return 0
    waiting = messages(consumer, TopicPartition(*place.partition, place.position), place.range.next)
    return lag if next(waiting, None) else 0
