"""What a restore does to folders and volumes, stopped at each of its steps: the old content is there again, or the new one."""

from __future__ import annotations

import subprocess
from itertools import count
from pathlib import Path

import pytest

from operations.backup.folders import FINISHED, Exchange, Phase
from operations.backup.stacks import VOLUME

NAMES = ("kafka", "questdb", "grafana")


class StoppedError(Exception):
    """What a kill does to a program: it takes no further step."""


def tree(root: Path) -> dict[str, str]:
    """Return each file and folder below `root` with its content."""
    return {
        str(path.relative_to(root)): path.read_text(encoding="utf-8") if path.is_file() else ""
        for path in sorted(root.rglob("*"))
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder: no grafana, and something that no backup holds."""
    for name in ("kafka", "questdb", "jupyter"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "old").write_text(f"old {name}", encoding="utf-8")
    return tmp_path / "data"


def replaced(data: Path) -> None:
    """Exchange all that a backup of QuestDB and Grafana holds."""
    exchange = Exchange(data, NAMES)
    exchange.begin()
    for name in ("questdb", "grafana"):
        (exchange.new / name).mkdir()
        (exchange.new / name / "new").write_text(f"new {name}", encoding="utf-8")
    exchange.exchange()
    (data / "kafka").mkdir()  # the new broker makes its own


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so many renames happen, and then none."""
    taken, rename = count(), Path.rename

    def limited(path: Path, target: Path) -> Path:
        if next(taken) >= steps:
            raise StoppedError
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", limited)


def test_stopped_anywhere_the_old_folders_come_back_also_if_that_is_stopped(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(data)
    for steps in count():
        with monkeypatch.context() as patch:
            stop_after(steps, patch)
            try:
                replaced(data)
                finished = True
            except StoppedError:
                finished = False
        for undone in count():
            with monkeypatch.context() as patch:
                stop_after(undone, patch)
                try:
                    Exchange(data, NAMES).undo()
                    break
                except StoppedError:
                    continue
        assert tree(data) == before, steps
        assert Exchange(data, NAMES).phase is Phase.NONE
        if finished:
            assert steps > len(NAMES)
            return


def test_finished_the_new_folders_are_there_and_what_no_backup_holds_is_left(data: Path) -> None:
    replaced(data)
    exchange = Exchange(data, NAMES)
    phases = [exchange.phase]
    exchange.complete()
    phases.append(exchange.phase)
    (data / FINISHED).mkdir()  # left by an earlier one that was killed
    exchange.finish()
    assert [*phases, exchange.phase] == [Phase.BEGUN, Phase.COMPLETE, Phase.NONE]
    assert set(tree(data)) == {"kafka", "questdb", "questdb/new", "grafana", "grafana/new", "jupyter", "jupyter/old"}


def volume(folder: Path, action: str) -> subprocess.CompletedProcess[str]:
    """Run the script that containers run on a volume."""
    command = ["sh", "-c", VOLUME, "sh", str(folder), action]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def done(folder: Path, action: str) -> str:
    """Run it; return what it printed, fail if it did."""
    result = volume(folder, action)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_volume_has_its_old_content_again_whenever_it_was_stopped(data: Path) -> None:
    (data / "kafka" / "old").chmod(0o600)
    before = tree(data)
    done(data, "undo")  # nothing to undo
    assert tree(data) == before
    (data / ".restore-part").touch()  # stopped while the old content was kept
    done(data, "undo")
    assert tree(data) == before
    done(data, "keep")
    done(data, "empty")
    assert [path.name for path in data.iterdir()] == [".restore-old"]
    (data / ".hidden").touch()
    (data / "kafka").mkdir()  # stopped while it was filled, or while the old content was brought back
    done(data, "undo")
    assert tree(data) == before
    assert (data / "kafka" / "old").stat().st_mode & 0o777 == 0o600


def test_volume_is_never_emptied_before_its_content_is_kept(data: Path) -> None:
    before = tree(data)
    assert volume(data, "empty").returncode != 0
    assert tree(data) == before


def test_volume_shows_its_room_and_how_far_the_restore_came(data: Path) -> None:
    done(data, "keep")
    done(data, "complete")
    disk, used, *marks = done(data, "look").splitlines()
    assert int(disk.split()[-3]) > 0
    assert int(used.split()[0]) > 0
    assert sorted(marks) == ["./.restore-complete", "./.restore-old"]
    done(data, "finish")
    assert not list(data.glob(".restore-*"))
