"""A checkout on Windows: git would write CRLF, which neither sh nor Java's properties files nor env files survive."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from questdb_server import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Run git as on Windows, where its installer sets core.autocrlf."""
    command = ["git", "-C", str(folder), "-c", "core.autocrlf=true", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_no_file_gets_crlf_on_windows(tmp_path: Path) -> None:
    # What is committed or staged, written by another git with the settings of Windows.
    git(ROOT, "checkout-index", "--all", f"--prefix={tmp_path}/")
    changed = [
        path.relative_to(tmp_path)
        for path in tmp_path.rglob("*")
        if path.is_file() and path.suffix != ".png" and b"\r\n" in path.read_bytes()
    ]
    assert changed == []
