"""Sends batches at a rate, with a progress bar: what all producers share, those of ingestion/iot too."""

import math
import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import Protocol, TypeVar

from tqdm import tqdm

LARGEST_BATCH = 5_000
_BATCH = 0.1  # seconds of records between two looks at the clock

T = TypeVar("T")


class Target(Protocol[T]):
    """Where records go."""

    def send(self, batch: list[T]) -> None:
        """Hand over a batch; raise TargetError if that is impossible."""

    def finish(self) -> None:
        """Return when everything is stored; raise TargetError if not."""


class TargetError(Exception):
    """Why records can't be sent."""


def send(target: Target[T], source: Iterator[T], total: int | None, rate: float | None, unit: str = "records") -> int:
    """Send `total` records (None: without end), paced at `rate` a second (None: at once); return how many went.

    An interrupt ends it as the total does.
    """
    sent, started = 0, time.monotonic()
    try:
        with tqdm(total=total, unit=f" {unit}", unit_scale=True, file=sys.stdout) as progress:
            for batch in _batches(islice(source, total), rate):
                target.send(batch)
                sent += len(batch)
                progress.update(len(batch))
                time.sleep(max(started + sent / rate - time.monotonic(), 0) if rate else 0)
    except KeyboardInterrupt:
        pass
    return sent


def _batches(source: Iterator[T], rate: float | None) -> Iterator[list[T]]:
    size = max(1, min(math.ceil(rate * _BATCH), LARGEST_BATCH)) if rate else LARGEST_BATCH
    while batch := list(islice(source, size)):
        yield batch
