"""Topics become what their files say, on a real broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from waiting import until

from operations.local.settings import ROOT
from operations.reconciler import topics
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def admin(reach: dict[str, str]) -> AdminClient:
    """An admin client of the shared stack's broker."""
    return AdminClient({"bootstrap.servers": reach["KAFKA_BOOTSTRAP_SERVERS"]})


def apply(admin: AdminClient, folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.properties").write_text(text, encoding="utf-8")
    wanted = topics.read(folder)
    topics.apply(admin, wanted)
    # The controller has decided; the broker that answers questions learns of it a little later.
    until(lambda: not topics.missing(admin, wanted), f"topic {name} listed")


def config(admin: AdminClient, name: str) -> dict[str, str | None]:
    (future,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name)]).values()
    return {key: entry.value for key, entry in future.result().items()}


def test_created_altered_and_reset(admin: AdminClient, tmp_path: Path) -> None:
    apply(admin, tmp_path, "made_by_test", "# why\npartitions=1\nretention.ms=1000\n")
    until(lambda: config(admin, "made_by_test")["retention.ms"] == "1000", "the first retention")
    apply(admin, tmp_path, "made_by_test", "partitions=3\nretention.bytes=5000\n")
    until(lambda: config(admin, "made_by_test")["retention.bytes"] == "5000", "the new retention")
    back = config(admin, "made_by_test")["retention.ms"]
    assert back == "86400000", "what the file no longer names goes back to the broker's default"
    until(lambda: len(admin.list_topics(timeout=10).topics["made_by_test"].partitions) == 3, "three partitions")
    assert topics.missing(admin, topics.read(tmp_path)) == []


def test_fewer_partitions_are_refused_by_name(admin: AdminClient, tmp_path: Path) -> None:
    apply(admin, tmp_path, "shrinking", "partitions=2\n")
    with pytest.raises(Problem, match="topic shrinking has 2 partitions, its file says 1"):
        apply(admin, tmp_path, "shrinking", "partitions=1\n")


def test_bad_value_is_refused_with_the_name_of_the_topic(admin: AdminClient, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"topic typo: .*retention"):
        apply(admin, tmp_path, "typo", "partitions=1\nretention.ms=soon\n")


def test_file_without_partitions_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bare.properties").write_text("retention.ms=1000\n", encoding="utf-8")
    with pytest.raises(Problem, match=r"bare\.properties: `partitions` must be a whole number"):
        topics.read(tmp_path)


def test_one_topic_that_is_refused_keeps_no_other_from_being_made(admin: AdminClient, tmp_path: Path) -> None:
    """And is tried again less and less often; a topic altered by hand becomes again what its file says."""
    now = [1000.0]
    kept = topics.Topics(admin, tmp_path, lambda: now[0])
    (tmp_path / "aa_typo.properties").write_text("partitions=1\nretention.ms=soon\n", encoding="utf-8")
    (tmp_path / "ab_few.properties").write_text("partitions=0\n", encoding="utf-8")
    (tmp_path / "good.properties").write_text("partitions=1\nmin.cleanable.dirty.ratio=0.50\n", encoding="utf-8")
    few, typo = kept.once()
    assert few.endswith("ab_few.properties: `partitions` must be a whole number from 1 to 10000, and is 0")
    assert typo.partition(": ")[2].startswith("topic aa_typo: ")
    until(lambda: "good" in admin.list_topics(timeout=10).topics, "good", 10)
    assert [kept.unfit(name) for name in ("aa_typo", "ab_few", "good", "without a file")] == [True, True, False, False]
    by_hand = ConfigEntry("retention.ms", "5", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, "good", incremental_configs=[by_hand])
    admin.incremental_alter_configs([resource])[resource].result()

    def restored() -> bool:
        now[0] += 12
        return kept.once() == [few, typo] and config(admin, "good")["retention.ms"] != "5"

    until(restored, "the retention of the file", 10)


# Whole card numbers are not kept.
SHORT_LIVED = {"transactions_dlq"}


@pytest.mark.parametrize("path", sorted((ROOT / "kafka").rglob("*_dlq.properties")), ids=lambda path: path.stem)
def test_a_dead_letter_is_not_removed_because_its_record_is_old(path: Path) -> None:
    """Connect gives it the time of the record, and Kafka counts from there."""
    (wanted,) = (topic.config for topic in topics.read(path.parent) if topic.name == path.stem)
    assert (wanted["retention.ms"] == "-1") == (path.stem not in SHORT_LIVED)
    assert int(wanted["retention.bytes"]) > 0
