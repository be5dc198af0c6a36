"""`make backup`: a backup of a running stack."""

from __future__ import annotations

import io
import tempfile
from typing import TYPE_CHECKING

from confluent_kafka.admin import AdminClient

from operations.backup import archive, tables, topics
from operations.local.console import say
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from operations.backup.archive import Rows
    from operations.backup.stacks import Stack
    from operations.reconciler.kafka import Client

VERSIONS = ("STACK_VERSION", "QUESTDB_VERSION", "KAFKA_VERSION", "GRAFANA_VERSION")
COPY_ATTEMPTS = 5  # of Grafana's database, which it may just be writing to


def create(stack: Stack, file: Path) -> None:
    """Write the backup of a running stack to `file`.

    Raises:
        Problem: nothing runs, or a part of the stack refuses; then there is no file.

    """
    if not stack.running():
        message = f"nothing runs, or not as it should: {stack.starting} first, a backup is taken from a running stack"
        raise Problem(message)
    if file.is_dir():
        message = f"{file} is a folder: FILE= names the file to write"
        raise Problem(message)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kafka = stack.settings.kafka
    admin = AdminClient({**kafka, "log_level": 0})
    # Positions first: what lies before them is in QuestDB by now, and then in the checkpoint.
    since = topics.positions(admin)
    described = topics.described(admin, since)
    # The parts lie where the backup will, not where temporary files do: a disk of memory may be too small for them.
    with archive.written(file) as backup, _temporary(file) as questdb, _temporary(file) as messages:
        rows = _copy(stack, questdb)
        count = _export(kafka, since, messages)
        manifest = archive.Manifest({name: stack.settings.versions[name] for name in VERSIONS}, described, rows, count)
        archive.add(backup, archive.MANIFEST, io.BytesIO(manifest.dumped()))
        archive.add(backup, archive.QUESTDB, questdb)
        archive.add(backup, archive.MESSAGES, messages)
        if database := grafana(stack):
            archive.add(backup, archive.GRAFANA, io.BytesIO(database))
    say(f"✓ {file} ({file.stat().st_size / 1e6:.1f} MB)")


def _temporary(file: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=file.parent)


def _copy(stack: Stack, into: IO[bytes]) -> Rows:
    """Copy QuestDB's folders; return the rows that are in the copy for sure."""
    before = tables.rows(stack.settings)
    with tables.checkpoint(stack.settings):
        stack.read_questdb(into)
    return tables.at_least(before, tables.rows(stack.settings))


def _export(kafka: Client, since: topics.Positions, into: IO[bytes]) -> int:
    into.writelines(line.encode() + b"\n" for line in topics.export(kafka, since))
    into.seek(0)
    return sum(1 for _ in into)


def grafana(stack: Stack) -> bytes | None:
    """Return a whole copy of Grafana's database; Problem if each attempt met a write."""
    for _ in range(COPY_ATTEMPTS):
        database = stack.read_grafana()
        if database is None or archive.sound(database):
            return database
    message = f"Grafana's database was being written to at each of {COPY_ATTEMPTS} attempts: try again"
    raise Problem(message)
