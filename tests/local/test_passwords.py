"""`make secrets`: passwords that nobody else has, where nobody else can read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values

from operations.local import obstacles, passwords
from operations.local.settings import load

if TYPE_CHECKING:
    from pathlib import Path


def test_every_password_that_an_open_address_needs_is_written_and_differs(tmp_path: Path) -> None:
    path = tmp_path / ".env.secrets"
    passwords.write(path)
    found = {name: value or "" for name, value in dotenv_values(path).items()}
    assert obstacles.passwords(load({"BIND_ADDRESS": "0.0.0.0", **found})) == []  # noqa: S104 - not bound
    assert len({found[name] for name in passwords.NAMES}) == len(passwords.NAMES)
    assert path.stat().st_mode & 0o777 == 0o600


def test_passwords_in_use_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / ".env.secrets"
    passwords.write(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        passwords.write(path)
    assert path.read_bytes() == before
