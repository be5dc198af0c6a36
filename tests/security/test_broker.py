"""Kafka with SECURITY=on: who may come in, and what each user may do. The users are the reconciler's, on a broker of their own."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, AdminClient, NewTopic
from confluent_kafka.admin import ResourcePatternType as Pattern
from confluent_kafka.admin import ResourceType as Resource
from kafka_broker import Broker
from pollers import LANGUAGES, Language, Poller, build
from simulator.process import started
from waiting import until

from operations.local import passwords
from operations.reconciler.kafka import PASSWORDS, Client, admin_client, client
from operations.reconciler.passes import CONNECTORS
from operations.reconciler.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from simulator.process import Running

TOPICS = ("github_events", "github_events_dlq", "github_polls", "iot_data", "iot_data_dlq", "connect_offsets")
SECONDS = 10


class Secured(NamedTuple):
    """A running broker that asks for logins, and the secrets of all who may log in."""

    broker: Broker
    secrets: dict[str, str]
    authority: Path

    def outside(self, user: str, password: str | None = None) -> dict[str, str]:
        """Return the variables by which `user` comes in from outside the stack."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.servers,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": password or self.secrets[PASSWORDS[user]],
            "KAFKA_SSL_CA_LOCATION": str(self.authority),
        }

    def inside(self, user: str, password: str) -> dict[str, str]:
        """Return the variables by which a part of the stack comes in."""
        return self.outside(user, password) | {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.inside,
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SSL_CA_LOCATION": "",
        }

    def client(self, user: str) -> Client:
        """Return the configuration of a client of `user`."""
        return {**client(self.outside(user)), "log_level": 0}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A broker with the users and rules of the reconciler, and the stack's topics."""
    folder, secrets = tmp_path_factory.mktemp("secured"), passwords.made([])
    broker = Broker(folder, SECURITY="on", **secrets)
    found = Secured(broker, secrets, passwords.write_authority(folder, secrets["KAFKA_CA_CERTIFICATE"]))
    broker.launch()
    try:
        admin = admin_client(found.inside("reconciler", secrets["KAFKA_RECONCILER_PASSWORD"]))
        broker.until(lambda: answers(admin), "broker ready", 60)
        settings = {"KAFKA_TOPIC": "github_events", "KAFKA_POLLS_TOPIC": "github_polls", **secrets}
        assert Users(admin, settings, CONNECTORS).once() == []
        for future in admin.create_topics([NewTopic(name, 1, 1) for name in TOPICS]).values():
            future.result()
        yield found
    finally:
        broker.stop()


def answers(admin: AdminClient, seconds: float = 2) -> bool:
    """Tell whether the broker lets this client in; whom it does not let in waits so long."""
    try:
        admin.list_topics(timeout=seconds)
    except KafkaException:
        return False
    return True


def reason(ask: Callable[[], object]) -> str:
    """Return the name of the error that Kafka answers, empty if it does as asked."""
    try:
        ask()
    except KafkaException as error:
        return str(error.args[0].name())
    return ""


def write(client: Client, topic: str) -> str:
    """Try to write one message."""
    found: list[str] = []
    producer = Producer({**client, "message.timeout.ms": SECONDS * 1000})
    producer.produce(topic, b"x", on_delivery=lambda error, _: found.append(error.name() if error else ""))
    producer.flush(SECONDS)
    return found[0]


def read(client: Client, topic: str, group: str) -> str:
    """Try to read the first message, and to commit that."""
    with closing(Consumer({**client, "group.id": group, "auto.offset.reset": "earliest"})) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(SECONDS)
        assert message is not None
        if error := message.error():
            return str(error.name())
        return reason(lambda: consumer.commit(message=message, asynchronous=False))


def move(client: Client, group: str) -> str:
    """Try to commit for a group that has nobody in it."""
    admin = AdminClient(client)
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition("github_events", 0, 1)])
    (future,) = admin.alter_consumer_group_offsets([wanted], request_timeout=SECONDS).values()
    if refused := reason(future.result):
        return refused
    (place,) = future.result().topic_partitions
    return str(place.error.name()) if place.error else ""


def make_user(client: Client) -> str:
    """Try to give oneself a right."""
    rule = AclBinding(
        Resource.TOPIC, "*", Pattern.LITERAL, "User:poller", "*", AclOperation.ALL, AclPermissionType.ALLOW
    )
    admin = AdminClient(client)
    (future,) = admin.create_acls([rule]).values()
    return reason(future.result)


def make_topic(client: Client) -> str:
    """Try to make a topic."""
    name = f"made_by_{client['sasl.username']}"
    admin = AdminClient(client)
    return reason(admin.create_topics([NewTopic(name, 1, 1)])[name].result)


ALLOWED = ""
REFUSED = "TOPIC_AUTHORIZATION_FAILED"
NO_GROUP = "GROUP_AUTHORIZATION_FAILED"
NEITHER = f"{REFUSED} {NO_GROUP}"  # whichever Kafka says first
NO_ADMINISTRATOR = "CLUSTER_AUTHORIZATION_FAILED"

RIGHTS: list[tuple[str, Callable[[Client], str], str]] = [
    ("poller", lambda client: write(client, "github_events"), ALLOWED),
    ("poller", lambda client: write(client, "github_events_dlq"), ALLOWED),
    ("poller", lambda client: write(client, "github_polls"), ALLOWED),
    ("poller", lambda client: write(client, "iot_data"), REFUSED),
    ("poller", lambda client: read(client, "github_events", "poller"), NEITHER),
    ("poller", make_topic, REFUSED),
    ("poller", make_user, NO_ADMINISTRATOR),
    ("connect", lambda client: read(client, "github_events", "connect-github_events"), ALLOWED),
    ("connect", lambda client: move(client, "connect-github_events"), ALLOWED),
    ("connect", lambda client: move(client, "another"), NO_GROUP),
    ("connect", lambda client: write(client, "iot_data_dlq"), ALLOWED),
    ("connect", lambda client: write(client, "connect_offsets"), ALLOWED),
    ("connect", lambda client: write(client, "github_events"), REFUSED),
    ("connect", make_topic, REFUSED),
    ("connect", make_user, NO_ADMINISTRATOR),
    ("monitoring", lambda client: read(client, "github_events", "reconciler"), ALLOWED),
    ("monitoring", lambda client: move(client, "connect-github_events"), NO_GROUP),
    ("monitoring", lambda client: write(client, "github_events"), REFUSED),
    ("monitoring", make_topic, REFUSED),
    ("monitoring", make_user, NO_ADMINISTRATOR),
    ("tools", lambda client: write(client, "iot_data"), ALLOWED),
    ("tools", lambda client: read(client, "github_events", "mine"), ALLOWED),
    ("tools", make_topic, ALLOWED),
    ("tools", make_user, NO_ADMINISTRATOR),
]


@pytest.mark.parametrize(("user", "attempt", "answer"), RIGHTS)
def test_each_user_has_the_rights_it_needs_and_no_other(
    secured: Secured, user: str, attempt: Callable[[Client], str], answer: str
) -> None:
    assert write(secured.client("tools"), "github_events") == ""  # there is something to read
    assert attempt(secured.client(user)) in answer.split(" ")


INTRUDERS: dict[str, dict[str, str]] = {
    "no login, no encryption": {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"},
    "no encryption": {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
    "no login": {"KAFKA_SECURITY_PROTOCOL": "SSL"},
    "a wrong password": {"KAFKA_SASL_PASSWORD": "guessed"},
    "an unknown user": {"KAFKA_SASL_USERNAME": "stranger"},
    "another mechanism": {"KAFKA_SASL_MECHANISM": "PLAIN"},
    "the broker's own user, from outside": {"KAFKA_SASL_USERNAME": "broker"},
}


@pytest.mark.parametrize("changed", INTRUDERS.values(), ids=INTRUDERS)
def test_nobody_comes_in_otherwise(secured: Secured, changed: dict[str, str]) -> None:
    right = secured.outside("tools")
    assert answers(admin_client(right), 20)
    assert not answers(admin_client(right | changed))


def test_nobody_comes_in_from_inside_without_a_password(secured: Secured) -> None:
    right = secured.inside("tools", secured.secrets["KAFKA_TOOLS_PASSWORD"])
    assert answers(admin_client(right), 20)
    for changed in ({"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, {"KAFKA_SASL_PASSWORD": "guessed"}):
        assert not answers(admin_client(right | changed))


def test_a_broker_with_another_certificate_is_not_trusted(secured: Secured, tmp_path: Path) -> None:
    other = passwords.write_authority(tmp_path, passwords.made([])["KAFKA_CA_CERTIFICATE"])
    right = secured.outside("tools")
    assert not answers(admin_client(right | {"KAFKA_SSL_CA_LOCATION": str(other)}))


def test_a_rule_that_somebody_added_or_removed_is_mended(secured: Secured) -> None:
    admin = admin_client(secured.inside("reconciler", secured.secrets["KAFKA_RECONCILER_PASSWORD"]))
    settings = {"KAFKA_TOPIC": "other_events", "KAFKA_POLLS_TOPIC": "github_polls", **secured.secrets}
    assert Users(admin, settings, CONNECTORS).once() == []
    assert write(secured.client("poller"), "github_events") == REFUSED
    assert Users(admin, settings | {"KAFKA_TOPIC": "github_events"}, CONNECTORS).once() == []
    until(lambda: not write(secured.client("poller"), "github_events"), "the right again", 30)


def test_a_dead_letter_topic_of_a_new_connector_is_written_to(secured: Secured, tmp_path: Path) -> None:
    admin = admin_client(secured.inside("reconciler", secured.secrets["KAFKA_RECONCILER_PASSWORD"]))
    config = {"connector.class": "X", "topics": "rides", "errors.deadletterqueue.topic.name": "rides_dlq"}
    (tmp_path / "rides.json").write_text(json.dumps(config), encoding="utf-8")
    settings = {"KAFKA_TOPIC": "github_events", "KAFKA_POLLS_TOPIC": "github_polls", **secured.secrets}
    admin.create_topics([NewTopic("rides_dlq", 1, 1)])["rides_dlq"].result()
    assert write(secured.client("connect"), "rides_dlq") == REFUSED
    Users(admin, settings, tmp_path).once()
    until(lambda: not write(secured.client("connect"), "rides_dlq"), "the right to write", 30)
    Users(admin, settings, CONNECTORS).once()


@pytest.fixture
def poller(secured: Secured, tmp_path: Path, simulator: Running, language: Language) -> Poller:
    """A poller that has to log in."""
    if not build(language):
        pytest.skip(f"no tools for {language.name}")
    made = Poller(language, tmp_path, secured.broker, simulator.url, "github_events")
    made.environ |= secured.outside("poller") | {"KAFKA_POLLS_TOPIC": "github_polls", "POLL_INTERVAL": "0.1"}
    return made


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The feed."""
    with started("--truth-log", str(tmp_path_factory.mktemp("simulator") / "truth.ndjson")) as running:
        yield running


@pytest.mark.parametrize(
    "language",
    [pytest.param(each, marks=[] if each.name == "python" else pytest.mark.thorough) for each in LANGUAGES],
    ids=lambda each: each.name,
)
def test_the_poller_logs_in(secured: Secured, poller: Poller) -> None:
    before = end(secured)
    assert poller.run(MAX_POLLS="1") == 0, poller.log.read_text()
    assert end(secured) > before
    poller.environ |= {"KAFKA_SASL_PASSWORD": "guessed"}
    poller.start()
    poller.until_logged("(KAFKA_BOOTSTRAP_SERVERS)")
    assert poller.process
    assert poller.process.poll() is None
    poller.stop()
    assert "guessed" not in poller.log.read_text()


def end(secured: Secured) -> int:
    """Return how many messages the topic of the events has."""
    with closing(Consumer({**secured.client("tools"), "group.id": "none"})) as consumer:
        return int(consumer.get_watermark_offsets(TopicPartition("github_events", 0), SECONDS)[1])
