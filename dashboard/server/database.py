"""Questions to QuestDB, as the read-only user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from dashboard.drawing.results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 15.0  # seconds for a question, a wait for a connection included
CONNECTIONS = 4  # QuestDB has two cores to answer with; more would only wait there


class NoAnswer(Exception):  # noqa: N818 - it is an answer to the reader
    """QuestDB did not answer, or refused; the text says which."""


class Database:
    """A few connections that are opened when somebody looks and closed when nobody does."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Connect as `settings` say: QUESTDB_PG_HOST, QUESTDB_PG_PORT, QUESTDB_READONLY_USER, QUESTDB_READONLY_PASSWORD."""
        self._address = f"{settings['QUESTDB_PG_HOST']}:{settings['QUESTDB_PG_PORT']}"
        self._pool = AsyncConnectionPool(
            kwargs={
                "host": settings["QUESTDB_PG_HOST"],
                "port": settings["QUESTDB_PG_PORT"],
                "user": settings["QUESTDB_READONLY_USER"],
                "password": settings["QUESTDB_READONLY_PASSWORD"],
                "dbname": "qdb",
                "sslmode": "disable",
                "autocommit": True,
                "connect_timeout": 5,
                # Each question holds other times, so none is worth preparing.
                "prepare_threshold": None,
            },
            min_size=0,
            max_size=CONNECTIONS,
            max_idle=30,
            timeout=PATIENCE,
            reconnect_timeout=0,
            open=False,
        )

    async def open(self) -> None:
        """Start the pool; it connects when it is asked."""
        await self._pool.open()

    async def close(self) -> None:
        """End all connections."""
        await self._pool.close()

    async def ask(self, sql: str) -> Result:
        """Send one statement.

        Raises:
            NoAnswer: QuestDB is away, silent, or refuses the statement.

        """
        try:
            with anyio.fail_after(PATIENCE):
                return await self._twice(sql)
        except (TimeoutError, PoolTimeout):
            message = (
                f"QuestDB does not answer at {self._address}. The panel asks again by itself; `make status` says more."
            )
            raise NoAnswer(message) from None
        except psycopg.OperationalError:
            message = (
                f"QuestDB can't be reached at {self._address}. The panel asks again by itself; `make status` says more."
            )
            raise NoAnswer(message) from None
        except psycopg.Error as error:
            raise NoAnswer(str(error)) from None

    async def _twice(self, sql: str) -> Result:
        """Ask once more if the connection was one from before a restart of QuestDB."""
        try:
            return await self._once(sql)
        except psycopg.OperationalError:
            return await self._once(sql)

    async def _once(self, sql: str) -> Result:
        async with self._pool.connection() as connection:
            cursor: psycopg.AsyncCursor[tuple[Any, ...]] = await connection.execute(sql.encode())
            return Result([column.name for column in cursor.description or ()], await cursor.fetchall())
