"""Every object is one that Kubernetes, or Strimzi, would accept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from manifests import STRIMZI

if TYPE_CHECKING:
    from manifests import Objects

KUBERNETES = "1.35"  # the oldest that mounts images unasked
PRESERVE = "x-kubernetes-preserve-unknown-fields"


def test_kubernetes_would_accept_each_of_its_own_objects(objects: Objects) -> None:
    for found in objects:
        if found["apiVersion"] != STRIMZI:
            kubernetes_validate.validate(found, KUBERNETES, strict=True)


@pytest.fixture(scope="module")
def definitions() -> dict[str, Any]:
    """Strimzi's schemas by kind, of its release's `install/cluster-operator`, which is not part of this repository."""
    folder = os.environ.get("STRIMZI_CRDS")
    if not folder:
        pytest.skip("STRIMZI_CRDS names no folder with Strimzi's custom resource definitions")
    documents = [d for path in Path(folder).glob("*.yaml") for d in yaml.safe_load_all(path.read_text("utf-8"))]
    found = [d["spec"] for d in documents if d and d["kind"] == "CustomResourceDefinition"]
    return {spec["names"]["kind"]: spec["versions"] for spec in found}


def test_strimzi_would_accept_each_of_its_own_objects(objects: Objects, definitions: dict[str, Any]) -> None:
    found = [each for each in objects if each["apiVersion"] == STRIMZI]
    assert sorted(each["kind"] for each in found) == ["Kafka", "KafkaConnect", "KafkaNodePool"]
    for each in found:
        (schema,) = [v["schema"]["openAPIV3Schema"] for v in definitions[each["kind"]] if v["name"] == "v1"]
        jsonschema.Draft202012Validator(closed(schema)).validate(each | {"metadata": {}})


def closed(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return `schema` refusing the fields it does not name, which Kubernetes would drop without a word."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tightened = {key: closed(part) for key, part in schema.items()}
    # A branch of oneOf has no type: it only says which of the fields go together.
    if schema.get("type") == "object" and "properties" in schema and PRESERVE not in schema:
        tightened.setdefault("additionalProperties", False)
    return tightened
