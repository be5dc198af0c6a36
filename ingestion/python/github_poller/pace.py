"""When to ask: the plan of POLL_INTERVAL, within what is left of GitHub's limit (CONTRACT.md, section 4)."""

from github_poller.answer import HOUR, Answer
from github_poller.feed import PAGES
from github_poller.page import Page
from github_poller.settings import Plan, Settings

_DEFAULT_HINT = 60.0
# In turn, each page is asked twice as often as GitHub asks for.
_HINTS_A_TURN = 0.5
_RESERVE = 5
_MIN_WEIGHT = 1 / 8
_WEIGHT_GAIN = 0.3
_KNOWN_TARGET = 0.05


class Pace:
    """The intervals between two requests of a page. Times are seconds."""

    def __init__(self, settings: Settings) -> None:
        """Take the plan of these settings."""
        self._plan = settings.plan
        self._fixed_interval = settings.poll_interval
        self._hint = _DEFAULT_HINT
        self._weights = [1.0, 1.0]

    def learn(self, page: int, answer: Answer, known: float | None) -> None:
        """Take from a good answer what changes the pace; `known`: the share of its recent events sent before."""
        self._hint = min(answer.number("x-poll-interval") or self._hint, HOUR)
        if known is not None:
            weight = self._weights[_group(page)] * (1 + _WEIGHT_GAIN * (_KNOWN_TARGET - known))
            self._weights[_group(page)] = min(max(weight, _MIN_WEIGHT), 1.0)

    def base_interval(self) -> float:
        """Return the interval that the plan asks for, whatever the limit."""
        if self._plan is Plan.IN_TURN:
            return self._hint * _HINTS_A_TURN
        return self._fixed_interval or self._hint

    def interval(self, page: int, answer: Answer) -> float:
        """Return the interval that the plan and the limit allow."""
        return max(self.base_interval(), self._budget(page, answer))

    def schedule(self, pages: list[Page], page: Page) -> None:
        """If pages take turns, make them due one after the other, the one that has just answered last."""
        if self._plan is not Plan.IN_TURN or page.interval is None:
            return
        others = sorted(
            (other for other in pages if other.takes_turns and other is not page), key=lambda other: other.due
        )
        for place, other in enumerate([*others, page], 1):
            other.due = page.started + place * page.interval / len(PAGES)

    def _budget(self, page: int, answer: Answer) -> float:
        """Return the interval with which the rest of the limit lasts for all pages."""
        longest = answer.reset_in() + 1
        if self._plan is Plan.IN_TURN:
            return len(PAGES) * min(answer.seconds_per_request(_RESERVE), longest)
        weights = sum(self._weights[_group(number)] for number in PAGES)
        return min(weights / self._weights[_group(page)] * answer.seconds_per_request(), longest)


def _group(page: int) -> int:
    """Return which weight is a page's: pages 2 and 3 share one, as they are two parts of one list."""
    return min(page, 2) - 1
