"""A proxy as companies have it: it looks into TLS, with certificates of an authority of its own."""

from __future__ import annotations

import ssl
import tempfile
import threading
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import requests
import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Of one connection only; the body is passed on decoded, and its length may be another.
HOP = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length"}
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")  # what this machine trusts; else what comes with requests
CHUNK = 1 << 16  # bytes


class Proxy(ThreadingHTTPServer):
    """Listens on `address`; hosts of `instead` are answered by the address that is named there, all others by themselves."""

    daemon_threads = True

    def __init__(self, address: str, instead: Mapping[str, str]) -> None:
        """Make an authority, listen."""
        super().__init__((address, 0), _Handler)
        self.instead = instead
        self.asked: list[str] = []
        self._authority = trustme.CA()
        self.context = cache(self._context)

    @property
    def url(self) -> str:
        """What HTTPS_PROXY has to be."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    @property
    def certificate(self) -> str:
        """The authority's certificate, as PEM text."""
        return self._authority.cert_pem.bytes().decode()

    def _context(self, host: str) -> ssl.SSLContext:
        """Return how to be `host`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host).configure_cert(context)
        return context


@contextmanager
def listening(address: str, instead: Mapping[str, str]) -> Iterator[Proxy]:
    """Run a proxy on a free port of `address`."""
    with Proxy(address, instead) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()


class _Handler(BaseHTTPRequestHandler):
    """One connection: CONNECT, TLS, and then requests as the host itself would get them."""

    server: Proxy
    protocol_version = "HTTP/1.1"
    timeout = 60
    origin = ""

    def do_CONNECT(self) -> None:
        """Become the host that is asked for."""
        host, _, port = self.path.rpartition(":")
        self.server.asked.append(host)
        self.send_response_only(requests.codes.ok)
        self.end_headers()
        try:
            self.connection = self.server.context(host).wrap_socket(self.connection, server_side=True)
        except OSError:  # our authority is not trusted
            self.close_connection = True
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.close_connection = False  # as a client that asks for the tunnel in HTTP/1.0 would have it
        self.origin = self.server.instead.get(host, f"https://{host}:{port}")

    def finish(self) -> None:
        """Close the encrypted connection, too: the server knows the plain one only."""
        super().finish()
        self.connection.close()

    def do_GET(self) -> None:
        """Pass the request on, and the answer back."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP | {"host"}}
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with requests.request(
            self.command,
            self.origin + self.path,  # a request without CONNECT has the whole address as its path
            headers=headers,
            data=body or None,
            stream=True,
            allow_redirects=False,
            timeout=60,
            verify=str(SYSTEM) if SYSTEM.exists() else True,
        ) as answer:
            self._answer(answer)

    def do_HEAD(self) -> None:
        """As GET: the answer has no body then."""
        self.do_GET()

    def _answer(self, answer: requests.Response) -> None:
        self.send_response_only(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        with tempfile.TemporaryFile() as body:
            for chunk in answer.iter_content(CHUNK):
                body.write(chunk)
            self.send_header("Content-Length", str(body.tell()))
            self.end_headers()
            body.seek(0)
            while chunk := body.read(CHUNK):
                self.wfile.write(chunk)

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests' own messages are enough."""
