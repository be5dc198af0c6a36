"""What the three parts of the reconciler have in common: files that ask for things, and when to look at these."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from operations.reconciler.backoff import Attempts, Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.reconciler.files import Wanted

T = TypeVar("T")


class Part(ABC, Generic[T]):
    """Keeps the things that the files of one folder ask for.

    It looks at them when a file has changed, when an attempt that failed is to be made again, and every `look_again` seconds.
    """

    look_again = 10.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet; `clock` gives seconds."""
        self.attempts = Attempts(Backoff(clock))
        self._clock = clock
        self._wanted: Wanted[T] | None = None
        self._read: Wanted[T] | None = None
        self._sentences: list[str] = []
        self._due = 0.0

    @abstractmethod
    def read(self) -> Wanted[T]:
        """Read the files."""

    @abstractmethod
    def apply(self, things: dict[str, T]) -> list[str]:
        """Make things as they are wanted; return a sentence for each that is not."""

    def soonest(self) -> float:
        """Return when the next attempt is due."""
        return self.attempts.backoff.soonest()

    def prepare(self) -> None:
        """Read the files for the next look."""
        self._read = self.read()

    def once(self) -> list[str]:
        """Look if it is time to; return a sentence for each problem.

        Raises:
            Problem: what is looked at refuses to say what it has.
            requests.RequestException, KafkaException: it does not answer.

        """
        wanted, self._read = self._read or self.read(), None
        if wanted != self._wanted or self._clock() >= min(self._due, self.soonest()):
            self._wanted = None  # what is interrupted is done again
            self._due = self._clock() + self.look_again
            self.attempts.only(set(wanted.things))
            self._sentences = [*wanted.problems.values(), *self.apply(wanted.things)]
            self._wanted = wanted
        return self._sentences

    def unfit(self, name: str) -> bool:
        """Tell whether what depends on this thing must wait: its file is not in order, or it is not as that says."""
        return self._wanted is None or name in self._wanted.problems or name in self.attempts.failed
