"""Looks at Kafka's offsets in a process of its own, which this module also is: `python -m operations.reconciler.observer`.

librdkafka 2.16 aborts its process at times: when a connection ends while it asks for a consumer group. That is
https://github.com/confluentinc/librdkafka/issues/4605, open in November 2026.
"""

from __future__ import annotations

import logging
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

from confluent_kafka import KafkaException

from operations.reconciler import kafka
from operations.reconciler.offsets import TIMEOUT, Look, look
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from confluent_kafka.admin import AdminClient

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "operations.reconciler.observer")
ANSWERS_WITHIN = 6 * TIMEOUT  # seconds; a look makes three rounds of requests, and the first one has to connect


class Observer:
    """Asks Kafka through a process, which is started when it is needed, and again when it has ended."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Ask the broker that `variables` name. The process gets them in its environment."""
        self._environment = {**os.environ, **variables}
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._last, self._looked = Look(), 0.0

    def look(self) -> Look:
        """Return what the function `look` does; several threads may ask, and share a look.

        Raises:
            Problem: the broker does not answer, or the process ended meanwhile.

        """
        asked = time.monotonic()
        with self._asking:
            if self._looked <= asked:
                self._last, self._looked = self._ask(), time.monotonic()
            return replace(self._last)

    def _ask(self) -> Look:
        self._process = self._process or self._started()
        try:
            answer = _answer(self._process)
        except (EOFError, OSError, pickle.UnpicklingError):
            answer = "the process that asks has ended or hangs; the next look starts another"
            self.end()
        if isinstance(answer, str):
            raise Problem(answer)
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(COMMAND, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own module

    def end(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
            if process.returncode == -signal.SIGABRT:
                log.info("librdkafka aborted the process that asks Kafka for offsets; the next look starts another")


def _answer(process: subprocess.Popen[bytes]) -> Look | str:
    questions, answers = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    questions.write(b"\n")
    questions.flush()
    readable, _, _ = select.select([answers], [], [], ANSWERS_WITHIN)
    if not readable:
        raise EOFError
    answer: Look | str = pickle.load(answers)  # noqa: S301 - our own process
    return answer


def answer_all(questions: Iterable[bytes], answers: BinaryIO, connect: Callable[[], AdminClient]) -> None:
    """Answer each line by a pickled look, or by a sentence that says why there is none.

    librdkafka's client, after its broker has stood still for half a minute, never gets an answer about a group again: one that
    has failed is replaced.
    """
    working = None
    for _ in questions:
        try:
            admin, working = working or connect(), None
            found = look(admin)
            working = None if found.refused else admin
            answer: Look | str = found
        except KafkaException as error:
            answer = error.args[0].str()
        pickle.dump(answer, answers)
        answers.flush()


def main() -> None:
    """Answer until standard input ends, as it does with the reconciler's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both; the reconciler then ends this one
    answer_all(sys.stdin.buffer, sys.stdout.buffer, lambda: kafka.admin_client(os.environ))


if __name__ == "__main__":
    main()
