"""A Docker engine and Docker Compose: what this machine has, else our own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = Path(__file__).parent / "compose" / "tools"
# Outlives a clone, as the caches of pip, Maven and Go do: Compose, the stand-ins' parts, the engine's images.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rta"
NEEDED = ("dockerd", "docker", "iptables")


def compose() -> list[str] | None:
    """Return the command that runs Docker Compose: what is installed, else our own build, which takes two minutes once."""
    built = CACHE / "bin" / "docker-compose"
    for command in (["docker", "compose"], ["docker-compose"], [str(built)]):
        if works(command):
            return command
    if shutil.which("go") is None:
        return None
    build = ["go", "build", "-o", str(built), "github.com/docker/compose/v2/cmd"]
    subprocess.run(build, cwd=TOOLS, check=True, env={**os.environ, "GOFLAGS": "-buildvcs=false"})
    return [str(built)]


# By the version of control groups: the file of Docker's group, and what it holds for a group that counts as one process.
SHARES = ((Path("/sys/fs/cgroup/cpu/docker/cpu.shares"), 1024), (Path("/sys/fs/cgroup/docker/cpu.weight"), 100))
SHARE = 4


def give_share() -> None:
    """Let all containers together count as four processes, not as one: `make test` beside them has a dozen that want the cores."""
    for file, one in SHARES:
        with contextlib.suppress(OSError):  # the other version, or a group that is elsewhere
            file.parent.mkdir(exist_ok=True)
            file.write_text(str(SHARE * one), encoding="ascii")


def works(command: list[str]) -> bool:
    """Tell whether `command` is a Docker Compose of version 2 or newer."""
    if shutil.which(command[0]) is None:
        return False
    answer = subprocess.run([*command, "version"], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and "version 1." not in answer.stdout


def answers() -> bool:
    """Tell whether a Docker engine answers this user."""
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return bool(shutil.which("docker")) and subprocess.run(command, capture_output=True, check=False).returncode == 0


def mtu() -> int:
    """Return the largest packet that all network devices take, in bytes; the bridge must not send larger ones."""
    found = [int(path.read_text(encoding="ascii")) for path in Path("/sys/class/net").glob("*/mtu")]
    return min([1500, *found])


@contextlib.contextmanager
def engine() -> Iterator[None]:
    """Use the engine of this machine; where none answers start one, and end it afterwards. That needs root."""
    if answers():
        yield
        return
    missing = [name for name in NEEDED if shutil.which(name) is None]
    assert not missing, f"no Docker engine answers, and to start one these are missing: {', '.join(missing)}"
    with tempfile.TemporaryDirectory(prefix="rta-docker-") as folder:
        yield from _own(Path(folder))


def _own(folder: Path) -> Iterator[None]:
    log = folder / "dockerd.log"
    os.environ["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
    command: list[str | Path] = [
        "dockerd",
        "--data-root",
        CACHE / "docker",
        "--exec-root",
        folder / "exec",
        "--mtu",
        str(mtu()),
    ]
    command += ["--host", os.environ["DOCKER_HOST"], "--pidfile", folder / "dockerd.pid"]
    with log.open("w") as output:
        daemon = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        until(answers, "a Docker engine of our own", 60, lambda: log.read_text(encoding="utf-8"))
        give_share()
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)
        for namespace in (folder / "exec" / "netns").glob("*"):  # which a build on the host's network leaves mounted
            subprocess.run(["umount", namespace], capture_output=True, check=False)
        del os.environ["DOCKER_HOST"]
