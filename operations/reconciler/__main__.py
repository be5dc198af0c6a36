"""`python -m operations.reconciler`: keeps topics, tables and connectors as the files say; `--help` for its settings."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("reconciler")

PAUSE = 2.0  # seconds between two passes
STALE = 30.0  # seconds after which a status file says nothing about now

SETTINGS = {
    "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
    "QUESTDB_HTTP_URL": "http://localhost:9000",
    "QUESTDB_HTTP_USER": "",
    "QUESTDB_HTTP_PASSWORD": "",
    "CONNECT_URL": "http://localhost:8083",
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
    try:
        status = json.loads(status_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.stdout.write(f"no status yet: {error}\n")
        return 1
    age = time.time() - status["time"]
    problems = status["problems"] if age < STALE else [f"last pass {age:.0f} s ago: the reconciler does not run"]
    sys.stdout.write("\n".join(problems or ["all as the files say"]) + "\n")
    return 1 if problems else 0


def write_status(status_file: Path, problems: list[str]) -> None:
    """Replace the status file in one step, so that no reader sees half of it."""
    fresh = status_file.with_suffix(".new")
    fresh.write_text(json.dumps({"time": time.time(), "problems": problems}), encoding="utf-8")
    fresh.replace(status_file)


def run(once: Callable[[], list[str]], status_file: Path, stop: threading.Event) -> None:
    """Pass after pass until told to stop; log what has changed since the pass before."""
    last: list[str] | None = None
    while not stop.is_set():
        problems = once()
        write_status(status_file, problems)
        if problems != last:
            for problem in problems or ["all topics, tables and connectors are as the files say"]:
                log.info("%s", problem)
            last = problems
        stop.wait(PAUSE)


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    options = arguments()
    chosen = settings()
    status_file = Path(chosen["RECONCILER_STATUS_FILE"])
    if options.check:
        return check(status_file)
    # Imported here because --check needs none of it, and is run every few seconds.
    from operations.reconciler import metrics, progress  # noqa: PLC0415
    from operations.reconciler.passes import Passes, admin_client  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    passes = Passes(chosen, admin_client(chosen))
    kafka = metrics.Kafka(lambda: admin_client(chosen), lambda: progress.reader(chosen["KAFKA_BOOTSTRAP_SERVERS"]))
    metrics.serve(kafka, passes.state, (chosen["BIND_ADDRESS"], int(chosen["RECONCILER_PORT"])), stop)
    run(lambda: passes.once() + kafka.progress.problems(), status_file, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
