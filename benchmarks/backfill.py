"""`make bench-backfill`: hours of archives, made by the simulator and served on loopback, into a QuestDB of its own.

The command is killed in the middle of an hour and started again. Then the rows must be those of the archives, each once. How fast it
was and the most memory it took go into docs/benchmarks.md, beside the same for one small hour: memory must not grow with the
archive. HOURS (6) and EVENTS (600000, of an hour) in the environment change the size.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import archives
import psutil
import report
from questdb_server import Server, running

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / os.environ.get("NOTEBOOKS_VENV", ".local/notebooks-venv") / "bin" / "python"
MB = 2**20


@dataclass
class Run:
    """What one run of `make backfill` took."""

    seconds: float
    memory: int  # the most bytes that were resident


def backfill(server: Server, url: str, first: datetime, hours: int, *, kill_at: int | None = None) -> Run:
    """Run the command to its end; or kill it once so many rows are stored."""
    settings = {
        "PYTHONPATH": f"{ROOT}/ingestion:{ROOT}/notebooks",
        "QUESTDB_HTTP_URL": server.url,
        "BACKFILL_URL": url + "/{date}-{hour}.json.gz",
        "FROM": f"{first:%Y-%m-%dT%H}",
        "HOURS": str(hours),
    }
    started, memory = time.monotonic(), 0
    program = psutil.Popen([PYTHON, ROOT / "notebooks" / "backfill.py"], env=os.environ | settings, stdout=sys.stderr)
    while program.poll() is None:
        memory = max(memory, program.memory_info().rss)
        if kill_at and rows(server) >= kill_at:
            program.kill()
        time.sleep(0.2)
    assert kill_at or program.returncode == 0, "make backfill failed"
    return Run(time.monotonic() - started, memory)


def rows(server: Server) -> int:
    """Return how many rows github_events has."""
    return int(server.sql("SELECT count() n FROM github_events")[0]["n"])


def digest(keys: set[tuple[str, str]]) -> str:
    """Return the same text for the same set."""
    return hashlib.sha256("\n".join(sorted(f"{identity} {at}" for identity, at in keys)).encode()).hexdigest()


def stored(server: Server, first: datetime) -> set[tuple[str, str]]:
    """Return (id, created_at) of every row, asked for by the day: late events are older than their archive."""
    found: set[tuple[str, str]] = set()
    for day in range(-3, 3):
        date = f"{first + timedelta(days=day):%Y-%m-%d}"
        answer = server.sql(
            f"SELECT id, to_str(timestamp, 'yyyy-MM-ddTHH:mm:ssZ') at FROM github_events WHERE timestamp IN '{date}'"
        )
        found |= {(row["id"], row["at"]) for row in answer}
    return found


def archive(folder: Path, hour: datetime) -> Path:
    """Return where the archive of an hour lies."""
    return folder / f"{hour:%Y-%m-%d}-{hour.hour}.json.gz"


def measure(folder: Path, hours: int, events: int) -> list[list[object]]:
    """Return the rows of the page's table."""
    first = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=4)
    truth = set()
    for number in range(hours):
        at = first + timedelta(hours=number)
        truth |= archives.write(archive(folder, at), at.timestamp(), events, seed=number)
        print(f"archive {number + 1} of {hours}", file=sys.stderr)
    small = first + timedelta(hours=hours)
    few = archives.write(archive(folder, small), small.timestamp(), events // 10, seed=hours)
    size = sum(archive(folder, first + timedelta(hours=number)).stat().st_size for number in range(hours)) // MB
    with running(folder / "questdb") as server, archives.served(folder) as url:
        one = backfill(server, url, small, 1)
        killed = backfill(server, url, first, hours, kill_at=len(few) + int(0.58 * len(truth)))
        between = rows(server)
        again = backfill(server, url, first, hours)
        server.settle()
        assert rows(server) == len(truth | few), f"{rows(server)} rows, {len(truth | few)} in the archives"
        assert digest(stored(server, first)) == digest(truth | few), "the rows are not those of the archives"
    seconds, memory = killed.seconds + again.seconds, max(killed.memory, again.memory)
    return [
        [1, f"{len(few):,}", archive(folder, small).stat().st_size // MB, f"{one.seconds:.0f}", f"{len(few) / one.seconds:,.0f}", one.memory // MB],
        [f"{hours}, killed at {between:,} rows and started again", f"{len(truth):,}", size, f"{seconds:.0f}",
         f"{len(truth) / seconds:,.0f}", memory // MB],
    ]  # fmt: skip


def main() -> None:
    """Measure, and write the table."""
    argparse.ArgumentParser(prog="make bench-backfill", description=__doc__).parse_args()
    hours, events = int(os.environ.get("HOURS") or 6), int(os.environ.get("EVENTS") or 600_000)
    with tempfile.TemporaryDirectory(prefix="rta-backfill-") as folder:
        found = measure(Path(folder), hours, events)
    head = ["archives", "events", "MB (gz)", "seconds", "events a second", "most memory, MB"]
    text = f"{report.machine()}\n\n{report.table(head, found)}"
    report.write("backfill", text)
    print(text)


if __name__ == "__main__":
    main()
