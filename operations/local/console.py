"""What the commands print and ask, and how they end when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING

from operations.local.env_file import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.local.settings import Settings

INTERRUPTED = 130  # exit code, as shells have it
LAST_LINES = 5  # of what a failed program printed


def say(text: str = "") -> None:
    """Print one line at once. Where nobody reads any more (`make up | head`), go on in silence."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def agreed(settings: Settings) -> bool:
    """Ask whether to go on; `YES=1` answers, and where nobody can answer that is a no."""
    if settings.yes:
        return True
    try:
        return input("Type yes to go on: ").strip() == "yes"
    except EOFError:
        say("nobody can answer here: YES=1 does")
        return False


def ended(command: Callable[[], int]) -> int:
    """Run a command; return its exit code. What it raises becomes a sentence, never a traceback."""
    try:
        return command()
    except SettingsError as error:
        sentences = error.sentences
    except KeyboardInterrupt:
        say("\ninterrupted; `make status` tells what runs")
        return INTERRUPTED
    except subprocess.CalledProcessError as error:
        sentences = (failed(error),)
    except OSError as error:
        sentences = (f"{error.filename or type(error).__name__}: {error.strerror or error}",)
    except Exception:  # noqa: BLE001 - the report has it
        sentences = (f"this should not happen; please report it together with the file {_report()}",)
    for sentence in sentences:
        say(f"✗ {sentence}")
    return 1


def failed(error: subprocess.CalledProcessError) -> str:
    """Return what to say of a program that failed: the end of what it printed."""
    printed = [*(error.stdout or "").splitlines(), *(error.stderr or "").splitlines()]
    name = next((word for word in reversed(error.cmd) if not word.startswith("-")), "")
    return f"{error.cmd[0]} … {name} ended with {error.returncode}: " + "\n    ".join(printed[-LAST_LINES:])


def _report() -> str:
    with tempfile.NamedTemporaryFile("w", prefix="rta-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exc(file=file)
    return file.name
