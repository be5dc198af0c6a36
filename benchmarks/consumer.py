"""The consumer one writes by hand instead of running a sink: confluent-kafka, orjson and QuestDB's own client.

A process of its own, so that its CPU can be told apart. The variables KAFKA_… say where Kafka is, CLIENT configures QuestDB's
client. It says `ready`, waits for a line, and ends when it has read `--count` messages.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime

import orjson
from confluent_kafka import Consumer, Message
from questdb.ingress import Sender

from operations.reconciler.kafka import client

# librdkafka's defaults fetch too little at a time and wait too long for the next: with them it is ten times slower.
TUNED = {"fetch.queue.backoff.ms": 2, "queued.min.messages": 500_000, "fetch.message.max.bytes": 8 << 20}
POLL = 10_000  # messages
FLUSH = 50_000  # rows: the larger, the less DEDUP costs


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("topic", "group", "table"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--discard", action="store_true", help="only read")
    return parser.parse_args()


def add(sender: Sender, table: str, messages: list[Message]) -> None:
    """Add a row for each message."""
    row, loads, parse = sender.row, orjson.loads, datetime.fromisoformat
    for message in messages:
        event = loads(message.value() or b"")
        at = parse(event.pop("created_at").replace("Z", "+00:00"))
        symbols = {name: event.pop(name) for name in ("type", "action") if name in event}
        row(table, symbols=symbols, columns=event, at=at)


def drain(consumer: Consumer, sender: Sender, options: argparse.Namespace) -> None:
    """Store messages until `count` of them are; offsets are committed after their rows."""
    done = pending = 0
    while done < options.count:
        messages = consumer.consume(POLL, timeout=0.2)
        if not options.discard:
            add(sender, options.table, messages)
        done += len(messages)
        pending += len(messages)
        if pending >= FLUSH or done >= options.count:
            sender.flush()
            consumer.commit(asynchronous=True)
            pending = 0


def main() -> int:
    """Run; return the exit code."""
    options = arguments()
    own = {**client(os.environ), "group.id": options.group}
    consumer = Consumer({**own, **TUNED, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    with Sender.from_conf(os.environ["CLIENT"] + "auto_flush=off;") as sender:
        print("ready", flush=True)
        sys.stdin.readline()
        consumer.subscribe([options.topic])
        drain(consumer, sender, options)
    consumer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
