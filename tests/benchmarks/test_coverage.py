"""The benchmark of coverage, short: it runs, and a poller captures all that its requests showed."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_one_language_and_plan() -> None:
    path = os.pathsep.join(str(ROOT / folder) for folder in ("", "ingestion", "tests"))
    choices = [
        "--languages",
        "python",
        "--plans",
        "10 s",
        "--hours",
        "0.05",
        "--scale",
        "20",
        "--identities",
        "6000",
        "--dry-run",
    ]
    command = [sys.executable, str(ROOT / "benchmarks/coverage.py"), *choices]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("| python"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[5] == "100.00 %"
    assert int(cells[4].replace(",", "")) > 300
    assert re.fullmatch(r"(\d+) of \1", cells[8])
    memory = [line for line in done.stdout.splitlines() if line.startswith("| python")][-1]
    rss, bound = (int(cell) for cell in memory.strip("| ").split(" | ")[1:])
    assert 20 < rss < bound
