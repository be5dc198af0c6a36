"""`python -m operations.reconciler`: keeps topics, tables and connectors as the files say; `--help` for its settings."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from operations.reconciler import status

if TYPE_CHECKING:
    from operations.reconciler.passes import Passes

log = logging.getLogger("reconciler")

PAUSE = 2.0  # seconds between two passes

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


def run(passes: Passes, status_file: Path, stop: threading.Event) -> None:
    """Pass after pass until told to stop; log what has changed since the pass before."""
    last: list[str] | None = None
    while not stop.is_set():
        problems = passes.once()
        status.write(status_file, problems)
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
        return status.check(status_file)
    # Imported here because --check needs none of it, and is run every few seconds.
    from operations.reconciler import offsets  # noqa: PLC0415
    from operations.reconciler.passes import Passes, admin_client  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    passes = Passes(chosen, admin_client(chosen))
    offsets.serve(lambda: admin_client(chosen), passes.state, (chosen["BIND_ADDRESS"], int(chosen["RECONCILER_PORT"])))
    run(passes, status_file, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
