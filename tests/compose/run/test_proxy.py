"""Behind a company's proxy, which has an authority of its own and is the only way out: images are built, the poller polls."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import tls_proxy
from containers import Containers, docker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tls_proxy import Proxy

NETWORK, TAG = "rta-behind-a-proxy", "rta/behind-a-proxy"
HOST = "api.github.example"  # no name server knows it
TOPICS = ("proxied_events", "proxied_polls", "proxied_events_dlq")
JAVA = "github-events-java"
IMAGES = [
    "github-events",  # pip
    *(
        pytest.param(name, marks=pytest.mark.thorough)
        for name in (JAVA, "kafka-connect", "reconciler", "jupyter-notebook")
    ),
]


@dataclass
class Behind:
    """A network without a way out, and the proxy at its edge."""

    project: Containers
    proxy: Proxy

    def service(self, name: str, authority: str) -> dict[str, Any]:
        """Return a service of docker-compose.yml, as a user behind the proxy has it."""
        variables = {"HTTP_PROXY": self.proxy.url, "HTTPS_PROXY": self.proxy.url, "NO_PROXY": "", "EXTRA_CA": authority}
        if name == JAVA:
            variables["POLLER"] = "java"
        project = Containers(root=self.project.root, **self.project.environment | variables)
        found: dict[str, Any] = project.services[name.removesuffix("-java")]
        return found

    def build(self, name: str, authority: str) -> subprocess.CompletedProcess[str]:
        """Build the image of a service with nothing but the proxy."""
        build = self.service(name, authority)["build"]
        command = ["docker", "build", "--network", NETWORK, "--tag", f"{TAG}:{name}", "--no-cache"]
        command += [part for key, value in build["args"].items() for part in ("--build-arg", f"{key}={value}")]
        command += ["--file", f"{build['context']}/{build['dockerfile']}", build["context"]]
        return subprocess.run(
            ["env", "DOCKER_BUILDKIT=0", *command],  # the newer builder knows no networks of one's own
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def behind(containers: Containers) -> Iterator[Behind]:
    """The network, with the broker in it."""
    docker("network", "rm", NETWORK, check=False)  # of a run that was killed
    docker("network", "create", "--internal", NETWORK)
    broker = containers.container("broker")
    try:
        gateway = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", NETWORK).strip()
        docker("network", "connect", "--alias", "broker", NETWORK, broker)
        simulator = f"http://127.0.0.1:{containers.settings.ports.simulator}"
        with tls_proxy.listening(gateway, {HOST: simulator}) as proxy:
            yield Behind(containers, proxy)
    finally:
        docker("network", "disconnect", "--force", NETWORK, broker, check=False)
        docker("network", "rm", NETWORK, check=False)
        for image in docker("image", "ls", "--quiet", TAG).split():
            docker("image", "rm", "--force", image, check=False)


@pytest.mark.parametrize("name", IMAGES)
def test_image_is_built(behind: Behind, name: str) -> None:
    behind.proxy.asked.clear()
    done = behind.build(name, behind.proxy.certificate)
    assert done.returncode == 0, done.stdout[-4000:]
    assert behind.proxy.asked


@contextmanager
def topics(containers: Containers) -> Iterator[None]:
    """Have topics of its own: what the poller sends must not be counted as the stack's."""
    tool = ("exec", containers.container("broker"), "kafka-topics", "--bootstrap-server", "localhost:9092")
    for topic in TOPICS:
        docker(*tool, "--create", "--topic", topic)
    try:
        yield
    finally:
        for topic in TOPICS:
            docker(*tool, "--delete", "--topic", topic, check=False)


def polled(behind: Behind, authority: str) -> str:
    """Let the poller that was built behind the proxy poll once, from a GitHub that only the proxy reaches; return its log."""
    changed = {
        "GITHUB_API_URL": f"https://{HOST}",
        "MAX_POLLS": "1",
        "KAFKA_TOPIC": TOPICS[0],
        "KAFKA_POLLS_TOPIC": TOPICS[1],
    }
    environment = behind.service("github-events", authority)["environment"] | changed
    variables = [
        part for key, value in environment.items() if value is not None for part in ("--env", f"{key}={value}")
    ]
    with topics(behind.project):
        return docker("run", "--rm", "--network", NETWORK, *variables, f"{TAG}:github-events", check=False)


def test_poller_polls(behind: Behind) -> None:
    behind.proxy.asked.clear()
    log = polled(behind, behind.proxy.certificate)
    assert "poll 1" in log
    assert set(behind.proxy.asked) == {HOST}, log  # not the broker


def test_authority_that_is_not_named_is_not_trusted(behind: Behind) -> None:
    done = behind.build("github-events", "")
    assert done.returncode != 0
    assert "CERTIFICATE_VERIFY_FAILED" in done.stdout
