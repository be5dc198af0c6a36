"""A copy of this checkout with all that was built, for tests that write files which others list."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILT = {"venv", "jars", "bin"}


@contextlib.contextmanager
def copy(prefix: str = "rta-") -> Iterator[Path]:
    """Give a folder with the checkout; it is removed afterwards. Its path is short: the supervisor's socket lies in it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        shutil.copytree(ROOT, folder, ignore=_not_copied, copy_function=_copied, symlinks=True, dirs_exist_ok=True)
        yield folder
    finally:
        shutil.rmtree(folder)


def _not_copied(folder: str, names: list[str]) -> set[str]:
    unwanted = {".git", "node_modules", "__pycache__"} | ({"target"} if "ingestion" in folder else set())
    return set(names) - BUILT if folder == str(ROOT / ".local") else unwanted & set(names)


def _copied(source: str, target: str) -> None:
    """Link what was built, which nobody writes to; copy the rest: a file that is written in place would change here, too."""
    if {".local", "target"} & set(Path(source).relative_to(ROOT).parts):
        with contextlib.suppress(OSError):  # another file system
            os.link(source, target)
            return
    shutil.copy2(source, target)


def files_of_datasets(root: Path) -> dict[str, str]:
    """Return the files of a checkout that datasets change."""
    folders = ("kafka", "questdb", "kafka-connect-plugins/connectors", "dashboard", "tests")
    kept = [path for folder in folders for path in (root / folder).rglob("*") if "__pycache__" not in path.parts]
    return {str(path): path.read_text(encoding="utf-8", errors="replace") for path in kept if path.is_file()}
