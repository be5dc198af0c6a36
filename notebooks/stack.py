"""Where the stack is, from environment variables: the one place where notebooks find their connections.

Jupyter gets the variables from `docker compose` or `make up`; elsewhere the defaults of the stack on this machine hold.
Queries go through a user who may only read. Importing this module also chooses the look of the charts.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pandas as pd
import plotly.io
import psycopg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KAFKA = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
CONNECT = os.environ.get("CONNECT_URL", "http://localhost:8083")
QUESTDB = os.environ.get("QUESTDB_HTTP_URL", "http://localhost:9000")
# For psycopg.connect(**POSTGRES).
POSTGRES: dict[str, Any] = {
    "host": os.environ.get("QUESTDB_PG_HOST", "localhost"),
    "port": int(os.environ.get("QUESTDB_PG_PORT", "8812")),
    "user": os.environ.get("QUESTDB_READONLY_USER", "user"),
    "password": os.environ.get("QUESTDB_READONLY_PASSWORD", "quest"),
    "dbname": "qdb",
}
# For requests.get(QUESTDB + …, auth=LOGIN); nobody asks for a login unless QUESTDB_HTTP_USER is set.
# As bytes, because requests would encode text as Latin-1, and QuestDB expects UTF-8.
LOGIN = (
    (os.environ["QUESTDB_HTTP_USER"].encode(), os.environ["QUESTDB_HTTP_PASSWORD"].encode())
    if os.environ.get("QUESTDB_HTTP_USER")
    else None
)

plotly.io.templates.default = "plotly_white"
# The first for JupyterLab, the second for the classic page and exported HTML; both work offline.
plotly.io.renderers.default = "plotly_mimetype+notebook"


def query(sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return the rows of a query as a frame; `parameters` fill its `%s` or `%(name)s`. Raises psycopg.Error."""
    with psycopg.connect(**POSTGRES, autocommit=True) as connection:
        cursor = connection.execute(sql, parameters)
        return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or []])


def questdb_client() -> str:
    """Return the configuration string of QuestDB's own client, which writes over ILP/HTTP."""
    # A semicolon inside a value is written twice.
    user, password = (word.decode().replace(";", ";;") for word in LOGIN or (b"", b""))
    login = f"username={user};password={password};" if LOGIN else ""
    return f"http::addr={QUESTDB.removeprefix('http://')};{login}"
