"""A QuestDB with the shipped settings and schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from questdb_server import Server, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def questdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("questdb")) as server:
        yield server


@pytest.fixture
def fresh(questdb: Server) -> Server:
    """Empty tables and views: dropped and made again, as TRUNCATE would leave the views invalid."""
    for view in ("type_1h", "type_1m", "repo_1d", "repo_10m", "actor_1d", "actor_10m"):
        questdb.sql(f"DROP MATERIALIZED VIEW IF EXISTS github_events_{view}")
    questdb.sql("DROP TABLE IF EXISTS github_events")
    questdb.apply_schema()
    return questdb
