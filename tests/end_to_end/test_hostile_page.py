"""A web page of somebody else, open in a browser of this machine, changes no data of the stack as it is shipped.

The requests are those that a browser sends for such a page without asking the server first: GET, and POST with the types of a form
or with none. Anything else a browser announces by OPTIONS, and no part of the stack agrees.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest
import requests
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Pipeline

ORIGIN = {"Origin": "http://hostile.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
FORM_TYPES = (None, "text/plain", "application/x-www-form-urlencoded")
FILES = "multipart/form-data; boundary=x"
TABLE = "hostile"


class Attempt(NamedTuple):
    """What a page sends to one of the stack's ports (a field of Ports)."""

    port: str
    method: str
    path: str
    body: str = ""


SQL = [
    Attempt("questdb_http", "GET", f"/exec?query=CREATE%20TABLE%20{TABLE}%20(a%20INT)"),
    Attempt("questdb_http", "POST", f"/exec?query=CREATE%20TABLE%20{TABLE}%20(a%20INT)"),
    Attempt("questdb_http", "GET", "/exec?query=DROP%20TABLE%20iot_data"),
    Attempt("questdb_http", "GET", "/exp?query=DROP%20TABLE%20iot_data"),
    Attempt("questdb_http", "POST", "/write?precision=ms", f'{TABLE} a=1i\niot_data device_type="{TABLE}"\n'),
    Attempt(
        "questdb_http",
        "POST",
        f"/imp?name={TABLE}",
        '--x\r\nContent-Disposition: form-data; name="data"\r\n\r\na\n1\n\r\n--x--\r\n',
    ),
]
CONNECTOR = {"connector.class": "org.apache.kafka.connect.tools.MockSinkConnector", "topics": "iot_data"}
CONNECT = [
    Attempt("connect", "POST", "/connectors", json.dumps({"name": TABLE, "config": CONNECTOR})),
]
JOLOKIA = json.dumps({"type": "exec", "mbean": "java.lang:type=Memory", "operation": "gc"})
LOOKING = [
    Attempt("broker_jolokia", "POST", "/jolokia", JOLOKIA),
    Attempt("connect_jolokia", "POST", "/jolokia", JOLOKIA),
    Attempt("broker_jolokia", "GET", "/jolokia/exec/java.lang:type=Memory/gc"),
]


def send(stack: Pipeline, attempt: Attempt, content_type: str | None) -> requests.Response:
    """Send what the browser would."""
    url = f"http://127.0.0.1:{getattr(stack.settings.ports, attempt.port)}{attempt.path}"
    headers = ORIGIN | ({"Content-Type": content_type} if content_type else {})
    return requests.request(attempt.method, url, data=attempt.body.encode(), headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("attempt", "content_type"),
    [(each, kind) for each in SQL for kind in ((FILES,) if "/imp" in each.path else FORM_TYPES)],
)
def test_questdb_asks_for_a_login_that_no_page_sends(
    stack: Pipeline, attempt: Attempt, content_type: str | None
) -> None:
    answer = send(stack, attempt, content_type)
    assert answer.status_code == requests.codes.unauthorized
    # Without a challenge a browser neither asks its user nor sends a login that an address has in it.
    assert "WWW-Authenticate" not in answer.headers
    tables = {row[0] for row in stack.sql("SELECT table_name FROM tables()")}
    assert "iot_data" in tables
    assert TABLE not in tables


@pytest.mark.parametrize("content_type", FORM_TYPES)
@pytest.mark.parametrize("attempt", CONNECT)
def test_connect_takes_no_connector_in_a_form(stack: Pipeline, attempt: Attempt, content_type: str | None) -> None:
    assert send(stack, attempt, content_type).status_code == requests.codes.unsupported_media_type
    assert "error_code" in stack.connector(TABLE)


@pytest.mark.parametrize("attempt", LOOKING)
def test_jolokia_only_looks(stack: Pipeline, attempt: Attempt) -> None:
    answer = send(stack, attempt, "text/plain")
    assert not answer.ok or answer.json()["status"] == requests.codes.forbidden


@pytest.mark.parametrize("port", ["questdb_http", "connect", "broker_jolokia", "connect_jolokia"])
def test_other_requests_are_not_agreed_to(stack: Pipeline, port: str) -> None:
    wanted = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type"}
    url = f"http://127.0.0.1:{getattr(stack.settings.ports, port)}/"
    try:
        answer = requests.options(url, headers=ORIGIN | wanted, timeout=10)
    except requests.RequestException:
        return  # no answer is no agreement either
    assert answer.headers.get("Access-Control-Allow-Origin") not in {"*", ORIGIN["Origin"]}


@pytest.fixture
def rows(stack: Pipeline) -> Iterator[str]:
    """A table that a program may fill over the socket."""
    stack.sql("CREATE TABLE of_a_socket (timestamp TIMESTAMP, who SYMBOL) TIMESTAMP(timestamp) PARTITION BY DAY WAL")
    yield "of_a_socket"
    stack.sql("DROP TABLE of_a_socket")


def test_lines_in_a_request_of_http_are_no_rows(stack: Pipeline, rows: str) -> None:
    """ILP over a socket has no login, and a browser opens that socket for any page. QuestDB ends it at the first line."""
    where = "127.0.0.1", stack.settings.ports.questdb_ilp
    line = f"{rows},who={{}} 1700000000000000000\n".format
    with socket.create_connection(where, timeout=30) as browser:
        head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 120\r\n\r\n"
        browser.sendall((head + 2 * line("page")).encode())
        browser.shutdown(socket.SHUT_WR)
        while browser.recv(4096):
            pass
    # The same line by itself is stored; by then nothing of the request can still be on its way.
    with socket.create_connection(where, timeout=30) as program:
        program.sendall(line("program").encode())
        until(lambda: stack.count(rows), "the row of a program", 30, lambda: stack.log("questdb"))
    assert stack.sql(f"SELECT DISTINCT who FROM {rows}") == [["program"]]
