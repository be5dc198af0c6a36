"""What a restore does when the way back fails too, and what it leaves to the next command; the stack only notes its steps."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast

import pytest

from operations.backup import restoration
from operations.backup.folders import Phase
from operations.backup.stacks import RESERVE, Stack, too_little
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from operations.backup.archive import Archive


class Noted(Stack):
    """A stack that only notes what is done to it, and fails where it is told to."""

    starting, stopping, trying_again, way_back = "`start`", "stop", "`again`", "The way back is `back`."
    phase = Phase.NONE

    def __init__(self, *failing: str) -> None:
        """Fail in these methods."""
        super().__init__({})
        self._failing = failing
        self.did: list[str] = []

    def _note(self, name: str) -> None:
        self.did.append(name)
        if name in self._failing:
            message = f"{name} failed"
            raise Problem(message)

    def running(self) -> bool:
        """Never."""
        return False

    def obstacles(self, needed: int) -> list[str]:
        """Find none."""
        assert needed
        return []

    def has_data(self) -> bool:
        """Say so."""
        return True

    def read_questdb(self, into: IO[bytes]) -> None:
        """Never called."""

    def read_grafana(self) -> bytes | None:
        """Never called."""

    def prepare(self, archive: Archive) -> None:
        """Note it."""
        assert not archive
        self._note("prepare")

    def exchange(self, archive: Archive) -> None:
        """Note it."""
        assert not archive
        self._note("exchange")

    def start_storage(self) -> None:
        """Note it."""
        self._note("start_storage")

    def complete(self) -> None:
        """Note it."""
        self._note("complete")

    def start(self) -> None:
        """Note it."""
        self._note("start")

    def stop(self) -> None:
        """Note it."""
        self._note("stop")

    def undo(self) -> None:
        """Note it."""
        self._note("undo")

    def finish(self) -> None:
        """Note it."""
        self._note("finish")


def restore(stack: Stack) -> None:
    """Take the steps that a stack takes itself."""
    steps = restoration.Restoration(stack, cast("Archive", None))
    steps.STEPS = ("prepare", "exchange", "start_storage", "complete", "start_all")
    steps.run()


def test_the_way_back_is_taken_where_nobody_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(_: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(restoration, "say", deaf)
    stack = Noted("start")
    with pytest.raises(Problem, match="start failed"):
        restore(stack)
    assert stack.did == ["prepare", "exchange", "start_storage", "complete", "start", "stop", "undo"]


def test_what_keeps_the_old_data_away_is_said_beside_what_failed_first() -> None:
    with pytest.raises(Problem) as problem:
        restore(Noted("exchange", "stop"))
    first, second = str(problem.value).splitlines()
    assert first == "exchange failed"
    assert second.endswith("could not yet be brought back: stop failed. `again` tries again")


def test_nothing_is_undone_when_only_the_old_data_could_not_be_removed(capsys: pytest.CaptureFixture[str]) -> None:
    stack = Noted("finish")
    restore(stack)
    assert "undo" not in stack.did
    assert "could not be removed: finish failed. `again` tries again" in capsys.readouterr().out


def test_an_interrupted_restore_is_undone_or_finished() -> None:
    for phase, done in ((Phase.NONE, []), (Phase.BEGUN, ["stop", "undo"]), (Phase.COMPLETE, ["start", "finish"])):
        stack = Noted()
        stack.phase = phase
        restoration.settle(stack)
        assert stack.did == done


def test_whole_new_data_that_do_not_start_are_kept_and_the_way_back_is_said() -> None:
    stack = Noted("start")
    stack.phase = Phase.COMPLETE
    with pytest.raises(Problem, match=r"(?s)start failed.*The way back is `back`"):
        restoration.settle(stack)
    assert stack.did == ["start"]


def test_a_disk_too_small_for_old_and_new_data_is_said_with_both_numbers() -> None:
    assert too_little("/data", RESERVE + 5, 5) == []
    (sentence,) = too_little("/data", RESERVE + 2**20, 2**21)
    assert sentence == "/data has 201 MB free, the restore needs 202 MB: the old data stay meanwhile"
