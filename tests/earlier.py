"""The commit that an upgrade starts from: the last one of the version before this one."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def git(*arguments: str) -> str:
    """Run git in this checkout; return what it printed, nothing if it failed."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def commit() -> str:
    """Return what UPGRADE_FROM names, else the parent of the commit that raised STACK_VERSION. Skip where history is missing."""
    # Of a merge, what it changed in the branch that it landed on.
    raised = git(
        "log",
        "-1",
        "--first-parent",
        "--diff-merges=first-parent",
        "--no-patch",
        "--format=%H",
        "-G^STACK_VERSION=",
        "--",
        ".env",
    )
    named = os.environ.get("UPGRADE_FROM") or (f"{raised}^" if raised else "")
    found = git("rev-parse", "--verify", "--quiet", f"{named}^{{commit}}") if named else ""
    if not found:
        pytest.skip(missing(named))
    return found


def missing(named: str) -> str:
    """Return why there is no earlier commit, and what helps."""
    if git("rev-parse", "--is-shallow-repository") == "true":
        return "this clone is shallow and does not hold the version before: git fetch --unshallow"
    if not git("rev-parse", "--git-dir"):
        return "this is no clone, and no version before is at hand: UPGRADE_FROM names a commit in a clone"
    return f"no commit {named or 'that raised STACK_VERSION'} here: UPGRADE_FROM names the one to start from"


def checkout(folder: Path) -> Path:
    """Write the files of that commit to `folder`, without its history."""
    archive = subprocess.run(["git", "archive", "--format=tar", commit()], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder
