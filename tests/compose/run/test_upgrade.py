"""What the last release has stored is there after an upgrade, and events go on to arrive."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from containers import Containers
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT = "rta-upgrade"  # both releases', so that they share their volumes


def git(*arguments: str | Path) -> str:
    """Run git in this checkout; return what it printed, nothing if it failed."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture
def released(tmp_path: Path) -> Iterator[Path]:
    """A checkout of the last release."""
    tag = git("describe", "--tags", "--abbrev=0")
    if not tag:
        pytest.skip("no release is tagged yet")
    folder = tmp_path / "released"
    git("worktree", "add", "--detach", folder, tag)
    yield folder
    git("worktree", "remove", "--force", folder)


def test_data_of_the_last_release_outlive_an_upgrade(images: str, released: Path) -> None:  # noqa: ARG001 - to have them
    with Containers(root=released, COMPOSE_PROJECT_NAME=PROJECT) as old:
        old.build()
        old.up()
        until(lambda: old.count("github_events") > 0, "rows", 60, lambda: old.log("kafka-connect"))
        before = old.stored()
        old.compose("down")
        with Containers(COMPOSE_PROJECT_NAME=PROJECT) as new:
            new.build()
            new.up()
            stored = new.count("github_events")
            assert before <= new.stored()
            until(lambda: new.count("github_events") > stored, "new rows", 60, lambda: new.log("kafka-connect"))
