"""docker-compose.ha.yml: any one broker and any one Connect worker may be away, and events go on to be stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient
from containers import Containers, docker
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

BROKERS = ("broker", "broker-2", "broker-3")
WORKERS = ("kafka-connect", "kafka-connect-2")
GO_ON_WITHIN = 30.0  # seconds: a broker's or a worker's session, and what follows from its end


@pytest.fixture(scope="module")
def cluster(images: str) -> Iterator[Containers]:  # noqa: ARG001 - to have them
    """Three brokers, two workers, and the rest of the stack."""
    with Containers("docker-compose.ha.yml") as made:
        made.build()
        made.up()
        yield made


def test_every_topic_has_three_copies(cluster: Containers) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.settings.kafka_bootstrap_servers})
    topics = admin.list_topics(timeout=10).topics
    copies = {name: {len(part.replicas) for part in topic.partitions.values()} for name, topic in topics.items()}
    assert {"github_events", "connect_offsets", "connect_configs", "connect_status", "__consumer_offsets"} <= set(
        copies
    )
    assert {name for name, counts in copies.items() if counts != {3}} == set()


@pytest.mark.parametrize(("part", "count"), [("broker", len(BROKERS)), ("connect", len(WORKERS))])
def test_each_is_monitored(cluster: Containers, part: str, count: int) -> None:
    query = f"SELECT count_distinct(instance) FROM stack_jvms WHERE part = '{part}'"
    until(lambda: cluster.sql(query) == [[count]], f"rows of each {part}", 60, lambda: cluster.log("telegraf"))


@pytest.mark.parametrize("name", [*BROKERS, *WORKERS])
def test_any_one_may_be_away(cluster: Containers, name: str) -> None:
    docker("kill", cluster.container(name))  # and Docker starts nothing that it killed itself
    before = cluster.count("github_events")
    until(
        lambda: cluster.count("github_events") > before + 100,
        f"rows without {name}",
        GO_ON_WITHIN,
        cluster.logs,
    )
    cluster.start(name)
    cluster.healthy()
    cluster.nothing_lost_nothing_double()
