"""The command line of all producers: which dataset, how fast, how many, which seed."""

import argparse
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from importlib import import_module

from producers import sources
from producers.pace import TargetError, send
from producers.record import Record
from producers.target import Kafka

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
Records = Callable[[int, float, int], Iterator[Record]]


def names() -> list[str]:
    """Return the datasets that have a source."""
    return sorted(module.name for module in pkgutil.iter_modules(sources.__path__))


def source(name: str) -> Records:
    """Return what makes the records of a dataset."""
    records: Records = import_module(f"{sources.__name__}.{name}").records
    return records


def parser() -> argparse.ArgumentParser:
    """Return the parser; a wrong value is said in a sentence, with exit code 2."""
    found = argparse.ArgumentParser(prog="producers", description=__doc__)
    found.add_argument("name", choices=names(), help="the dataset")
    found.add_argument("--rate", type=_positive, default=100, help="records a second (100)")
    found.add_argument("--total", type=_whole, help="end after so many records (without end)")
    found.add_argument("--seed", type=int, default=1, help="another seed, other records (1)")
    found.add_argument("--start", type=_moment, help="time of the first record, ISO 8601 (now)")
    found.add_argument("--fast", action="store_true", help="send as fast as it goes; the last record is of now")
    return found


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1_000_000:  # noqa: PLR2004 - one a microsecond is the most there can be
        raise ValueError
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def produce(chosen: argparse.Namespace) -> int:
    """Send records; return how many were acknowledged. Raises TargetError."""
    length = (chosen.total or 0) / chosen.rate if chosen.fast else 0
    start = chosen.start or datetime.now(timezone.utc) - timedelta(seconds=length)
    records = source(chosen.name)((start - EPOCH) // timedelta(microseconds=1), chosen.rate, chosen.seed)
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or "localhost:9092"
    target = Kafka(servers, os.environ.get("SCHEMA_REGISTRY_URL") or "http://localhost:8081")
    sent = send(target, records, chosen.total, None if chosen.fast else chosen.rate)
    target.finish()
    return sent


def main(arguments: list[str]) -> int:
    """Send records until there are enough or somebody interrupts; return the exit code."""
    chosen, started = parser().parse_args(arguments), time.monotonic()
    try:
        sent = produce(chosen)
    except TargetError as error:
        print(f"✗ {error}", file=sys.stderr)  # noqa: T201 - a command says what went wrong
        return 1
    seconds = time.monotonic() - started
    print(f"✓ {sent:,} records of {chosen.name} in {seconds:.1f} s, {sent / seconds:,.0f} a second")  # noqa: T201 - its result
    return 0
