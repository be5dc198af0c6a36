"""Files of one folder, each read by itself: one that can't be read says so, and keeps no other from being read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from operations.reconciler import optional
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

ROOT = optional.ROOT
LARGEST = 1 << 20  # bytes; what is larger was not written by hand
# What editors, file managers and backups leave beside a file: .x.swp, .#x, #x#, x~, ~$x, ~lock.x#.
LEFTOVER = (".", "#", "~")

FOLDER = ""  # stands for the folder itself, where problems have the name of a file

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """A file: where it is, as messages name it (`label`), its name without suffix, and its text or why there is none."""

    label: str
    name: str
    text: str = ""
    problem: str = ""


@dataclass
class Wanted(Generic[T]):
    """What the files of a folder ask for, by name; and a sentence for each file that asks for nothing, by the file's name."""

    things: dict[str, T] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def strict(self) -> dict[str, T]:
        """Return the things.

        Raises:
            Problem: a file is not in order; the message has a sentence for each of these.

        """
        if self.problems:
            raise Problem("; ".join(self.problems.values()))
        return self.things


def replace(path: Path, text: str) -> None:
    """Write a file in one step, so that no reader sees half of it; folders are read at any time, and the new file is LEFTOVER."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def parsed(folder: Path, suffix: str, parse: Callable[[Source], T], on: Iterable[str] = ()) -> Wanted[T]:
    """Return what `parse` makes of each file that ends in `suffix`, by the file's name without suffix.

    The files are those of `folder`, and of its kind those of the optional datasets that are `on`.
    """
    wanted: Wanted[T] = Wanted()
    try:
        found = [source for each in optional.folders(folder, on) for source in sources(each, suffix)]
    except Problem as problem:
        return Wanted(problems={FOLDER: str(problem)})
    for source in found:
        try:
            if source.name in wanted.things or source.name in wanted.problems:
                taken(source)
            wanted.things[source.name] = parse(readable(source))
        except Problem as problem:
            wanted.problems[source.name] = f"{source.label}: {problem}"
        except Exception as error:  # noqa: BLE001 - whatever it is, the other files are read
            kind = type(error).__name__
            wanted.problems[source.name] = (
                f"{source.label}: a mistake in the reconciler keeps it unread: {kind}: {error}"
            )
    return wanted


def taken(source: Source) -> None:
    """Refuse a file whose name differs from another's in nothing but the case of its suffix."""
    message = f"another file of this folder is called {source.name}, too. Remove one of them"
    raise Problem(message)


def readable(source: Source) -> Source:
    """Return `source`; raise Problem if it could not be read."""
    if source.problem:
        raise Problem(source.problem)
    return source


def sources(folder: Path, suffix: str) -> Iterator[Source]:
    """Yield the files of `folder` whose names end in `suffix`, in the order of their names; hidden and leftover ones are ignored.

    Raises:
        Problem: the folder itself can't be read.

    """
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - as bytes on the disk have them, whatever they hold
    except OSError as error:
        message = f"{label(folder)} can't be read ({error.strerror}). Put the folder back, or mount it"
        raise Problem(message) from None
    for name in names:
        if name.lower().endswith(suffix) and not name.startswith(LEFTOVER):
            found = _source(folder / name, suffix)
            if found:
                yield found


def _source(path: Path, suffix: str) -> Source | None:
    """Read one file; None if it was removed meanwhile."""
    shown, name = label(path), path.name[: -len(suffix)]
    try:
        return Source(shown, name, text=_text(path))
    except Problem as problem:
        return Source(shown, name, problem=str(problem))
    except FileNotFoundError:
        return Source(shown, name, problem=f"links to nothing. {_REMOVE}") if path.is_symlink() else None
    except OSError as error:
        return Source(shown, name, problem=f"can't be read ({error.strerror}). Mend its permissions, or remove it")


_REMOVE = "Remove it, or put a text file in its place"


def _text(path: Path) -> str:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        message = f"is not a file but {_kind(status.st_mode)}. {_REMOVE}"
        raise Problem(message)
    if status.st_size > LARGEST:
        message = f"has {status.st_size} bytes, and {LARGEST} are the most. {_REMOVE}"
        raise Problem(message)
    return _decoded(path.read_bytes())


def _kind(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"


def _decoded(content: bytes) -> str:
    try:
        # Some editors begin a file with a byte order mark.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"line {line} is not UTF-8. Save the file in that encoding: iconv -f LATIN1 -t UTF-8"
        raise Problem(message) from None
    if "\0" in text:
        message = "holds NUL characters, as UTF-16 does. Save the file as UTF-8: iconv -f UTF-16 -t UTF-8"
        raise Problem(message)
    return text


def label(path: Path) -> str:
    """Return `path` as messages name it: from the root of the repository if it lies within, else with its folder."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else f"{path.parent.name}/{path.name}"
