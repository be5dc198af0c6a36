"""The token, section 2 of ingestion/CONTRACT.md: given in the environment or in a file, sent, and shown nowhere."""

import os
from collections.abc import Callable
from pathlib import Path

from pollers import Poller, Simulator

TOKEN = "token-of-the-test"  # noqa: S105 (looked for in logs)
Make = Callable[..., Poller]


def test_token_is_read_and_sent(simulate: Callable[..., Simulator], poller: Make, tmp_path: Path) -> None:
    """White space around it is no part of it. Without a token the limit would be 60."""
    simulator = simulate("--anonymous-limit", "60", "--token-limit", "5000")
    path = tmp_path / "token"
    path.write_text(f" {TOKEN}\r\n")
    run = poller(simulator.url)
    assert run.run(MAX_POLLS="1", POLL_INTERVAL="polite", GITHUB_TOKEN_FILE=str(path)) == 0
    assert [row["remaining"] for row in run.polls()] == [4999, 4998, 4997]
    assert " with a token into " in run.log.read_text()
    assert TOKEN not in run.log.read_text()


def test_refused_token_names_the_file(simulate: Callable[..., Simulator], poller: Make, tmp_path: Path) -> None:
    """Section 9: whoever has set a file looks there. The simulator knows a bad token by its beginning."""
    path = tmp_path / "token"
    path.write_text(f"bad-{TOKEN}")
    run = poller(simulate().url)
    assert run.run(GITHUB_TOKEN_FILE=str(path)) == 3
    assert "ERROR GitHub refuses: 401 Bad credentials (GITHUB_TOKEN_FILE)\n" in run.log.read_text()
    assert TOKEN not in run.log.read_text()


# More than a token, or what no header can carry; the last is no UTF-8.
NO_TOKENS = (
    f"{TOKEN}\n{TOKEN}",
    f"GITHUB_TOKEN={TOKEN} # mine",
    f"{TOKEN}\u00a0",
    f"{TOKEN}\udcff",
)


def test_what_is_no_token_is_named_and_not_shown(poller: Make, tmp_path: Path) -> None:
    """Neither nothing nor more than a token, wherever it is from."""
    path = tmp_path / "token"
    run = poller("http://127.0.0.1:9", create=False)
    for content in NO_TOKENS:
        assert run.run(GITHUB_TOKEN=content) == 2, content
        assert "ERROR GITHUB_TOKEN: must hold a token and nothing else" in run.log.read_text()
        assert TOKEN not in run.log.read_text()
        run.log.write_text("")
    run.environ["GITHUB_TOKEN"] = ""
    for content in (" \n", *NO_TOKENS):
        path.write_bytes(os.fsencode(content))
        assert run.run(GITHUB_TOKEN_FILE=str(path)) == 2, content
        assert f"ERROR GITHUB_TOKEN_FILE='{path}': must hold a token and nothing else" in run.log.read_text()
        assert TOKEN not in run.log.read_text()
        run.log.write_text("")


def test_secrets_in_the_wrong_setting_are_not_shown(poller: Make) -> None:
    """A token where its file's name belongs, a password in an address."""
    run = poller(f"http://me:{TOKEN}@127.0.0.1:9", create=False)
    assert run.run(GITHUB_TOKEN_FILE=TOKEN) == 2
    assert "ERROR GITHUB_TOKEN_FILE: can't be read" in run.log.read_text()
    assert "ERROR GITHUB_API_URL: must be an address like https://api.github.com" in run.log.read_text()
    assert TOKEN not in run.log.read_text()


def test_unreadable_file_is_named(poller: Make, tmp_path: Path) -> None:
    """A folder, which not even root can read as a file."""
    run = poller("http://127.0.0.1:9", create=False)
    assert run.run(GITHUB_TOKEN_FILE=str(tmp_path)) == 2
    assert f"ERROR GITHUB_TOKEN_FILE='{tmp_path}': can't be read" in run.log.read_text()
