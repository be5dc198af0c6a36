"""A control plane of Kubernetes, built from Go modules: etcd, API server, controller manager, on free ports of loopback."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import CACHE
from kafka_broker import Program
from stack import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parent / "kubernetes" / "control_plane"
START_WITHIN = 120.0  # seconds, of each program
# The defaults for all else: every admission plugin that Kubernetes turns on, and access by role.
API_SERVER = (
    "--advertise-address=127.0.0.1",
    "--bind-address=127.0.0.1",
    "--authorization-mode=Node,RBAC",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-cluster-ip-range=10.0.0.0/24",
)


def programs() -> Path:
    """Return the folder that holds the programs; builds them, once for each state of the Go module."""
    inputs = b"".join((SOURCE / name).read_bytes() for name in ("build", "go.mod", "go.sum"))
    folder = CACHE / f"kubernetes-{hashlib.sha256(inputs).hexdigest()[:12]}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        # Appears under its name when it is complete.
        with tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
            built = Path(unfinished) / "programs"
            subprocess.run([SOURCE / "build", built], check=True)
            built.rename(folder)
    return folder


class ControlPlane:
    """Its programs and their files, in `folder`. No node: pods are made and admitted, and then wait for one."""

    def __init__(self, folder: Path) -> None:
        """Choose ports and write keys; start nothing."""
        self.folder, self._programs = folder, programs()
        self._etcd, self._peer, self._port = free_ports(3)
        self._token = secrets.token_urlsafe()
        self.kubeconfig = folder / "kubeconfig"
        self._write_access()

    def _write_access(self) -> None:
        """Write what the administrator shows, and the key of service accounts."""
        tokens = self.folder / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f"{self._token},admin,admin,system:masters\n", encoding="ascii")
        subprocess.run(
            ["openssl", "genrsa", "-out", self.folder / "accounts.key", "2048"], capture_output=True, check=True
        )
        server = {"server": f"https://127.0.0.1:{self._port}", "certificate-authority": "certificates/apiserver.crt"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": server}],
            "users": [{"name": "admin", "user": {"token": self._token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(config), encoding="ascii")  # YAML, too

    def _commands(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each program with its options, in the order of their start."""
        etcd, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd, self._peer))
        key = self.folder / "accounts.key"
        yield (
            "etcd",
            [
                f"--data-dir={self.folder / 'etcd'}",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--unsafe-no-fsync",
            ],
        )
        yield (
            "kube-apiserver",
            [
                *API_SERVER,
                f"--etcd-servers={etcd}",
                f"--secure-port={self._port}",
                f"--cert-dir={self.folder / 'certificates'}",
                f"--token-auth-file={self.folder / 'tokens.csv'}",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
            ],
        )
        yield (
            "kube-controller-manager",
            [
                f"--kubeconfig={self.kubeconfig}",
                f"--service-account-private-key-file={key}",
                f"--root-ca-file={self.folder / 'certificates' / 'apiserver.crt'}",
                "--leader-elect=false",
                "--secure-port=0",
            ],
        )

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which `kubectl` is ours, and asks this server."""
        path = f"{self._programs}{os.pathsep}{os.environ['PATH']}"
        own = {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.folder / "cache"), "KUBERC": "off"}
        # A secret is made of the token; nothing here asks GitHub.
        return {**os.environ, "GITHUB_TOKEN": "of-nobody", **own, "PATH": path}

    def kubectl(self, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl, with `given` on its standard input; whether it succeeded is for the caller to see."""
        command = [self._programs / "kubectl", *arguments]
        return subprocess.run(command, env=self.environment, input=given, capture_output=True, text=True, check=False)

    def said(self, *arguments: str | Path, given: str = "") -> str:
        """Run kubectl, which must succeed without a word of warning; return what it printed."""
        done = self.kubectl(*arguments, given=given)
        assert (done.returncode, done.stderr) == (0, ""), f"kubectl {' '.join(map(str, arguments))}\n{done.stderr}"
        return done.stdout

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what `kubectl get` finds."""
        items: list[dict[str, Any]] = json.loads(self.said("get", "--output", "json", *arguments))["items"]
        return items

    def run(self, commands: str, folder: Path) -> str:
        """Run shell commands in `folder`, which must succeed without a word of warning; return what they printed."""
        shell = ["bash", "-euo", "pipefail", "-c", commands]
        done = subprocess.run(shell, cwd=folder, env=self.environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def running(self) -> Iterator[ControlPlane]:
        """Start all programs, each when the one before answers, and end them afterwards."""
        with contextlib.ExitStack() as stack:
            for name, options in self._commands():
                program = Program([str(self._programs / name), *options], self.folder / f"{name}.log")
                program.start()
                stack.callback(program.stop)
                program.until(partial(self._ready, name), f"{name} that is ready", START_WITHIN)
            yield self

    def _ready(self, name: str) -> bool:
        if name == "kube-apiserver":
            return self.kubectl("get", "--raw", "/readyz").stdout == "ok"
        if name == "kube-controller-manager":  # which makes the accounts that pods need
            return self.kubectl("get", "serviceaccount", "default").returncode == 0
        return "ready to serve client requests" in (self.folder / f"{name}.log").read_text(errors="replace")
