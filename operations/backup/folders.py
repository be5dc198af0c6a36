"""New folders in the place of old ones, and the old ones back: by renaming, which takes neither time nor room.

All of it lies in one room beside the folders, on their file system. Whenever a restore is killed, the names in that room say
what was done: each step ends with one rename, and each can be done again.
"""

from __future__ import annotations

import os
import shutil
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ROOM = ".restore"
FINISHED = ".restore-finished"  # only left to be removed


class Phase(Enum):
    """How far a restore has come that is at work, or was interrupted."""

    NONE = "none"
    BEGUN = "begun"  # what it did must be undone
    COMPLETE = "complete"  # the new data are whole; the stack has not yet been seen to work with them


class Exchange:
    """The exchange of the folders `names` of `root`."""

    def __init__(self, root: Path, names: tuple[str, ...]) -> None:
        """Look at nothing yet."""
        self._root = root
        self._names = names
        self._room = root / ROOM
        self.new = self._room / "new"
        self.old = self._room / "old"
        self._part = self._room / "part"
        self._failed = self._room / "failed"
        self.mark = self._room / "complete"

    @property
    def phase(self) -> Phase:
        """Return how far the restore has come."""
        if self.mark.exists():
            return Phase.COMPLETE
        return Phase.BEGUN if self._room.exists() else Phase.NONE

    def begin(self) -> None:
        """Make the room for new folders."""
        self.sweep()
        self.new.mkdir(parents=True)

    def exchange(self) -> None:
        """Set the old folders aside and put the new ones in their place."""
        self._part.mkdir()
        self._move(self._root, self._part)
        self._part.rename(self.old)  # from here on nothing old is in place
        self._move(self.new, self._root)

    def complete(self) -> None:
        """Note that the new folders hold all they should."""
        self.mark.touch()

    def undo(self) -> None:
        """Bring the old folders back; harmless at any time before `finish`."""
        if self.old.exists():
            self._failed.mkdir(exist_ok=True)
            self._move(self._root, self._failed)
            self.old.rename(self._part)  # from here on nothing new is in place
        if self._part.exists():
            self._move(self._part, self._root)
        self.finish()

    def finish(self) -> None:
        """Remove what is left in the room."""
        os.sync()  # the new files are not only in memory when the old ones go
        if self._room.exists():
            self.sweep()
            self._room.rename(self._root / FINISHED)
        self.sweep()

    def sweep(self) -> None:
        """Remove the room of an earlier restore that had ended."""
        if (self._root / FINISHED).exists():
            shutil.rmtree(self._root / FINISHED)

    def _move(self, source: Path, target: Path) -> None:
        for name in self._names:
            if os.path.lexists(source / name):
                (source / name).rename(target / name)
