"""`make down`, the next version, `make up`: what was stored and what waits in Kafka is there, and events go on to arrive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import earlier
import pytest
from dotenv import dotenv_values
from stack import CLIENT, Stack
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VERSION = dotenv_values(ROOT / ".env")["STACK_VERSION"]


def test_the_version_is_the_newest_of_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(.*?)\]", changelog, re.MULTILINE)[0] == VERSION


def test_a_commit_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPGRADE_FROM", "no-such-commit")
    with pytest.raises(pytest.skip.Exception, match=r"no commit no-such-commit here|clone is shallow|is no clone"):
        earlier.commit()


def shown(stack: Stack) -> set[tuple[str, str | None]]:
    """Return (id, created_at) of what the feed has shown to the poller and can be a row."""
    return {key for key in stack.truth().possible(CLIENT) if all(key)}


def left_behind(stack: Stack) -> set[tuple[str, str | None]]:
    """Stop the stack with rows in QuestDB and messages that wait in Kafka; return all of them."""
    until(lambda: stack.count("github_events") > 0, "rows", 60, lambda: stack.log("kafka-connect"))
    stack.stop("kafka-connect")
    stored = stack.stored()
    until(lambda: len(shown(stack) - stored) > 100, "events that wait", 60, lambda: stack.log("github-events"))
    stack.simulator("POST", "/pause")
    everything = shown(stack) | stored
    done = stack.make("down")
    assert done.returncode == 0, done.stdout
    return everything


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_data_of_the_version_before_outlive_an_upgrade(tmp_path: Path) -> None:
    with Stack(earlier.checkout(tmp_path / "before")) as old:
        before = left_behind(old.up())
        with Stack(ROOT, **old.environment) as new:
            new.up()
            until(lambda: before <= new.stored(), "what the version before left", 60, new.logs)
            until(lambda: new.count("github_events") > len(before), "new rows", 60, new.logs)
            assert new.make("status").stdout.startswith(f"Version {VERSION}, ")
