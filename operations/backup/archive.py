"""The file of a backup: what it holds, how it is written, and how it is examined before anybody relies on it.

A backup is a tar file, compressed by gzip: `manifest.json`, `questdb.tar` (QuestDB's folders), `topics.jsonl` (one message a
line) and, where Grafana has one, `grafana.db`.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sqlite3
import tarfile
import tempfile
import time
import zlib
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from operations.backup import topics
from operations.reconciler.problems import Problem
from operations.reconciler.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST, QUESTDB, MESSAGES, GRAFANA = "manifest.json", "questdb.tar", "topics.jsonl", "grafana.db"
REQUIRED = {MANIFEST, QUESTDB, MESSAGES}
# db holds the tables, .checkpoint what a restore needs to make them consistent.
QUESTDB_FOLDERS = ("db", "conf", ".checkpoint")
BLOCK = 4096  # bytes; a file takes whole blocks of a disk
UNREADABLE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError, json.JSONDecodeError)

# By table: newest timestamp and number of rows of each partition.
Rows = dict[str, list[tuple[str, int]]]


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. Backups of earlier versions of this repository tell only the versions."""

    versions: dict[str, str]
    topics: dict[str, Topic] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)
    messages: int | None = None

    def dumped(self) -> bytes:
        """Return the content of manifest.json."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def parsed(cls, content: bytes) -> Manifest:
        """Return the manifest of a file; Problem if it is none."""
        try:
            found = json.loads(content)
            if "versions" not in found:
                return cls(dict(found))
            described = {name: Topic(**topic) for name, topic in found["topics"].items()}
            rows = {table: [(newest, count) for newest, count in parts] for table, parts in found["rows"].items()}
            return cls(found["versions"], described, rows, found["messages"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"this is no backup: {MANIFEST} can't be read ({type(error).__name__})"
            raise Problem(message) from None


@dataclass(frozen=True)
class Contents:
    """What an examined backup holds: `unpacked` is the room its parts take on a disk, in bytes."""

    manifest: Manifest
    wanted: list[Topic]
    messages: topics.Summary
    unpacked: int
    grafana: bool


class Archive:
    """A backup that can be read."""

    def __init__(self, file: IO[bytes], contents: Contents) -> None:
        """Keep the open file: another of its name that comes meanwhile is not the one that was examined."""
        self._file = file
        self.contents = contents

    @contextmanager
    def member(self, name: str) -> Iterator[IO[bytes]]:
        """Open one part."""
        self._file.seek(0)
        with tarfile.open(fileobj=self._file, mode="r:gz") as archive:
            found = archive.extractfile(name)
            if found is None:
                message = f"this is no backup: {name} is no file"
                raise Problem(message)
            yield found

    def messages(self) -> Iterator[topics.Saved]:
        """Yield the saved messages."""
        with self.member(MESSAGES) as lines:
            yield from map(topics.parsed, lines)


@contextmanager
def examined(path: Path) -> Iterator[Archive]:
    """Read a backup to its end and open it; Problem with what is wrong with it."""
    try:
        with path.open("rb") as file:
            yield Archive(file, _examine(file))
    except FileNotFoundError:
        message = f"no such file: {path}. FILE= names a backup"
        raise Problem(message) from None


def _examine(file: IO[bytes]) -> Contents:
    try:
        with gzip.open(file) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
            found = dict(_parts(archive))
            # The check sum of gzip is at its end.
            while plain.read(1 << 20):
                pass
    except UNREADABLE as error:
        message = f"this is no backup, or only a part of one: {error or type(error).__name__}"
        raise Problem(message) from None
    if missing := REQUIRED - found.keys():
        message = f"this is no backup: it has no {', '.join(sorted(missing))}"
        raise Problem(message)
    summary: topics.Summary = found[MESSAGES]
    manifest: Manifest = found[MANIFEST]
    if manifest.messages not in {None, summary.count}:
        message = f"the backup has {summary.count} messages, its {MANIFEST} says {manifest.messages}"
        raise Problem(message)
    size = found[QUESTDB] + summary.size + found.get(GRAFANA, 0)
    return Contents(manifest, topics.wanted(manifest.topics, summary.counts), summary, size, GRAFANA in found)


def _parts(archive: tarfile.TarFile) -> Iterator[tuple[str, Any]]:
    readers = {
        MANIFEST: lambda content: Manifest.parsed(content.read()),
        QUESTDB: _unpacked,
        MESSAGES: topics.summary,
        GRAFANA: _sound_size,
    }
    for part in archive:
        content = archive.extractfile(part) if part.isreg() else None
        if content is None or part.name not in readers:
            message = f"this is no backup of this stack: it has {part.name}"
            raise Problem(message)
        yield part.name, readers[part.name](content)


def _unpacked(tar: IO[bytes]) -> int:
    """Return how many bytes QuestDB's folders take; Problem if they are not whole, or lead out of them."""
    size, folders = 0, set()
    with tarfile.open(fileobj=tar, mode="r|") as archive:
        for entry in archive:
            path = PurePosixPath(entry.name)
            if path.is_absolute() or ".." in path.parts or path.parts[:1] not in {(name,) for name in QUESTDB_FOLDERS}:
                message = f"{QUESTDB} of the backup holds {entry.name}, which QuestDB has no place for"
                raise Problem(message)
            if not (entry.isreg() or entry.isdir() or _inner_link(entry)):
                message = f"{QUESTDB} of the backup holds {entry.name}, which is neither a file nor a folder"
                raise Problem(message)
            folders.add(path.parts[0])
            size += -(-entry.size // BLOCK) * BLOCK + BLOCK
    if missing := {"db", ".checkpoint"} - folders:
        message = f"{QUESTDB} of the backup has no folder {', '.join(sorted(missing))}"
        raise Problem(message)
    return size


def _inner_link(entry: tarfile.TarInfo) -> bool:
    # QuestDB renames a column by hard links; tar keeps the second name of a file as a link to the first.
    target = PurePosixPath(entry.linkname)
    return entry.islnk() and target.parts[:1] != ("/",) and ".." not in target.parts


def _sound_size(database: IO[bytes]) -> int:
    content = database.read()
    if not sound(content):
        message = f"{GRAFANA} of the backup is damaged"
        raise Problem(message)
    return len(content)


def sound(database: bytes) -> bool:
    """Tell whether a copy of an SQLite database is whole."""
    with tempfile.NamedTemporaryFile(suffix=".db") as copy:
        copy.write(database)
        copy.flush()
        try:
            with closing(sqlite3.connect(copy.name)) as connection:
                return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False


@contextmanager
def written(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a new backup for writing; it gets its name when it is whole, and leaves nothing if it fails.

    It holds whatever the stack holds, passwords' hashes among it: nobody else may read it.
    """
    unfinished = path.with_name(path.name + ".part")
    unfinished.unlink(missing_ok=True)  # of a backup that was killed
    try:
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
                yield archive
            file.flush()
            os.fsync(file.fileno())
        # What can't be restored is no backup, and now is the time to know.
        with examined(unfinished):
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    """Add an open file from its beginning."""
    entry = tarfile.TarInfo(name)
    entry.size = content.seek(0, io.SEEK_END)
    entry.mtime = int(time.time())
    entry.mode = 0o600
    content.seek(0)
    archive.addfile(entry, content)
