"""A copy of the checkout is one: what a test writes there does not change the checkout."""

from __future__ import annotations

import subprocess

import copies
from questdb_server import ROOT


def test_no_file_of_a_copy_is_that_of_the_checkout() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    with copies.copy() as folder:
        there = [name for name in listed if (folder / name).is_file()]
        assert len(there) > len(listed) / 2
        assert [name for name in there if (folder / name).samefile(ROOT / name)] == []
