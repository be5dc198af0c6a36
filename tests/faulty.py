"""`python faulty.py MODULE:CLASS.METHOD FAULT COMMAND`: a command of operations.backup, and a fault right after one call."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

from operations.backup.__main__ import main
from operations.local.settings import ROOT


def failing() -> None:
    """Fail as a full disk does."""
    raise OSError(28, "No space left on device (injected)")


FAULTS: dict[str, Callable[[], None]] = {
    "failure": failing,
    "interrupt": lambda: os.kill(os.getpid(), signal.SIGINT),
    "end": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


def run(environment: dict[str, str], place: str, fault: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of operations.backup with a fault; return its exit code and output."""
    return subprocess.run(
        [sys.executable, __file__, place, fault, command],
        cwd=ROOT,
        env=os.environ | environment | {"YES": "1", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def inject(place: str, fault: str) -> None:
    """Let the method do its work, then the fault happen."""
    module, _, path = place.partition(":")
    owner, _, name = path.partition(".")
    target = getattr(importlib.import_module(module), owner)
    original, happen = getattr(target, name), FAULTS[fault]

    def faulty(*arguments: Any) -> Any:  # noqa: ANN401 - whatever it takes and returns
        result = original(*arguments)
        happen()
        return result

    setattr(target, name, faulty)


if __name__ == "__main__":
    inject(sys.argv[1], sys.argv[2])
    sys.argv = [sys.argv[0], sys.argv[3]]
    sys.exit(main())
