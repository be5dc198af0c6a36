"""SQL over the REST interface of QuestDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from requests.auth import AuthBase, HTTPBasicAuth

from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    import requests

# Seconds to wait for an answer. A change is written to a log and applied later, so it takes no longer on a large table.
LOOKING, CHANGING = 10.0, 25.0


class Bearer(AuthBase):
    """A token, as HTTP has it."""

    def __init__(self, token: str) -> None:
        """Send `token` with each request."""
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Access(NamedTuple):
    """How the REST interface of QuestDB is reached: user, token and `ca`, the file with a private authority, may be empty."""

    url: str
    user: str = ""
    password: str = ""
    token: str = ""
    ca: str = ""

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Access({self.url!r})"

    @property
    def auth(self) -> AuthBase | None:
        """Return the `auth` of a request, None where no login is asked for."""
        if self.token:
            return Bearer(self.token)
        # As bytes, because requests would encode text as Latin-1, and QuestDB expects UTF-8.
        return HTTPBasicAuth(self.user.encode(), self.password.encode()) if self.user else None

    @property
    def verify(self) -> str | bool:
        """Return the `verify` of a request."""
        return self.ca or True


class QuestDb:
    """SQL over the REST interface of QuestDB, which is reached as Access says."""

    def __init__(self, session: requests.Session, *access: str) -> None:
        """Use `session` for every request."""
        self._session = session
        self._access = Access(*access)

    def run(self, sql: str) -> list[dict[str, Any]]:
        """Run one statement; return its rows, none for DDL.

        Raises:
            Problem: QuestDB refused the statement; the message is QuestDB's own.
            requests.RequestException: QuestDB does not answer.

        """
        # While a look hangs, Connect is not looked after.
        timeout = LOOKING if sql.lstrip().startswith(("SELECT", "SHOW")) else CHANGING
        url, auth, verify = self._access.url.rstrip("/") + "/exec", self._access.auth, self._access.verify
        answer = self._session.get(url, params={"query": sql}, auth=auth, verify=verify, timeout=timeout)
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
