"""A QuestDB filled with known rows, as old as dashboards look back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dashboard_rows import Rows
from questdb_server import Server, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg


@pytest.fixture(scope="session")
def rows() -> Rows:
    """What was written."""
    return Rows.until_now()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, rows: Rows) -> Iterator[Server]:
    """The server that holds them."""
    with running(tmp_path_factory.mktemp("questdb")) as server:
        for lines in rows.lines():
            response = server.write(lines)
            assert response.status_code == 204, response.text
        server.settle()
        yield server


@pytest.fixture(scope="session")
def reader(filled: Server) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection as Grafana opens it."""
    with filled.connect() as connection:
        yield connection
