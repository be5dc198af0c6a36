"""A QuestDB of the version we ship, with questdb/server.env and questdb/schema, on free ports: for tests that need the real one."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import requests
from dotenv import dotenv_values
from stack import QUICK_JVM, free_ports
from waiting import until

from operations.reconciler import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
JAR = Path(os.environ.get("STATE_DIR") or ROOT / ".local") / "jars" / "questdb.jar"
OPENS = ("java.lang", "java.lang.reflect", "java.nio", "java.time.zone")
ADMIN = ("admin", "quest")
READER = ("user", "quest")


@dataclass
class Server:
    """A running QuestDB: REST (`http`) and PostgreSQL wire (`pg`) on ports of loopback, its state in `root`."""

    root: Path
    http: int
    pg: int
    health: int

    @property
    def url(self) -> str:
        """Address of the REST interface."""
        return f"http://127.0.0.1:{self.http}"

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        return (self.root / "questdb.log").read_text(errors="replace")

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """Run one statement as administrator; return its rows. A refusal raises operations.reconciler.problems.Problem."""
        return tables.QuestDb(requests.Session(), self.url).run(statement)

    def write(self, lines: Iterable[str]) -> requests.Response:
        """Send lines of the InfluxDB line protocol, timestamps in microseconds, as one request."""
        body = "\n".join(lines).encode()
        return requests.post(f"{self.url}/write", params={"precision": "us"}, data=body, timeout=60)

    def connect(self, user: tuple[str, str] = READER) -> psycopg.Connection[Any]:
        """Open a connection over PostgreSQL wire, by default as the read-only user."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.pg,
            user=user[0],
            password=user[1],
            dbname="qdb",
            sslmode="disable",
            autocommit=True,
        )

    def apply_schema(self) -> None:
        """Create the tables and views of questdb/schema."""
        tables.apply(tables.QuestDb(requests.Session(), self.url), tables.read(ROOT / "questdb" / "schema"))

    def settle(self) -> None:
        """Wait until all that was written is in the tables and in every view."""
        until(lambda: not self._unapplied(), "writes applied", show=self._state)
        for view in self._behind():
            self.sql(f"REFRESH MATERIALIZED VIEW {view} INCREMENTAL")
        until(lambda: not self._unapplied() and not self._behind(), "views refreshed", show=self._state)

    def _state(self) -> str:
        return f"not applied: {self._unapplied()}, behind: {self._behind()}; {self.log}"

    def _unapplied(self) -> list[dict[str, Any]]:
        return self.sql("SELECT name, writerTxn, sequencerTxn FROM wal_tables() WHERE writerTxn <> sequencerTxn")

    def _behind(self) -> list[str]:
        # QuestDB leaves a view out of materialized_views() while it writes its state, hence the join.
        rows = self.sql(
            "SELECT table_name FROM tables() LEFT JOIN materialized_views() ON view_name = table_name "
            "WHERE table_type = 'M' AND (view_status <> 'valid' OR refresh_base_table_txn <> base_table_txn)"
        )
        return [row["table_name"] for row in rows]

    def answers(self) -> bool:
        """Tell whether it takes queries."""
        with suppress(requests.ConnectionError, requests.Timeout):
            return requests.get(f"{self.url}/exec", params={"query": "SELECT 1"}, timeout=5).ok
        return False


def _environment(server: Server, line: int) -> dict[str, str]:
    settings = {name: value or "" for name, value in dotenv_values(ROOT / "questdb" / "server.env").items()}
    binds = {"HTTP": server.http, "PG": server.pg, "HTTP_MIN": server.health, "LINE_TCP": line}
    return {
        **os.environ,
        **settings,
        **{f"QDB_{name}_NET_BIND_TO": f"127.0.0.1:{port}" for name, port in binds.items()},
    }


def _command(root: Path) -> list[str]:
    java = shutil.which("java")
    assert java, "no java on the path: QuestDB needs JDK 17 or later"
    assert JAR.is_file(), f"{JAR} is missing: `make jars` puts it there"
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENS]
    options = ("-Xmx256m", "-XX:+UseSerialGC", *QUICK_JVM.split())
    return [java, *options, *opens, "-cp", str(JAR), "io.questdb.ServerMain", "-d", str(root)]


@contextmanager
def running(root: Path, *, schema: bool = True) -> Iterator[Server]:
    """Start QuestDB with its state in `root` (made if missing), yield it, stop it."""
    root.mkdir(parents=True, exist_ok=True)
    http, pg, health, line = free_ports(4)
    server = Server(root, http, pg, health)
    with (root / "questdb.log").open("ab") as log:
        process = subprocess.Popen(_command(root), env=_environment(server, line), stdout=log, stderr=log)
    try:
        until(lambda: server.answers() or process.poll() is not None, "QuestDB answers", show=lambda: server.log)
        assert process.poll() is None, server.log
        if schema:
            server.apply_schema()
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)
