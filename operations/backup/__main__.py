"""`make backup`, `make restore FILE=…`: one file with QuestDB's data, what waits in the topics, and Grafana's changes."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sqlite3
import sys
import tarfile
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any

import requests

from operations.backup import topics
from operations.backup.stacks import Stack, chosen
from operations.local.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from operations.local.settings import Settings

VERSIONS = ("QUESTDB_VERSION", "KAFKA_VERSION", "GRAFANA_VERSION")
COPY_ATTEMPTS = 5  # of Grafana's database, which it may just be writing to
CHECKPOINT_WITHIN = 120.0  # seconds


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def sql(settings: Settings, query: str) -> list[list[Any]]:
    """Return the rows of a statement; ValueError with QuestDB's words if it refuses."""
    url = settings.questdb_http_url + "/exec"
    body = requests.get(url, params={"query": query}, auth=settings.questdb_login, timeout=CHECKPOINT_WITHIN).json()
    if "error" in body:
        message = f"QuestDB refused {query}: {body['error']}"
        raise ValueError(message)
    rows: list[list[Any]] = body.get("dataset", [])
    return rows


@contextlib.contextmanager
def checkpoint(settings: Settings) -> Iterator[None]:
    """Hold QuestDB's files still enough to be copied; writes go on."""
    sql(settings, "CHECKPOINT CREATE")
    try:
        yield
    finally:
        sql(settings, "CHECKPOINT RELEASE")


def create(stack: Stack, file: Path) -> int:
    """Write the backup of a running stack to `file`; return the exit code."""
    if not stack.running():
        say("✗ nothing runs: a backup is taken from a running stack")
        return 1
    settings = stack.settings
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(file.name + ".part")
    with tarfile.open(unfinished, "w:gz", compresslevel=1) as archive:
        add(archive, "manifest.json", json.dumps({name: settings.versions[name] for name in VERSIONS}).encode())
        # Positions first: what lies before them is in QuestDB by now, and then in the checkpoint.
        since = topics.positions(settings.kafka_bootstrap_servers)
        with tempfile.TemporaryFile() as copy:
            with checkpoint(settings):
                stack.read_questdb(copy)
            add_file(archive, "questdb.tar", copy)
        with tempfile.TemporaryFile() as lines:
            for line in topics.export(settings.kafka_bootstrap_servers, since):
                lines.write(line.encode() + b"\n")
            add_file(archive, "topics.jsonl", lines)
        if database := grafana(stack):
            add(archive, "grafana.db", database)
    unfinished.replace(file)
    say(f"✓ {file} ({file.stat().st_size / 1e6:.1f} MB)")
    return 0


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add `content` as a file."""
    add_file(archive, name, io.BytesIO(content))


def add_file(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    """Add an open file from its beginning."""
    entry = tarfile.TarInfo(name)
    entry.size = content.seek(0, io.SEEK_END)
    entry.mtime = int(time.time())
    entry.mode = 0o600  # it holds whatever the stack holds
    content.seek(0)
    archive.addfile(entry, content)


def grafana(stack: Stack) -> bytes | None:
    """Return a whole copy of Grafana's database; ValueError if each attempt met a write."""
    for _ in range(COPY_ATTEMPTS):
        database = stack.read_grafana()
        if database is None or sound(database):
            return database
    message = f"Grafana's database was being written to at each of {COPY_ATTEMPTS} attempts"
    raise ValueError(message)


def sound(database: bytes) -> bool:
    """Tell whether a copy of an SQLite database is whole."""
    with tempfile.NamedTemporaryFile(suffix=".db") as copy:
        copy.write(database)
        copy.flush()
        try:
            with contextlib.closing(sqlite3.connect(copy.name)) as connection:
                return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False


def restore(stack: Stack, file: Path) -> int:
    """Replace the data of a stopped stack by that of `file`, and start it; return the exit code."""
    if not file.is_file():
        say(f"✗ no such file: {file}. FILE= names a backup")
        return 1
    if stack.running():
        say("✗ the stack runs: stop it first")
        return 1
    if stack.has_data() and not agreed(stack.settings):
        say("nothing changed")
        return 1
    with tarfile.open(file) as archive:
        warn_of_versions(stack.settings, json.loads(member(archive, "manifest.json").read()))
        stack.wipe()
        put(stack, archive)
        stack.start()
        lines = (line.decode() for line in member(archive, "topics.jsonl"))
        count = topics.replay(stack.settings.kafka_bootstrap_servers, lines)
    say(f"✓ restored from {file}; {count} messages that QuestDB had not yet confirmed were sent to their topics again")
    return 0


def agreed(settings: Settings) -> bool:
    """Ask whether the present data may go; `YES=1` answers."""
    say("This replaces all stored events, topics and changes in Grafana by those of the backup.")
    return settings.yes or input("Type yes to go on: ").strip() == "yes"


def warn_of_versions(settings: Settings, saved: dict[str, str]) -> None:
    """Say where the backup is of other versions than those that will read it."""
    for name, version in saved.items():
        if settings.versions[name] != version:
            say(f"! the backup is of {name}={version}, this is {settings.versions[name]}")


def member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """Return a file of the archive; ValueError if this is no backup."""
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        message = f"this is no backup: it has no {name}"
        raise ValueError(message)
    return found


def put(stack: Stack, archive: tarfile.TarFile) -> None:
    """Put the files of the backup where the stack will find them."""
    with tempfile.TemporaryFile() as copy:
        copy.writelines(member(archive, "questdb.tar"))
        copy.seek(0)
        stack.write_questdb(copy)
    if "grafana.db" in archive.getnames():
        with tempfile.TemporaryFile() as copy:
            copy.writelines(member(archive, "grafana.db"))
            copy.seek(0)
            stack.write_grafana(copy)


def default_file(settings: Settings) -> Path:
    """Return where a backup goes that was given no name."""
    return settings.state_dir / "backups" / time.strftime("%Y-%m-%dT%H-%M-%SZ.tar.gz", time.gmtime())


def main() -> int:
    """Run one command; return the exit code."""
    commands = {"create": create, "restore": restore}
    parser = argparse.ArgumentParser(prog="python -m operations.backup", description=__doc__)
    parser.add_argument("command", choices=commands)
    command = parser.parse_args().command
    try:
        settings = load()
        file = settings.file or default_file(settings)
        return commands[command](chosen(settings), file)
    except ValueError as error:
        say(f"✗ {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
