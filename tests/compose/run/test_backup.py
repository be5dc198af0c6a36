"""`make backup` and `make restore` with Docker: all volumes removed between them, what was stored is there again."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, cast

from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from containers import Containers
    from stack import Pipeline


def make(containers: Containers, *arguments: str) -> str:
    """Run make on the containers; return what it said, fail with it."""
    command = ["make", "--no-print-directory", *arguments, "DOCKER=1", "YES=1"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=containers.variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_restore_brings_back_all_that_was_there(stack: Pipeline, tmp_path: Path) -> None:
    containers, file = cast("Containers", stack), tmp_path / "backup.tar.gz"
    before = containers.stored()
    assert before
    make(containers, "backup", f"FILE={file}")
    containers.compose("down")
    make(containers, "restore", f"FILE={file}")
    until(lambda: before <= containers.stored(), "all rows", 60, lambda: containers.log("questdb"))
