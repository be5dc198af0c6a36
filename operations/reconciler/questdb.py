"""SQL over the REST interface of QuestDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from requests.auth import HTTPBasicAuth

from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    import requests

# Seconds to wait for an answer. A change is written to a log and applied later, so it takes no longer on a large table.
LOOKING, CHANGING = 10.0, 25.0


class QuestDb:
    """SQL over the REST interface of QuestDB at `url`; `user` and `password` may be empty."""

    def __init__(self, session: requests.Session, url: str, user: str = "", password: str = "") -> None:
        """Use `session` for every request."""
        self._session = session
        self._url = url.rstrip("/") + "/exec"
        # As bytes, because requests would encode text as Latin-1, and QuestDB expects UTF-8.
        self._auth = HTTPBasicAuth(user.encode(), password.encode()) if user else None

    def run(self, sql: str) -> list[dict[str, Any]]:
        """Run one statement; return its rows, none for DDL.

        Raises:
            Problem: QuestDB refused the statement; the message is QuestDB's own.
            requests.RequestException: QuestDB does not answer.

        """
        # While a look hangs, Connect is not looked after.
        timeout = LOOKING if sql.lstrip().startswith(("SELECT", "SHOW")) else CHANGING
        answer = self._session.get(self._url, params={"query": sql}, auth=self._auth, timeout=timeout)
        try:
            body = answer.json()
        except ValueError:
            message = f"QuestDB answers {answer.status_code} {answer.text[:200]}"
            raise Problem(message) from None
        if "error" in body:
            raise Problem(body["error"])
        names = [column["name"] for column in body.get("columns", [])]
        return [dict(zip(names, row, strict=True)) for row in body.get("dataset", [])]

    def names(self) -> set[str]:
        """Return the names of all tables and views."""
        return {row["table_name"] for row in self.run("SELECT table_name FROM tables()")}
