"""QuestDB as backup and restore see it: its checkpoint, and how many rows each table has."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from operations.local.console import say
from operations.reconciler.problems import Problem
from operations.reconciler.tables import QuestDb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from operations.backup.archive import Rows
    from operations.local.settings import Settings

TABLES = "SELECT table_name FROM tables() WHERE NOT matView"
EVICTING = "SELECT table_name FROM tables() WHERE ttlValue > 0"
RELEASE = "CHECKPOINT RELEASE"


def database(settings: Settings) -> QuestDb:
    """Return the stack's QuestDB."""
    return QuestDb(requests.Session(), *settings.questdb)


@contextmanager
def checkpoint(settings: Settings) -> Iterator[None]:
    """Hold QuestDB's files still enough to be copied; writes go on."""
    questdb, note = database(settings), settings.state_dir / "checkpoint.json"
    _release_ours(questdb, note)
    try:
        questdb.run("CHECKPOINT CREATE")
        note.write_text(json.dumps(_started(questdb)), encoding="utf-8")
        yield
    finally:
        # Also after no answer came: the statement may have got there.
        questdb.run(RELEASE)
        note.unlink(missing_ok=True)


def _release_ours(questdb: QuestDb, note: Path) -> None:
    """Release a checkpoint that a killed backup of this stack left; Problem if it is somebody else's."""
    started = _started(questdb)
    if started is None:
        return
    if not note.exists() or json.loads(note.read_text(encoding="utf-8")) != started:
        message = (
            f"QuestDB holds a checkpoint since {started}, so another program may be copying its files. "
            f"If none is, run {RELEASE} in QuestDB's console, then try again"
        )
        raise Problem(message)
    questdb.run(RELEASE)
    say("! released the checkpoint that a killed backup had left")


def _started(questdb: QuestDb) -> str | None:
    started: str | None = questdb.run("SELECT started_at FROM checkpoint_status()")[0]["started_at"]
    return started


def rows(settings: Settings) -> Rows:
    """Return newest timestamp and number of rows of each partition of each table; views follow from their tables."""
    questdb = database(settings)
    return {row["table_name"]: _partitions(questdb, row["table_name"]) for row in questdb.run(TABLES)}


def _partitions(questdb: QuestDb, table: str) -> list[tuple[str, int]]:
    quoted = table.replace("'", "''")
    found = questdb.run(f"SELECT maxTimestamp, numRows FROM table_partitions('{quoted}') WHERE NOT detached")  # noqa: S608
    return [(row["maxTimestamp"] or "", row["numRows"]) for row in found]


def at_least(before: Rows, after: Rows) -> Rows:
    """Return what a checkpoint holds for sure that was made between two looks: others may drop tables and partitions."""
    return {
        table: partitions if _count(partitions) <= _count(after[table]) else after[table]
        for table, partitions in before.items()
        if table in after
    }


def lost(settings: Settings, saved: Rows) -> list[str]:
    """Return a sentence for each table that has fewer rows than `saved`, other than those its TTL has dropped since."""
    found = rows(settings)
    evicting = {row["table_name"] for row in database(settings).run(EVICTING)}
    sentences = []
    for table, partitions in saved.items():
        # TTL drops whole partitions, the oldest first.
        oldest = min((newest for newest, _ in found.get(table, [])), default="") if table in evicting else ""
        expected = _count([part for part in partitions if part[0] >= oldest])
        if _count(found.get(table, [])) < expected:
            sentences.append(f"table {table} has {_count(found.get(table, []))} rows, the backup had {expected}")
    return sentences


def _count(partitions: list[tuple[str, int]]) -> int:
    return sum(count for _, count in partitions)
