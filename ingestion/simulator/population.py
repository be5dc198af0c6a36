"""Who does what: repositories, actors and the mix of event types.

Shares come from public measurements of GitHub's feed in August and September 2026. All names start with
`simulated-`, so nobody takes them for real ones.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate

PREFIX = "simulated-"

# Percent of what page 1, and pages 2 and 3, hold; 57 % of all events belong on page 1.
CODE_SHARE = 0.57
CODE: dict[tuple[str, str | None], float] = {
    ("PushEvent", None): 95,
    ("CreateEvent", None): 3,
    ("DeleteEvent", None): 2,
}
SOCIAL: dict[tuple[str, str | None], float] = {
    ("PullRequestEvent", "opened"): 16,
    ("PullRequestEvent", "merged"): 12,
    ("PullRequestEvent", "closed"): 4,
    ("PullRequestEvent", "labeled"): 6,
    ("PullRequestEvent", "assigned"): 1,
    ("PullRequestEvent", "unlabeled"): 0.6,
    ("PullRequestEvent", "reopened"): 0.4,
    ("IssueCommentEvent", "created"): 17,
    ("IssuesEvent", "opened"): 5,
    ("IssuesEvent", "closed"): 4.5,
    ("IssuesEvent", "labeled"): 2.7,
    ("IssuesEvent", "assigned"): 0.6,
    ("IssuesEvent", "reopened"): 0.2,
    ("PullRequestReviewEvent", "created"): 7.5,
    ("PullRequestReviewEvent", "updated"): 0.3,
    ("PullRequestReviewEvent", "dismissed"): 0.2,
    ("WatchEvent", "started"): 7,
    ("PullRequestReviewCommentEvent", "created"): 7,
    ("ForkEvent", "forked"): 3,
    ("ReleaseEvent", "published"): 2,
    ("PublicEvent", None): 0.9,
    ("MemberEvent", "added"): 0.9,
    ("GollumEvent", None): 0.5,
    ("CommitCommentEvent", "created"): 0.4,
    ("DiscussionEvent", "created"): 0.3,
}

# Login of each bot and its share of all events: github-actions is 5.6 % of the real feed, a hot key.
BOTS = {"simulated-actions[bot]": 0.056, "simulated-dependabot[bot]": 0.0057, "simulated-renovate[bot]": 0.0029}
_BOT_LOGINS = list(BOTS)
_BOT_STEPS = list(accumulate(BOTS.values()))

_ANIMALS = "otter heron lynx badger ibis marten puffin gecko bison tapir wombat osprey newt stoat kiwi quokka"
_TRAITS = "quiet rapid amber polar lunar vivid solid mellow brave tidy hollow sunny frosty copper nimble stray"
_THINGS = "harbor engine parser atlas ledger beacon forge canvas orbit lantern mosaic relay compass garden kiln loom"

_LOGINS, _ADJECTIVES, _NOUNS = _ANIMALS.split(), _TRAITS.split(), _THINGS.split()

# A shifted Zipf law: the hottest repository gets 0.2 % of all events, as measured over a day.
POPULATION = 500_000
SHIFT = 50
# 3.9 % of page 1's events carry an organisation.
_ORGANISATIONS_EVERY = 25


class Mix:
    """Draws keys with the weights given, from a uniform number."""

    def __init__(self, weights: dict[tuple[str, str | None], float]) -> None:
        self._keys = list(weights)
        total = sum(weights.values())
        self._steps = [step / total for step in accumulate(weights.values())]

    def pick(self, uniform: float) -> tuple[str, str | None]:
        """Return the key that owns this part of [0, 1)."""
        return self._keys[min(bisect(self._steps, uniform), len(self._keys) - 1)]


def rank(uniform: float) -> int:
    """Turn a uniform number in [0, 1) into a popularity rank, 0 the most popular."""
    return int(SHIFT * ((1 + POPULATION / SHIFT) ** uniform - 1))


def actor(uniform: float) -> tuple[int, str]:
    """Account number and login of whoever owns this part of [0, 1)."""
    if uniform < _BOT_STEPS[-1]:
        bot = bisect(_BOT_STEPS, uniform)
        return 41_898_282 + bot, _BOT_LOGINS[bot]
    place = rank((uniform - _BOT_STEPS[-1]) / (1 - _BOT_STEPS[-1]))
    return 1000 + place, login(place)


def login(place: int) -> str:
    """Return the login of the account of this popularity rank."""
    return f"{PREFIX}{_LOGINS[place % 16]}-{place}"


def repository(uniform: float) -> tuple[int, str, str | None]:
    """Return number, full name and organisation (if any) of a repository."""
    place = rank(uniform)
    return 700_000_000 + place, *repository_at(place)


def repository_at(place: int) -> tuple[str, str | None]:
    """Return full name and organisation (if any) of the repository of this popularity rank."""
    name = f"{_ADJECTIVES[place * 7 % 16]}-{_NOUNS[place % 16]}"
    if place % _ORGANISATIONS_EVERY == 3:  # noqa: PLR2004 - any one residue will do
        org = f"{PREFIX}org-{place}"
        return f"{org}/{name}", org
    return f"{PREFIX}{_LOGINS[place * 5 % 16]}-{place}/{name}", None
