"""`make backup` and `make restore` without Docker: all data wiped between them, checksums equal, what waited arrives."""

from __future__ import annotations

import re
import shutil
import time
from typing import TYPE_CHECKING

import load
import pytest
from stack import Stack
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = 86_400  # seconds
# The test's own events are older than all that the feed shows, and younger than what QuestDB drops.
OWN = "github_events WHERE timestamp < dateadd('d', -10, now())"


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A running stack whose data may be wiped."""
    with Stack(SIMULATOR_LATENESS="off", SIMULATOR_RESERVING="off") as chosen:
        yield chosen.up()


def test_restore_brings_back_all_that_was_there(own: Stack) -> None:
    file = own.state / "backup.tar.gz"
    writer = load.Writer(own.settings.kafka_bootstrap_servers, "github_events")
    events, end = load.Events(seed=1), time.time() - 20 * DAY
    for event in events.many(5000, until=end):
        writer.send(event)
    writer.finish()
    url = own.settings.questdb_http_url
    until(lambda: load.stored(url, OWN) == writer.checksum, "all rows", 60, lambda: own.log("kafka-connect"))
    # The last ones wait in the topic while the backup is taken: no sink reads them.
    own.stop("kafka-connect")
    for event in events.many(500, until=end + 60):
        writer.send(event)
    writer.finish()
    done = own.make("backup", FILE=str(file))
    assert done.returncode == 0, done.stdout
    own.make("down")
    shutil.rmtree(own.state / "data")
    done = own.make("restore", FILE=str(file))
    assert done.returncode == 0, done.stdout
    waited = re.findall(r"(\d+) messages", done.stdout)
    assert int(waited[0]) >= 500, done.stdout
    until(lambda: load.stored(url, OWN) == writer.checksum, "all rows", 60, lambda: own.log("kafka-connect"))
    states = {row[0] for row in own.sql("SELECT view_status FROM materialized_views()")}
    assert states - {"refreshing"} == {"valid"}


def test_backup_of_nothing_and_restore_over_a_running_stack_are_refused(own: Stack) -> None:
    file = own.state / "backup.tar.gz"
    file.touch()
    refused = own.make("restore", FILE=str(file))
    assert refused.returncode != 0
    assert "the stack runs: stop it first" in refused.stdout
    own.make("down")
    refused = own.make("backup", FILE=str(file))
    assert refused.returncode != 0
    assert "nothing runs" in refused.stdout
    refused = own.make("restore", FILE=str(file))
    assert refused.returncode != 0
    assert "nothing changed" in refused.stdout or "EOF" in refused.stdout
