"""What each request gets: the feed, rightly or spoiled by the script, and what tests can ask and change."""

from __future__ import annotations

import collections
import dataclasses
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.clock import Clock
from simulator.defects import spoil
from simulator.faults import Rule, Script, Visit
from simulator.feed import Feed
from simulator.github import Api, place, problem
from simulator.messages import Answer, Request, as_json
from simulator.oddities import check
from simulator.truth import TruthLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.settings import Settings

_DONE = (200, 304)
_LOGGED = ("accept", "accept-encoding", "if-none-match", "x-github-api-version")
_REMEMBERED = 1000


class Service:
    """One feed, its script and its truth log. Raises ValueError on a setting that cannot work."""

    def __init__(self, settings: Settings) -> None:
        check(settings.odd or {})
        self._settings = settings
        self._script = Script.load(settings.faults, settings.seed)
        self._log = TruthLog(settings.truth_log)
        self._clock = Clock(settings.time_scale)
        self._feed = Feed(settings, self._log)
        self._api = Api(settings)
        self._log.run(settings, self._feed.started)
        self._requests: collections.Counter[object] = collections.Counter()
        self._steps: collections.Counter[tuple[str, int]] = collections.Counter()
        self._faults: collections.Counter[str] = collections.Counter()
        self._last: collections.deque[dict[str, Any]] = collections.deque(maxlen=_REMEMBERED)
        self._routes = self._make_routes()

    def answer(self, request: Request) -> Answer:
        """Answer any request."""
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get((method, request.route))
        return route(request) if route else problem(404, "Not Found")

    def grow(self) -> float:
        """Let the feed come up to now, asked or not; return when that is."""
        now = self._clock.now()
        if self._settings.step is None:
            self._feed.advance(now)
        self._log.flush()
        return now

    @property
    def profile(self) -> str:
        """How this feed compares with GitHub, in a sentence."""
        name, rate = self._settings.profile or "none", self._settings.rate
        kinder = "kinder than GitHub: a poller can see all of it" if name == "lively" else "with GitHub's limits"
        return f"profile {name}: {rate:g} events/s, {kinder}"

    def finish(self) -> None:
        """Complete the truth log."""
        self._feed.finish()
        self._log.close()

    # --- GET /events ------------------------------------------------------------------------------------------

    def _events(self, request: Request) -> Answer:
        visit = self._visit(request)
        rule = self._script.pick(visit)
        answer = self._page(request, visit, rule)
        answer.sent = partial(self._note, request, visit, rule, answer)
        if rule and rule.name == "refuse":
            answer.then_refuse = float(rule.options["seconds"]) / self._settings.time_scale
        return answer

    def _visit(self, request: Request) -> Visit:
        client, page = request.client, place(request)[0]
        self._requests.update([client, (client, page)])
        number, step = self._requests[client, page], self._settings.step
        at = self._clock.now() if step is None else (number - 1) * step
        return Visit(client, page, self._requests[client], number, at, time.time())

    def _page(self, request: Request, visit: Visit, rule: Rule | None) -> Answer:
        step = self._settings.step
        # A stepped feed waits for a client that got nothing, while the time of the script goes on.
        window = self._feed.window(visit.at if step is None else self._steps[visit.client, visit.page] * step)
        if rule is None:
            return self._api.events(request, window)
        if rule.fault.needs_page:
            kept = {name: value for name, value in request.headers.items() if name != "if-none-match"}
            request = dataclasses.replace(request, headers=kept)
        answer = self._api.events(request, rule.window(visit, window))
        return spoil(request, answer, rule.fault, rule.options, self._settings.time_scale)

    def _note(self, request: Request, visit: Visit, rule: Rule | None, answer: Answer, intact: bool) -> None:  # noqa: FBT001 - a callback's one argument
        """Log what a client got, and let it see the next step of a stepped feed if it got all."""
        if intact and answer.status in _DONE and not self._clock.paused:
            self._steps[visit.client, visit.page] += 1
        self._faults.update([rule.name] if rule else [])
        entry = {
            "poll": self._last[-1]["poll"] + 1 if self._last else 1,
            "at": round(visit.came, 3),
            "client": visit.client,
            "page": visit.page,
            "per_page": place(request)[1],
            "status": answer.status,
            "fault": rule.name if rule else None,
            "intact": intact,
            "headers": {name: request.headers[name] for name in _LOGGED if name in request.headers},
        }
        self._last.append(entry)
        self._log.poll(entry, answer.served if intact and request.method == "GET" else [])

    # --- What is not GitHub's ---------------------------------------------------------------------------------

    def _make_routes(self) -> dict[tuple[str, str], Callable[[Request], Answer]]:
        return {
            ("GET", "/events"): self._events,
            ("GET", "/rate_limit"): self._api.rate_limit,
            ("GET", "/healthz"): lambda _: as_json(200, {"status": "ok"}),
            ("GET", "/simulator"): self._status,
            ("GET", "/simulator/truth"): self._truth,
            ("GET", "/simulator/requests"): lambda _: as_json(200, list(self._last)),
            ("PUT", "/simulator/faults"): self._set_faults,
            **{("PUT", f"/simulator/pages/{page}"): self._set_page for page in (1, 2, 3)},
            ("POST", "/simulator/pause"): self._pause,
            ("POST", "/simulator/resume"): self._resume,
        }

    def _status(self, _request: Request) -> Answer:
        state = {"now": self.grow(), "paused": self._clock.paused, "emitted": self._feed.emitted}
        requests = self._last[-1]["poll"] if self._last else 0
        shown = {name: str(value) for name, value in vars(self._settings).items()}
        return as_json(200, {**state, "requests": requests, "faults": dict(self._faults), "settings": shown})

    def _truth(self, _request: Request) -> Answer:
        if not self._log.wanted:
            return problem(404, "No truth log is kept; start the simulator with SIMULATOR_TRUTH_LOG.")
        text = self._log.text() + "".join(line + "\n" for line in self._feed.open_sightings())
        return Answer(200, {"Content-Type": "application/x-ndjson; charset=utf-8"}, text.encode())

    def _set_faults(self, request: Request) -> Answer:
        # Only a script as it stands: a client must not make the simulator read files.
        try:
            self._script = Script(request.body.decode(), self._settings.seed)
        except ValueError as error:
            return problem(422, str(error))
        return self._status(request)

    def _set_page(self, request: Request) -> Answer:
        """Serve these bytes as the page from now on; no bytes bring the feed back."""
        page = int(request.route.rpartition("/")[2])
        self._api.canned[page] = request.body
        if not request.body:
            del self._api.canned[page]
        return self._status(request)

    def _pause(self, request: Request) -> Answer:
        self._clock.pause()
        return self._status(request)

    def _resume(self, request: Request) -> Answer:
        self._clock.resume()
        return self._status(request)
