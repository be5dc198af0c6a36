"""`make backup` and `make restore` with Docker: what was stored is there again, also after a restore that went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import faulty
import pytest
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from containers import Containers

STEP = "operations.backup.restoration:Restoration."


@pytest.fixture(scope="module")
def rows(containers: Containers) -> set[tuple[str, str]]:
    """What was stored before the backup: the stack runs on while it is made, and afterwards."""
    return until(containers.stored, "rows", 60, lambda: containers.log("kafka-connect"))


@pytest.fixture(scope="module")
def backup(containers: Containers, rows: set[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the running project, which has these rows."""
    assert rows
    file = tmp_path_factory.mktemp("backup") / "backup.tar.gz"
    done = containers.make("backup", f"FILE={file}")
    assert done.returncode == 0, done.stdout
    return file


def refused(containers: Containers, sentence: str, file: Path) -> None:
    """Run a restore that must be refused with a sentence."""
    done = containers.make("restore", f"FILE={file}")
    assert done.returncode != 0
    assert sentence in done.stdout, done.stdout
    assert "Traceback" not in done.stdout


def test_a_restore_brings_back_all_where_there_is_nothing_and_is_refused_where_it_can_not(
    containers: Containers, rows: set[tuple[str, str]], backup: Path
) -> None:
    refused(containers, "the stack runs: stop it first by", backup)
    # As on another machine.
    containers.compose("down", "--volumes")
    refused(containers, "this is no backup, or only a part of one", ROOT / "README.md")
    done = containers.make("restore", f"FILE={backup}")
    assert done.returncode == 0, done.stdout
    until(lambda: rows <= containers.stored(), "all rows", 60, lambda: containers.log("questdb"))


@pytest.mark.thorough
def test_a_restore_that_fails_or_is_killed_leaves_the_old_data(containers: Containers, backup: Path) -> None:
    before = containers.stored()
    containers.compose("down")
    variables = containers.variables | {"DOCKER": "1", "FILE": str(backup)}
    failed = faulty.run(variables, STEP + "settle_topics", "failure", "restore")
    assert failed.returncode == 1
    assert "the restore failed: the data from before it are brought back\n" in failed.stdout, failed.stdout
    assert failed.stdout.endswith("✗ No space left on device (injected)\n"), failed.stdout
    killed = faulty.run(variables, STEP + "exchange", "kill", "restore")
    assert killed.returncode < 0, killed.stdout
    assert containers.compose("up", "--detach", "--wait", check=False).returncode != 0
    assert "make restore DOCKER=1 brings the data from before it back" in containers.log("preflight")
    refused(containers, "the data from before it are brought back", backup.parent / "none")
    containers.up()
    assert before <= containers.stored()
