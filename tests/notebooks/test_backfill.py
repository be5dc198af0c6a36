"""`make backfill`: archives made by the simulator, whole and damaged, into a real QuestDB."""

from __future__ import annotations

import gzip
import os
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import archives
import pytest
from questdb_server import Server, running
from waiting import until

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Hours of their own, some days ago.
FIRST = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0) - timedelta(days=5)
EVENTS = 3_000


@dataclass
class Archives:
    """A QuestDB, the archives that are served, and what the whole ones hold."""

    questdb: Server
    python: Path
    folder: Path
    url: str

    def path(self, hour: int) -> Path:
        """Where the archive of an hour after FIRST lies."""
        at = FIRST + timedelta(hours=hour)
        return self.folder / f"{at:%Y-%m-%d}-{at.hour}.json.gz"

    def write(self, hour: int) -> set[tuple[str, str]]:
        """Make the archive of an hour."""
        start = (FIRST + timedelta(hours=hour)).timestamp()
        return archives.write(self.path(hour), start, EVENTS, seed=hour)

    def start(self, hour: int, hours: int, settings: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
        """Run `make backfill`'s program."""
        usual = {
            "PYTHONPATH": f"{ROOT}/ingestion:{ROOT}/notebooks",
            "QUESTDB_HTTP_URL": self.questdb.url,
            "FROM": f"{FIRST + timedelta(hours=hour):%Y-%m-%dT%H}",
            "HOURS": str(hours),
            "BACKFILL_URL": self.url + "/{date}-{hour}.json.gz",
        }
        return subprocess.Popen(
            [self.python, ROOT / "notebooks" / "backfill.py", *arguments],
            env=os.environ | usual | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, hour: int, hours: int = 1, more: dict[str, str] | None = None) -> tuple[int, str]:
        """Run it to its end; return its exit code and output."""
        program = self.start(hour, hours, more or {})
        output, _ = program.communicate(timeout=240)
        assert "Traceback" not in output, output
        return program.returncode, output

    def stored(self) -> set[tuple[str, str]]:
        """(id, created_at) of every row."""
        self.questdb.settle()
        rows = self.questdb.sql("SELECT id, to_str(timestamp, 'yyyy-MM-ddTHH:mm:ssZ') at FROM github_events")
        assert len(rows) == len({(row["id"], row["at"]) for row in rows})
        return {(row["id"], row["at"]) for row in rows}


@pytest.fixture(scope="module")
def served(notebooks_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archives]:
    folder = tmp_path_factory.mktemp("archives")
    with running(tmp_path_factory.mktemp("questdb")) as server, archives.served(folder) as url:
        yield Archives(server, notebooks_python, folder, url)


def test_hours_come_whole_and_only_once_and_the_rest_is_named(served: Archives) -> None:
    truth = served.write(0) | served.write(5)
    with gzip.open(served.path(5), "ab") as file:  # a second member, with lines that are no events
        file.write(b'{"id": 7}\n[broken\n')
    cut = served.write(1)
    served.path(1).write_bytes(served.path(1).read_bytes()[:-20_000])
    served.path(3).write_bytes(gzip.compress(b""))
    served.path(4).write_bytes(b"")
    code, output = served.run(0, 6)
    assert code == 1
    assert "h  there is no archive at" in output
    assert output.count("the archive holds no event") == 2
    assert "the archive is damaged after" in output
    assert "2 lines left out" in output or output.count("1 lines left out") + output.count(", 1 lines left out") >= 1
    assert "4 of 6 hours are not complete" in output
    found = served.stored()
    assert truth <= found
    assert 0 < len(found - truth) < len(cut)

    served.write(1)  # the archive is whole at last
    code, output = served.run(0, 2)
    assert code == 0, output
    assert "1 of 2 hours are loaded already" in output
    assert served.stored() == truth | cut
    rows = served.questdb.sql(
        "SELECT page, sum(fresh) fresh, sum(interval) seconds FROM github_polls WHERE poll = 2 GROUP BY page"
    )
    assert sum(row["fresh"] for row in rows) == 3 * EVENTS
    assert {(row["page"], row["seconds"]) for row in rows} == {(page, 3 * 3600.0) for page in (1, 2, 3)}


def test_types_and_actions_are_the_pollers(served: Archives) -> None:
    rows = served.questdb.sql("SELECT type, action, count() n FROM github_events GROUP BY type, action")
    kinds = {(row["type"], row["action"]) for row in rows}
    assert {("PushEvent", None), ("PullRequestEvent", "merged"), ("WatchEvent", "started")} <= kinds


def test_killed_in_the_middle_and_started_again(served: Archives) -> None:
    before = served.stored()
    truth = served.write(8)
    where = {"BACKFILL_URL": served.url + "/stall/{date}-{hour}.json.gz"}
    program = served.start(8, 1, where, "--batch", "500")
    count = len(before)
    until(lambda: served.questdb.sql("SELECT count() n FROM github_events")[0]["n"] > count, "some of the hour stored")
    program.kill()
    program.communicate()
    code, output = served.run(8)
    assert code == 0, output
    assert "loaded already" not in output
    assert served.stored() == before | truth


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FROM", ""),
        ("FROM", "2026-11-20"),
        ("FROM", "2020-01-01T00"),
        ("HOURS", "0"),
        ("HOURS", "400"),
        ("BACKFILL_URL", "{day}"),
    ],
)
def test_bad_settings_are_named(served: Archives, name: str, value: str) -> None:
    code, output = served.run(0, more={name: value})
    assert code == 2
    assert f"{name}: " in output.splitlines()[-1] + output


def test_nobody_there_is_said(served: Archives) -> None:
    started = time.monotonic()
    code, output = served.run(20, more={"QUESTDB_HTTP_URL": "http://127.0.0.1:1"})
    assert (code, output.startswith("QuestDB does not answer at")) == (1, True), output
    code, output = served.run(20, more={"BACKFILL_URL": "http://127.0.0.1:1/{date}-{hour}.json.gz"})
    assert code == 1
    assert "can't be read to its end" in output
    assert time.monotonic() - started < 120
