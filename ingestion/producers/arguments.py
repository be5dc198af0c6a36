"""The arguments that all producers share, those of ingestion/iot too: how fast, how many, which seed, from when."""

import argparse
from datetime import datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def add(parser: argparse.ArgumentParser, unit: str) -> None:
    """Let a parser know --rate, --total, --seed, --start and --fast; a wrong value is said in a sentence, with exit code 2."""
    parser.add_argument("--rate", type=positive, default=100, help=f"{unit}s a second (100)")
    parser.add_argument("--total", type=whole, help=f"end after so many {unit}s (without end)")
    parser.add_argument("--seed", type=int, default=1, help=f"another seed, other {unit}s (1)")
    parser.add_argument("--start", type=moment, help=f"time of the first {unit}, ISO 8601 (now)")
    parser.add_argument("--fast", action="store_true", help=f"send as fast as it goes; the last {unit} is of now")


def start_us(chosen: argparse.Namespace) -> int:
    """Return the time of the first record, in microseconds since 1970."""
    length = (chosen.total or 0) / chosen.rate if chosen.fast else 0
    start = chosen.start or datetime.now(timezone.utc) - timedelta(seconds=length)
    return int((start - _EPOCH) // timedelta(microseconds=1))


def positive(text: str) -> float:
    """Return a rate. Raises ValueError."""
    number = float(text)
    if not 0 < number <= 1_000_000:  # noqa: PLR2004 - one a microsecond is the most there can be
        raise ValueError
    return number


def whole(text: str) -> int:
    """Return a count. Raises ValueError."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def moment(text: str) -> datetime:
    """Return a time, of UTC where the text names no zone. Raises ValueError."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
