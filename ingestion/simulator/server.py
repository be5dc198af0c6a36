"""The simulator as a process: connections, start and stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from simulator.messages import Malformed, read_request, send
from simulator.service import Service
from simulator.settings import load

if TYPE_CHECKING:
    from collections.abc import Coroutine

# How often the feed moves when nobody asks (seconds).
_TICK = 0.1
_NO_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Server:
    """Listens on one port; can be deaf for a while."""

    def __init__(self, service: Service, bind: str, port: int) -> None:
        self.port = port
        self._service = service
        self._bind = bind
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then complete the truth log."""
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await self._listen()
        self._start(self._grow())
        print(f"simulator listening on http://{self._bind}:{self.port}", flush=True)  # noqa: T201 - said to who starts it
        print(self._service.profile, flush=True)  # noqa: T201 - so is this
        await stop.wait()
        for task in self._tasks:
            task.cancel()
        self._close()
        self._service.finish()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._connection, self._bind, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _grow(self) -> None:
        while True:
            self._service.grow()
            await asyncio.sleep(_TICK)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until either side ends the connection."""
        self._writers.add(writer)
        try:
            while not writer.is_closing() and await self._exchange(reader, writer):
                pass
        except Malformed:
            writer.write(_NO_REQUEST)
        except asyncio.CancelledError:
            pass  # The end of the run; passed on, Python before 3.12 would print it as an error.
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await read_request(reader, writer.get_extra_info("peername")[0])
        if request is None:
            return False
        answer = self._service.answer(request)
        if answer.then_refuse:
            self._start(self._reopen(answer.then_refuse))
            self._close(but=writer)
        intact = await send(request, answer, writer)
        if answer.sent:
            answer.sent(intact)
        return request.keep_alive

    async def _reopen(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()

    def _close(self, but: asyncio.StreamWriter | None = None) -> None:
        """Let nobody connect any more, and end all connections but one."""
        if self._listener:
            self._listener.close()
        for writer in self._writers - {but}:
            writer.transport.abort()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def main() -> None:
    """Run from the command line; exits with a message on a setting that cannot work."""
    settings = load()
    try:
        server = Server(Service(settings), settings.bind, settings.port)
    except ValueError as error:
        sys.exit(str(error))
    try:
        asyncio.run(server.run())
    except OSError as error:
        sys.exit(f"SIMULATOR_PORT {settings.port} on {settings.bind}: {error}")
