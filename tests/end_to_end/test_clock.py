"""The clock of the whole machine jumps by hours, back and forth: nothing is lost, nothing doubled, and every part works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from clock import Clock
from stack import Stack
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

JUMPS = (5, -3, 20, 0)  # hours: ahead, back, far ahead, right again


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_a_clock_that_jumps(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    with Stack(ROOT, **clock.environment, POLL_INTERVAL="1") as stack:
        stack.up()
        for hours in JUMPS:
            clock.jump(hours)
            new_rows(stack, hours)
        stack.nothing_lost_nothing_double(seconds=120)
        stack.healthy()
        assert stack.make("status").returncode == 0


def new_rows(stack: Stack, hours: int) -> None:
    """Wait until so many events have arrived that whatever the jump has upset is over: some twenty seconds of the feed."""
    before = stack.count("github_events")
    until(lambda: stack.count("github_events") > before + 1000, f"rows at {hours} hours", 120, stack.logs)
