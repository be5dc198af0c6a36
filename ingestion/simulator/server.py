"""The simulator as a server: connections, the clock, what tests can ask and change, start and stop."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from simulator.defects import spoil
from simulator.faults import Rule, Script, Visit
from simulator.feed import Feed
from simulator.github import Api, place, problem
from simulator.messages import Answer, Malformed, Request, as_json, read_request, send
from simulator.oddities import KINDS
from simulator.settings import Settings, load
from simulator.truth import TruthLog

if TYPE_CHECKING:
    from collections.abc import Callable

# How often the feed moves when nobody asks (seconds).
_TICK = 0.1
_DONE = (200, 304)


class Simulator:
    """One feed and its listeners."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.script = Script.load(settings.faults, settings.seed)
        if strange := (settings.odd or {}).keys() - KINDS.keys():
            message = f"SIMULATOR_ODD: there is no kind {strange.pop()!r}, only {', '.join(KINDS)}"
            raise ValueError(message)
        self.log = TruthLog(settings.truth_log)
        self.api = Api(settings)
        self.feed = Feed(settings, self.log)
        self.log.run(settings, self.feed.started)
        self._zero = time.monotonic()
        self._paused: float | None = None
        self._requests: collections.Counter[object] = collections.Counter()
        self._steps: collections.Counter[tuple[str, int]] = collections.Counter()
        self._faults: collections.Counter[str] = collections.Counter()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = settings.port
        self._tasks: set[asyncio.Task[None]] = set()

    # --- Time ---------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Simulated seconds since the start; stands still while paused."""
        real = time.monotonic() if self._paused is None else self._paused
        return (real - self._zero) * self.settings.time_scale

    def _pause(self, _request: Request) -> Answer:
        self._paused = self._paused or time.monotonic()
        return self._status(_request)

    def _resume(self, _request: Request) -> Answer:
        self._zero += time.monotonic() - self._paused if self._paused else 0
        self._paused = None
        return self._status(_request)

    # --- GET /events --------------------------------------------------------------------------------------------

    def _visit(self, request: Request) -> Visit:
        client, page = request.client, place(request)[0]
        self._requests.update([client, (client, page)])
        return Visit(client, page, self._requests[client], self._requests[client, page], self._time_of(client, page))

    def _time_of(self, client: str, page: int) -> float:
        if self.settings.step is None:
            return self.now()
        return self._steps[client, page] * self.settings.step

    async def events(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Answer one request for the feed, rightly or as the script wants, and log what was served."""
        visit = self._visit(request)
        rule = self.script.pick(visit)
        answer = self._answer(request, visit, rule)
        intact = await send(request, answer, writer)
        if intact and answer.status in _DONE and self._paused is None:
            self._steps[visit.client, visit.page] += 1
        self._note(request, visit, rule, answer, intact=intact)
        if rule and rule.name == "refuse":
            self._start(self._refuse(float(rule.options["seconds"]) / self.settings.time_scale))

    def _answer(self, request: Request, visit: Visit, rule: Rule | None) -> Answer:
        window = self.feed.window(visit.at)
        if rule is None:
            return self.api.events(request, window)
        if rule.fault.needs_page:
            kept = {name: value for name, value in request.headers.items() if name != "if-none-match"}
            request = dataclasses.replace(request, headers=kept)
        answer = self.api.events(request, rule.window(visit, window))
        return spoil(request, answer, rule.fault, rule.options, self.settings.time_scale)

    def _note(self, request: Request, visit: Visit, rule: Rule | None, answer: Answer, *, intact: bool) -> None:
        fault = rule.name if rule else None
        self._requests.update(["all"])
        self._faults.update([fault] if fault else [])
        page, per_page = place(request)
        about = {"client": visit.client, "page": page, "per_page": per_page, "status": answer.status}
        entry = {"poll": self._requests["all"], **about, "fault": fault, "intact": intact}
        self.log.poll(entry, answer.served if intact and request.method == "GET" else [])

    # --- What is not GitHub's -----------------------------------------------------------------------------------

    def _status(self, _request: Request) -> Answer:
        """State of the run, for people and tests."""
        state = {"now": self.now(), "paused": self._paused is not None, "emitted": self.feed.emitted}
        counts = {"requests": self._requests["all"], "faults": dict(self._faults)}
        shown: dict[str, Any] = {name: str(value) for name, value in vars(self.settings).items()}
        return as_json(200, {**state, **counts, "settings": shown})

    def _truth(self, _request: Request) -> Answer:
        if not self.log.wanted:
            return problem(404, "No truth log is kept; start the simulator with SIMULATOR_TRUTH_LOG.")
        text = self.log.text() + "".join(line + "\n" for line in self.feed.open_sightings())
        return Answer(200, {"Content-Type": "application/x-ndjson; charset=utf-8"}, text.encode())

    def _set_faults(self, request: Request) -> Answer:
        try:
            self.script = Script(request.body.decode(), self.settings.seed)
        except ValueError as error:
            return problem(422, str(error))
        return self._status(request)

    def _simple(self, request: Request) -> Answer:
        routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/rate_limit"): self.api.rate_limit,
            ("GET", "/healthz"): lambda _: as_json(200, {"status": "ok"}),
            ("GET", "/simulator"): self._status,
            ("GET", "/simulator/truth"): self._truth,
            ("PUT", "/simulator/faults"): self._set_faults,
            ("POST", "/simulator/pause"): self._pause,
            ("POST", "/simulator/resume"): self._resume,
        }
        method = "GET" if request.method == "HEAD" else request.method
        return routes.get((method, request.path), lambda _: problem(404, "Not Found"))(request)

    # --- Connections --------------------------------------------------------------------------------------------

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until either side ends the connection."""
        self._writers.add(writer)
        try:
            while not writer.is_closing() and await self._exchange(reader, writer):
                pass
        except Malformed:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await read_request(reader, writer.get_extra_info("peername")[0])
        if request is None:
            return False
        if request.path == "/events" and request.method in ("GET", "HEAD"):
            await self.events(request, writer)
        else:
            await send(request, self._simple(request), writer)
        return request.keep_alive

    async def listen(self) -> None:
        """Open the port; keeps the number if 0 was asked for."""
        self._server = await asyncio.start_server(self.connection, self.settings.bind, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self, seconds: float) -> None:
        """Be unreachable for a while."""
        self._close()
        await asyncio.sleep(seconds)
        await self.listen()

    def _close(self) -> None:
        if self._server:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def _start(self, work: Any) -> None:  # noqa: ANN401 - any coroutine
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- Life ---------------------------------------------------------------------------------------------------

    async def _grow(self) -> None:
        while True:
            if self.settings.step is None:
                self.feed.advance(self.now())
            self.log.flush()
            await asyncio.sleep(_TICK)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then finish the truth log."""
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await self.listen()
        self._start(self._grow())
        print(f"simulator listening on http://{self.settings.bind}:{self.port}", flush=True)  # noqa: T201 - its one line
        await stop.wait()
        for task in self._tasks:
            task.cancel()
        self._close()
        self.feed.finish()
        self.log.close()


def main() -> None:
    """Run from the command line; ends with 2 on a setting that does not work."""
    settings = load()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(Simulator(settings).run())
    except OSError as error:
        sys.exit(f"SIMULATOR_PORT {settings.port} on {settings.bind}: {error}")
    except ValueError as error:
        sys.exit(str(error))
