"""The command line of all producers: which dataset, how fast, how many, which seed."""

import argparse
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module

from producers import arguments, sources
from producers.client import configuration
from producers.pace import TargetError, send
from producers.record import Record
from producers.target import Kafka

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
    arguments.add(found, "record")
    return found


def produce(chosen: argparse.Namespace) -> int:
    """Send records; return how many were acknowledged. Raises TargetError."""
    records = source(chosen.name)(arguments.start_us(chosen), chosen.rate, chosen.seed)
    target = Kafka(configuration(os.environ), os.environ.get("SCHEMA_REGISTRY_URL") or "http://localhost:8081")
    sent = send(target, records, chosen.total, None if chosen.fast else chosen.rate)
    target.finish()
    return sent


def main(words: list[str]) -> int:
    """Send records until there are enough or somebody interrupts; return the exit code."""
    chosen, started = parser().parse_args(words), time.monotonic()
    try:
        sent = produce(chosen)
    except TargetError as error:
        print(f"✗ {error}", file=sys.stderr)  # noqa: T201 - a command says what went wrong
        return 1
    seconds = time.monotonic() - started
    print(f"✓ {sent:,} records of {chosen.name} in {seconds:.1f} s, {sent / seconds:,.0f} a second")  # noqa: T201 - its result
    return 0
