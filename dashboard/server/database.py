"""Questions to QuestDB, as the read-only user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import certifi
import psycopg

from dashboard.drawing.results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 15.0  # seconds for a question, the wait for its turn included
AT_ONCE = 4  # questions; more would only wait in QuestDB


class NoAnswer(Exception):  # noqa: N818 - what a reader is told, not a fault of ours
    """QuestDB did not answer, or refused; the text says which."""


class Database:
    """Opens a connection for each question (2 ms), so that nothing is held while nobody looks, or across a restart."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Connect as `settings` say: QUESTDB_PG_HOST, …_PORT, …_SSLMODE, QUESTDB_READONLY_USER, …_PASSWORD, QUESTDB_CA."""
        self._turns = anyio.Semaphore(AT_ONCE)
        self._address = f"{settings['QUESTDB_PG_HOST']}:{settings['QUESTDB_PG_PORT']}"
        self._login: dict[str, Any] = {
            "host": settings["QUESTDB_PG_HOST"],
            "port": settings["QUESTDB_PG_PORT"],
            "user": settings["QUESTDB_READONLY_USER"],
            "password": settings["QUESTDB_READONLY_PASSWORD"],
            "dbname": "qdb",
            "sslmode": settings.get("QUESTDB_PG_SSLMODE") or "disable",
            "sslrootcert": settings.get("QUESTDB_CA") or certifi.where(),
            "autocommit": True,
        }

    async def ask(self, sql: str) -> Result:
        """Send one statement.

        Raises:
            NoAnswer: QuestDB is away, silent, or refuses the statement.

        """
        try:
            with anyio.fail_after(PATIENCE):
                async with self._turns:
                    return await self._asked(sql)
        except TimeoutError:
            raise NoAnswer(self._told("does not answer")) from None
        except psycopg.OperationalError:
            raise NoAnswer(self._told("can't be reached")) from None
        except psycopg.Error as error:
            raise NoAnswer(str(error)) from None

    async def _asked(self, sql: str) -> Result:
        async with await psycopg.AsyncConnection.connect(**self._login) as connection:
            cursor = await connection.execute(sql.encode())
            return Result([column.name for column in cursor.description or ()], await cursor.fetchall())

    def _told(self, what: str) -> str:
        return f"QuestDB {what} at {self._address}. The panel asks again by itself; `make status` says more."
