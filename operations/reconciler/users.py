"""Kafka's users and what each may do, where SECURITY=on: kept as the settings and the connectors' files say."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from operations.reconciler import connectors
from operations.reconciler.files import Wanted
from operations.reconciler.kafka import PASSWORDS
from operations.reconciler.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds
ITERATIONS = 4096  # of SCRAM: Kafka's default
CLUSTER = "kafka-cluster"
ALL = "*"

Rule = tuple[ResourceType, str, ResourcePatternType, AclOperation]


@dataclass(frozen=True)
class User:
    """A user with a password and what it may do."""

    password: str = field(repr=False)
    rules: frozenset[Rule]


def rules(settings: Mapping[str, str], dead_letters: Iterable[str]) -> dict[str, set[Rule]]:
    """Return what each user may do; `dead_letters` are the topics where sinks put what they can't store.

    A right to read, write or delete holds that to describe.
    """
    events, polls = settings["KAFKA_TOPIC"], settings["KAFKA_POLLS_TOPIC"]
    return {
        "poller": {*_on("TOPIC", "WRITE", events, f"{events}_dlq", polls)},
        # A connector of your own may read any topic. Groups: the workers', and one for each sink, whose offsets can be set.
        "connect": {
            *_on("TOPIC", "READ", ALL),
            *_on("TOPIC", "WRITE", *dead_letters),
            *_below("TOPIC", "connect_", "READ", "WRITE", "CREATE", "DESCRIBE_CONFIGS"),
            *_on("GROUP", "READ", "rta-connect"),
            *_below("GROUP", "connect-", "READ", "DELETE"),
        },
        # It reads to tell a record from the mark of a transaction (operations/reconciler/progress.py).
        "monitoring": {
            *_on("TOPIC", "READ", ALL),
            *_on("GROUP", "DESCRIBE", ALL),
            *_on("GROUP", "READ", "reconciler"),
            *_on("BROKER", "DESCRIBE", CLUSTER),
        },
        # People, notebooks and `make`: all data, but neither users nor rules nor the broker's settings.
        "tools": {
            *_on("TOPIC", "ALL", ALL),
            *_on("GROUP", "ALL", ALL),
            *_on("TRANSACTIONAL_ID", "ALL", ALL),
            *_on("BROKER", "DESCRIBE", CLUSTER),
            *_on("BROKER", "DESCRIBE_CONFIGS", CLUSTER),
        },
    }


def _on(kind: str, operation: str, *names: str) -> set[Rule]:
    literal = ResourcePatternType.LITERAL
    return {(ResourceType[kind], name, literal, AclOperation[operation]) for name in names}


def _below(kind: str, prefix: str, *operations: str) -> set[Rule]:
    prefixed = ResourcePatternType.PREFIXED
    return {(ResourceType[kind], prefix, prefixed, AclOperation[operation]) for operation in operations}


class Users(Part[User]):
    """Keeps users, and of each what it may do; rules of other users are left alone."""

    def __init__(
        self,
        admin: AdminClient,
        settings: Mapping[str, str],
        folder: Path,
        on: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take passwords from `settings`, dead-letter topics from the connectors of `folder` and of the datasets that are `on`."""
        super().__init__(clock)
        self._admin, self._settings = admin, settings
        self._folder, self._on = folder, on
        self._given: set[str] = set()

    def read(self) -> Wanted[User]:
        """Read the connectors' files; what is wrong with one is said by the part that keeps connectors."""
        found = connectors.wanted(self._folder, self._on).things.values()
        letters = [topic for config in found for topic in connectors.dead_letters(config)]
        allowed = rules(self._settings, letters)
        return Wanted({name: User(self._settings[PASSWORDS[name]], frozenset(allowed[name])) for name in PASSWORDS})

    def apply(self, things: dict[str, User]) -> list[str]:
        """Correct the rules of users, and give these their passwords, once."""
        # First what the parts wait for: inside the stack the broker itself knows the passwords.
        self._give_rules(things)
        new = {name: user for name, user in things.items() if name not in self._given}
        if new:
            self._give_passwords(new)
        return []

    def _give_passwords(self, users: dict[str, User]) -> None:
        kind = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
        wanted: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(name, kind, user.password.encode()) for name, user in users.items()
        ]
        _done(self._admin.alter_user_scram_credentials(wanted, request_timeout=TIMEOUT))
        self._given |= users.keys()

    def _give_rules(self, users: dict[str, User]) -> None:
        wanted = {_binding(name, rule) for name, user in users.items() for rule in user.rules}
        present = {
            binding
            for name in users
            for binding in self._admin.describe_acls(_of(name), request_timeout=TIMEOUT).result()
        }
        if new := wanted - present:
            _done(self._admin.create_acls(list(new), request_timeout=TIMEOUT))
        if surplus := present - wanted:
            _done(self._admin.delete_acls([_same(rule) for rule in surplus], request_timeout=TIMEOUT))
        if new or surplus:
            log.info("rules of Kafka's users: %d made, %d removed", len(new), len(surplus))


def _done(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        future.result()


def _binding(user: str, rule: Rule) -> AclBinding:
    kind, name, pattern, operation = rule
    return AclBinding(kind, name, pattern, f"User:{user}", ALL, operation, AclPermissionType.ALLOW)


def _of(user: str) -> AclBindingFilter:
    where = ResourceType.ANY, None, ResourcePatternType.ANY  # of any name, which its types do not know
    return AclBindingFilter(*where, f"User:{user}", None, AclOperation.ANY, AclPermissionType.ANY)  # type: ignore[arg-type]


def _same(rule: AclBinding) -> AclBindingFilter:
    where = rule.restype, rule.name, rule.resource_pattern_type, rule.principal, rule.host
    return AclBindingFilter(*where, rule.operation, rule.permission_type)
