"""`make restore`: the data of a backup in the place of the old, or the old data as if nothing had been tried."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING

from confluent_kafka.admin import AdminClient

from operations.backup import archive, tables, topics
from operations.backup.failures import FAILURES, sentence
from operations.backup.folders import Phase
from operations.local.console import agreed, say
from operations.local.interrupts import uninterrupted
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from operations.backup.archive import Archive
    from operations.backup.stacks import Stack
    from operations.local.settings import Settings
    from operations.reconciler.kafka import Client


def restore(stack: Stack, file: Path) -> None:
    """Replace the data of a stopped stack by that of `file`, and start it.

    Raises:
        Problem: nothing was changed, or the old data are in place again.

    """
    settle(stack)
    if stack.running():
        message = f"the stack runs: stop it first by `{stack.stopping}`"
        raise Problem(message)
    if stack.settings.secured:
        # Users and rules come from the reconciler, which would also make topics: it starts when all messages are back.
        message = "a restore fills topics before Kafka has users: add SECURITY=off to this command, and start with SECURITY=on then"
        raise Problem(message)
    with archive.examined(file) as backup:
        if obstacles := stack.obstacles(backup.contents.unpacked):
            raise Problem("\n✗ ".join(obstacles))
        warn_of_versions(stack.settings, backup.contents.manifest.versions)
        if stack.has_data() and not replacement_agreed(stack.settings):
            message = "nothing changed"
            raise Problem(message)
        Restoration(stack, backup).run()
    say(
        f"✓ restored from {file}; {backup.contents.messages.count} messages that QuestDB had not yet confirmed "
        "were sent to their topics again"
    )


def replacement_agreed(settings: Settings) -> bool:
    """Ask whether the present data may go."""
    say("This replaces all stored events, topics and changes in Grafana by those of the backup.")
    return agreed(settings)


def warn_of_versions(settings: Settings, saved: dict[str, str]) -> None:
    """Say where the backup is of other versions than those that will read it."""
    for name, version in saved.items():
        if settings.versions.get(name) != version:
            say(f"! the backup is of {name}={version}, this is {settings.versions.get(name)}")


def settle(stack: Stack) -> None:
    """Undo a restore that was interrupted, or go on where only the start was missing.

    Raises:
        Problem: the new data are whole, but the stack does not start with them.

    """
    if stack.phase is Phase.BEGUN:
        say("! an earlier restore was interrupted: the data from before it are brought back")
        with uninterrupted():
            stack.stop()
            stack.undo()
    if stack.phase is Phase.COMPLETE:
        say("! an earlier restore was interrupted when its data were whole: it is finished now")
        try:
            stack.start()
        except Problem as error:
            message = f"{error}\n  Mend it and try again. {stack.way_back}"
            raise Problem(message) from None
        stack.finish()


class Restoration:
    """The steps of one restore, in their order. Whatever fails or interrupts one of them, the old data come back."""

    STEPS: tuple[str, ...] = (
        "prepare",
        "exchange",
        "start_storage",
        "create_topics",
        "send_messages",
        "count_messages",
        "settle_topics",
        "count_rows",
        "complete",
        "start_all",
    )

    def __init__(self, stack: Stack, backup: Archive) -> None:
        """Know what to do; do nothing yet."""
        self._stack = stack
        self._backup = backup

    def run(self) -> None:
        """Take all steps, or none."""
        try:
            for step in self.STEPS:
                getattr(self, step)()
        except BaseException as error:
            with uninterrupted():
                self._back(error)
            raise
        with uninterrupted():
            self.finish()

    def _back(self, error: BaseException) -> None:
        # The terminal may be what failed.
        with contextlib.suppress(OSError):
            say("✗ the restore failed: the data from before it are brought back")
        try:
            self._stack.stop()
            self._stack.undo()
        except FAILURES as another:
            message = (
                f"{sentence(error)}\n✗ the data from before are whole, and could not yet be brought back: {sentence(another)}. "
                f"{self._stack.trying_again} tries again"
            )
            raise Problem(message) from error

    @property
    def _kafka(self) -> Client:
        return self._stack.settings.kafka

    @property
    def _messages(self) -> topics.Summary:
        return self._backup.contents.messages

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient({**self._kafka, "log_level": 0})

    def prepare(self) -> None:
        """Do what takes long while the old data are in place."""
        self._stack.prepare(self._backup)

    def exchange(self) -> None:
        """Set the old data aside."""
        self._stack.exchange(self._backup)

    def start_storage(self) -> None:
        """Start only what keeps data: nothing may write before all is back."""
        self._stack.start_storage()

    def create_topics(self) -> None:
        """Create all topics, those without a file too."""
        topics.create(self._admin, self._backup.contents.wanted)

    def send_messages(self) -> None:
        """Produce all messages again."""
        topics.replay(self._kafka, self._backup.messages(), self._messages.largest)

    def count_messages(self) -> None:
        """Compare what the topics hold with the backup."""
        found = topics.stored(self._kafka, self._messages.counts)
        for (topic, number), count in self._messages.counts.items():
            if found[topic, number] != count:
                message = (
                    f"topic {topic}, partition {number} has {found[topic, number]} messages, the backup had {count}"
                )
                raise Problem(message)

    def settle_topics(self) -> None:
        """Give the topics their own settings: by now no limit of theirs can refuse a message."""
        topics.settle(self._admin, self._backup.contents.wanted)

    def count_rows(self) -> None:
        """Compare the tables with the backup."""
        if lost := tables.lost(self._stack.settings, self._backup.contents.manifest.rows):
            raise Problem("\n✗ ".join(lost))

    def complete(self) -> None:
        """Note that the new data are whole."""
        self._stack.complete()

    def start_all(self) -> None:
        """Start the rest and wait until it works."""
        self._stack.start()

    def finish(self) -> None:
        """Remove the old data: nothing is undone from here on."""
        try:
            self._stack.finish()
        except FAILURES as error:
            say(
                f"! the data from before could not be removed: {sentence(error)}. {self._stack.trying_again} tries again"
            )
