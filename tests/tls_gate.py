"""TLS in front of a QuestDB of this machine: its REST interface then asks for a login, its PostgreSQL interface is encrypted."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import anyio
import requests
import trustme
import uvicorn
from stack import free_ports
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # of PostgreSQL's protocol: a client asks for TLS
CHUNK = 1 << 16  # bytes
OPEN = ("/ping", "/settings")  # QuestDB itself asks nobody for a login there; its clients look at the settings first
KEPT = ("content-type", "content-encoding")  # headers of a request that QuestDB needs


class Authority:
    """A certificate authority that nobody trusts yet, and a certificate of 127.0.0.1; their files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Write the files."""
        authority = trustme.CA()
        self.file = folder / "ca.pem"
        self.certificate = folder / "server.pem"
        authority.cert_pem.write_to_path(self.file)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(self.certificate)


@contextmanager
def rest(url: str, authority: Authority, wanted: set[str]) -> Iterator[int]:
    """Pass requests on to `url` if their Authorization header is one of `wanted`; yield the port."""

    async def passed_on(request: Request) -> Response:
        if request.url.path not in OPEN and request.headers.get("authorization") not in wanted:
            return Response("who are you?", 401)
        body = await request.body()
        answer = await anyio.to_thread.run_sync(_asked, url, request, body)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    (port,) = free_ports(1)
    certificate = str(authority.certificate)
    routes = [Route("/{path:path}", passed_on, methods=["GET", "POST", "PUT", "HEAD"])]
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=routes), port=port, ssl_keyfile=certificate, ssl_certfile=certificate, log_level="error"
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, "the gate is open", 30)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(30)


def _asked(url: str, request: Request, body: bytes) -> requests.Response:
    headers = {name: value for name, value in request.headers.items() if name in KEPT}
    target = f"{url}{request.url.path}?{request.url.query}"
    return requests.request(request.method, target, data=body, headers=headers, timeout=60)


@contextmanager
def postgres(port: int, authority: Authority) -> Iterator[int]:
    """Pass encrypted connections on to `port`, as PostgreSQL's clients begin them; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate)
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_accept, args=(door, port, context), daemon=True).start()
        yield door.getsockname()[1]


def _accept(door: socket.socket, port: int, context: ssl.SSLContext) -> None:
    with suppress(OSError):  # the door was closed
        while True:
            client, _ = door.accept()
            threading.Thread(target=_serve, args=(client, port, context), daemon=True).start()


def _serve(client: socket.socket, port: int, context: ssl.SSLContext) -> None:
    with suppress(OSError), client:
        if client.recv(len(SSL_REQUEST)) != SSL_REQUEST:
            return  # in plain: this door is for TLS only
        client.sendall(b"S")
        with (
            context.wrap_socket(client, server_side=True) as inside,
            socket.create_connection(("127.0.0.1", port)) as to,
        ):
            back = threading.Thread(target=_copy, args=(to, inside), daemon=True)
            back.start()
            _copy(inside, to)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
