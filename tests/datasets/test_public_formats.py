"""Formats that others publish, read without a setting: the time, the key, the types, each record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from public_formats import FOLDER, FORMATS, NOT_UNDERSTOOD, POOR

from datasets import columns, loading, sample
from datasets.columns import Wishes
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if each.quick else pytest.mark.thorough) for name, each in FORMATS.items()]
)
def test_is_understood_without_a_setting(name: str, tmp_path: Path) -> None:
    wanted = FORMATS[name]
    found = sample.read(FOLDER / name, tmp_path)
    decisions = columns.decide(found, Wishes())
    assert (decisions.rows, decisions.time.name, decisions.key) == (wanted.rows, wanted.time, wanted.key)
    assert decisions.first
    assert decisions.first.isoformat().startswith(wanted.first)
    types = {column.name: column.type for column in decisions.columns}
    assert types.items() >= wanted.types.items()
    records = [json.loads(line) for line in loading.records(found, decisions)]
    assert len(records) == wanted.rows
    assert records[0].items() >= wanted.record.items()


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=NOT_UNDERSTOOD[name]):
        columns.decide(sample.read(FOLDER / name, tmp_path), Wishes())


def test_every_file_is_in_a_table() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*FORMATS, *NOT_UNDERSTOOD, *POOR}
