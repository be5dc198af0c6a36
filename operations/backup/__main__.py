"""`make backup`, `make restore FILE=…`: one file with QuestDB's data, what waits in the topics, and Grafana's changes."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tarfile
import time
import xmlrpc.client
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import requests
from confluent_kafka import KafkaException

from operations.backup import creation, restoration
from operations.backup.lock import alone
from operations.backup.stacks import chosen
from operations.local.console import say
from operations.local.settings import load
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from types import FrameType

# What the world does to us; anything else is a mistake of ours.
FAILURES = (
    Problem,
    KafkaException,
    requests.RequestException,
    OSError,
    EOFError,
    tarfile.TarError,
    zlib.error,
    subprocess.SubprocessError,
    xmlrpc.client.Error,
    psutil.Error,
)
INTERRUPTED = 130  # exit code, as shells have it
COMMANDS = {"create": creation.create, "restore": restoration.restore}


def default_file(settings: dict[str, str]) -> Path:
    """Return where a backup goes that was given no name."""
    folder = Path(settings["STATE_DIR"], "backups")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)  # an earlier version left it open
    return folder / time.strftime("%Y-%m-%dT%H-%M-%SZ.tar.gz", time.gmtime())


def sentence(error: BaseException) -> str:
    """Return what to say of what went wrong."""
    if isinstance(error, KafkaException):
        return f"the broker: {error.args[0].str()}"
    if isinstance(error, requests.RequestException):
        return f"QuestDB does not answer ({type(error).__name__}): `make status` says whether it runs"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename or 'no file'}"
    return str(error) or type(error).__name__


def interrupt(number: int, _: FrameType | None) -> None:
    """Turn a signal into what Ctrl-C raises."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m operations.backup", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args().command
    for number in restoration.INTERRUPTS:
        signal.signal(number, interrupt)
    settings = load()
    try:
        file = Path(settings["FILE"]) if settings.get("FILE") else default_file(settings)
        with alone(Path(settings["STATE_DIR"])):
            COMMANDS[command](chosen(settings), file)
    except FAILURES as error:
        say(f"✗ {sentence(error)}")
        return 1
    except KeyboardInterrupt as error:
        say(f"✗ interrupted ({error or 'SIGINT'})")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
