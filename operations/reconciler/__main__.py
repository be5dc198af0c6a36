"""`python -m operations.reconciler`: keeps topics, tables and connectors as the files say; `--help` for its settings."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from operations.reconciler import kafka, status

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("reconciler")

PAUSE = 2.0  # seconds between two passes
SOON = 0.25  # seconds after a pass that found something new: what is just starting is ready in a moment

SETTINGS = {
    "QUESTDB_HTTP_URL": "http://localhost:9000",
    "QUESTDB_HTTP_USER": "",
    "QUESTDB_HTTP_PASSWORD": "",
    "QUESTDB_HTTP_TOKEN": "",
    "QUESTDB_CA": "",
    "CONNECT_URL": "http://localhost:8083",
    "CONNECT_HTTP_USER": "",
    "CONNECT_HTTP_PASSWORD": "",
    **dict.fromkeys(kafka.SETTINGS, ""),
    "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
    "SECURITY": "off",
    **dict.fromkeys(kafka.PASSWORDS.values(), ""),
    "KAFKA_TOPIC": "github_events",
    "KAFKA_POLLS_TOPIC": "github_polls",
    "DATASETS": "",
    "BIND_ADDRESS": "127.0.0.1",
    "RECONCILER_PORT": "8780",
    "RECONCILER_STATUS_FILE": str(Path(tempfile.gettempdir()) / "rta_reconciler.json"),
}


def settings() -> dict[str, str]:
    """Return every setting, from the environment or by default."""
    return {name: os.environ.get(name) or default for name, default in SETTINGS.items()}


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    described = "\n".join(f"  {name} (default {default!r})" for name, default in SETTINGS.items())
    parser = argparse.ArgumentParser(
        prog="python -m operations.reconciler",
        description=__doc__,
        epilog=f"settings (environment):\n{described}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="exit 0 if the running reconciler found all well just now")
    return parser.parse_args()


def check(status_file: Path) -> int:
    """Report what the running reconciler last found; return the exit code.

    Reads a file instead of asking again: a health check every few seconds should cost next to nothing.
    """
    problems = status.sentences(status_file)
    print("\n".join(problems or ["all as the files say"]))
    return 1 if problems else 0


class Log:
    """Writes the status file, and logs what has changed since the pass before."""

    def __init__(self, status_file: Path) -> None:
        """Replace what an earlier run has left."""
        self._file = status_file
        self._problems: list[str] | None = None
        self.still_there()

    def still_there(self) -> None:
        """Renew the status: what the pass before found holds until this one has found something else."""
        problems = FIRST if self._problems is None else self._problems
        try:
            status.write(self._file, problems)
        except OSError as error:
            log.warning(
                "%s can't be written (%s): health checks will call this reconciler dead", self._file, error.strerror
            )

    def found(self, problems: list[str]) -> bool:
        """Note what a pass has found; return whether any problem is new, which one with other numbers is not."""
        new = [problem for problem in problems if problem not in (self._problems or [])]
        for sentence in new:
            log.info("%s", sentence)
        if not problems and self._problems != []:
            log.info("all topics, tables and connectors are as the files say")
        others = _without_numbers(problems) - _without_numbers(self._problems or [])
        self._problems = problems
        self.still_there()
        return bool(others)


def _without_numbers(sentences: list[str]) -> set[str]:
    return {re.sub(r"\d+", "", sentence) for sentence in sentences}


FIRST = ["its first pass is not done"]


def run(once: Callable[[Callable[[], None]], list[str]], status_file: Path, stop: threading.Event) -> None:
    """Pass after pass until told to stop; `once` makes one, and calls what it is given now and then meanwhile."""
    noted = Log(status_file)
    pause = PAUSE
    while not stop.is_set():
        new = noted.found(once(noted.still_there))
        pause = SOON if new else min(2 * pause, PAUSE)
        stop.wait(pause)
    # A reconciler that was stopped vouches for nothing.
    status_file.unlink(missing_ok=True)


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    options = arguments()
    chosen = settings()
    status_file = Path(chosen["RECONCILER_STATUS_FILE"])
    if options.check:
        return check(status_file)
    # Imported here because --check needs none of it, and is run every few seconds.
    from operations.reconciler import metrics, progress  # noqa: PLC0415
    from operations.reconciler.observer import Observer  # noqa: PLC0415
    from operations.reconciler.passes import Passes  # noqa: PLC0415
    from operations.reconciler.problems import Problem  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        passes = Passes(chosen, kafka.admin_client(chosen))
    except Problem as problem:
        status.write(status_file, [str(problem)])
        print(problem, file=sys.stderr)
        return 1
    watching = kafka.as_monitoring(chosen)
    observer = Observer(watching)
    watched = metrics.Kafka(observer.look, lambda: progress.reader(kafka.client(watching)))
    try:
        address = chosen["BIND_ADDRESS"], int(chosen["RECONCILER_PORT"])
        metrics.serve(watched, passes.state, address, stop)
        unserved = []
    except (OSError, OverflowError, ValueError) as error:
        unserved = [f"RECONCILER_PORT={chosen['RECONCILER_PORT']} can't be listened on ({error}). Choose another port"]
    passes.first_rights(stop)
    run(lambda still_there: unserved + passes.once(still_there) + watched.progress.problems(), status_file, stop)
    observer.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
