"""Finds one's way in rendered Kubernetes objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from operations.local.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFESTS = ROOT / "deploy" / "kubernetes"
STRIMZI = "kafka.strimzi.io/v1"
PAGES = (MANIFESTS / "README.md", ROOT / "docs" / "kubernetes.md")
# The commands of these pages that an API server alone can carry out.
TO_SECRETS, TO_ALL, TO_SIMULATOR, TO_GITHUB, TO_LARGER_DISK, TO_NOTHING = (
    commands
    for page in PAGES
    for commands in re.findall(r"<!-- runs -->\n```\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
)

Object = dict[str, Any]
Objects = list[Object]


def of_kind(objects: Objects, *kinds: str) -> dict[str, Object]:
    """Return the objects of these kinds, by name."""
    return {found["metadata"]["name"]: found for found in objects if found["kind"] in kinds}


def pods(objects: Objects) -> dict[str, Object]:
    """Return the pods that these objects start, Strimzi's aside, by workload."""
    workloads = of_kind(objects, "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
    return {name: workload["spec"]["template"]["spec"] for name, workload in workloads.items()}


def containers(objects: Objects) -> dict[str, Object]:
    """Return the containers of these pods, by name."""
    every = [c for pod in pods(objects).values() for c in [*pod.get("initContainers", []), *pod["containers"]]]
    return {container["name"]: container for container in every}


def strimzi_templates(objects: Objects) -> list[tuple[Object, Object]]:
    """Return what is said of pod and container of the brokers, and of the Connect worker."""
    broker = of_kind(objects, "Kafka")["rta"]["spec"]["kafka"]["template"]
    worker = of_kind(objects, "KafkaConnect")["rta"]["spec"]["template"]
    return [(broker["pod"], broker["kafkaContainer"]), (worker["pod"], worker["connectContainer"])]


def values(tree: object, key: str) -> Iterator[Any]:
    """Yield every value of `key`, at any depth."""
    if isinstance(tree, dict):
        yield from ([tree[key]] if key in tree else [])
        for child in tree.values():
            yield from values(child, key)
    elif isinstance(tree, list):
        for child in tree:
            yield from values(child, key)
