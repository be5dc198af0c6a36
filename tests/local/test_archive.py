"""What is no backup, or not a whole one, is found before anything is touched, and said in a sentence."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from operations.backup import archive, topics
from operations.reconciler.problems import Problem
from operations.reconciler.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Parts = dict[str, bytes]

MESSAGE = {"topic": "t", "partition": 1, "timestamp": 1, "key": None, "value": "YQ==", "headers": [["h", "Yg=="]]}
MANIFEST = archive.Manifest({"KAFKA_VERSION": "1"}, {"t": Topic("t", 2, {})}, {"a": [("2026", 1)]}, 1)


def tar(*entries: tarfile.TarInfo | str, content: bytes = b"1234") -> bytes:
    """Return a tar file of these entries; a name stands for a file."""
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w") as made:
        for entry in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(content) if info.isreg() else 0
            made.addfile(info, io.BytesIO(content))
    return result.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return an entry that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def parts(**changed: bytes) -> Parts:
    """Return the parts of a good backup, some of them changed."""
    good = {
        "manifest": MANIFEST.dumped(),
        "questdb": tar("db/a", ".checkpoint/b", special("db/c", tarfile.LNKTYPE, "db/a")),
        "topics": json.dumps(MESSAGE).encode() + b"\n",
    } | changed
    ends = {"manifest": "json", "questdb": "tar", "topics": "jsonl", "grafana": "db"}
    return {f"{name}.{ends.get(name, 'txt')}": content for name, content in good.items() if content != b"absent"}


def write(path: Path, content: Parts) -> Path:
    """Write a backup of these parts."""
    with tarfile.open(path, "w:gz") as made:
        for name, part in content.items():
            archive.add(made, name, io.BytesIO(part))
    return path


def test_a_good_backup_is_examined_and_read(tmp_path: Path) -> None:
    with archive.examined(write(tmp_path / "b", parts())) as backup:
        assert backup.contents.manifest == MANIFEST
        assert backup.contents.wanted == list(MANIFEST.topics.values())
        assert backup.contents.messages.counts == {("t", 1): 1}
        assert backup.contents.unpacked > 0
        assert not backup.contents.grafana
        assert [message["headers"] for message in backup.messages()] == [[("h", b"b")]]


def test_a_backup_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    with archive.examined(write(tmp_path / "b", parts(manifest=b'{"KAFKA_VERSION": "1"}'))) as backup:
        assert backup.contents.manifest == archive.Manifest({"KAFKA_VERSION": "1"})
        assert backup.contents.wanted == [Topic("t", 2, {})]
    (offsets,) = topics.wanted({}, [("connect_offsets", 0)])
    assert offsets.config == {"cleanup.policy": "compact"}


BAD = {
    "no manifest": (parts(manifest=b"absent"), "it has no manifest.json"),
    "no QuestDB": (parts(questdb=b"absent"), "it has no questdb.tar"),
    "no messages": (parts(topics=b"absent"), "it has no topics.jsonl"),
    "something else": (parts(readme=b""), "it has readme.txt"),
    "manifest is no JSON": (parts(manifest=b"{"), "manifest.json can't be read"),
    "manifest is a list": (parts(manifest=b"[1]"), "manifest.json can't be read"),
    "manifest without rows": (parts(manifest=b'{"versions": {}, "topics": {}}'), "manifest.json can't be read"),
    "other number of messages": (parts(topics=b""), "the backup has 0 messages, its manifest.json says 1"),
    "no message": (parts(topics=b"{}\n"), "a line that is no message"),
    "message is a list": (parts(topics=b"[]\n"), "a line that is no message"),
    "message is no JSON": (parts(topics=b"{\n"), "a line that is no message"),
    "message of no partition": (
        parts(topics=json.dumps({**MESSAGE, "partition": 2}).encode()),
        "partition 2 of topic t",
    ),
    "QuestDB is no tar": (parts(questdb=b"x" * 2000), "this is no backup, or only a part of one"),
    "QuestDB is cut off": (
        parts(questdb=tar("db/a", ".checkpoint/b")[:600]),
        "this is no backup, or only a part of one",
    ),
    "QuestDB without checkpoint": (parts(questdb=tar("db/a")), "has no folder .checkpoint"),
    "absolute path": (parts(questdb=tar("/db/a")), "holds /db/a"),
    "path that leads out": (parts(questdb=tar("db/../../a")), "holds db/../../a"),
    "other folder": (parts(questdb=tar("bin/a")), "holds bin/a"),
    "symbolic link": (parts(questdb=tar(special("db/a", tarfile.SYMTYPE, "/etc"))), "neither a file nor a folder"),
    "hard link that leads out": (parts(questdb=tar(special("db/a", tarfile.LNKTYPE, "../a"))), "neither a file nor"),
    "device": (parts(questdb=tar(special("db/a", tarfile.CHRTYPE))), "neither a file nor a folder"),
    "Grafana's database is damaged": (
        parts(grafana=b"SQLite format 3\0" + b"x" * 5000),
        "grafana.db of the backup is damaged",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_backup_is_said(case: str, tmp_path: Path) -> None:
    content, sentence = BAD[case]
    with pytest.raises(Problem) as problem, archive.examined(write(tmp_path / "b", content)):
        pass
    assert sentence in str(problem.value)


def flipped(content: bytes) -> bytes:
    """Return the content with one bit of its end, the check sum, changed."""
    return content[:-6] + bytes([content[-6] ^ 1]) + content[-5:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"no backup",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        flipped,
        gzip.decompress,
    ],
)
def test_a_damaged_file_is_said(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = write(tmp_path / "b", parts())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Problem, match="this is no backup, or only a part of one"), archive.examined(path):
        pass


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no such file"), archive.examined(tmp_path / "b"):
        pass


def test_a_backup_that_fails_leaves_no_file_and_nobody_else_may_read_one(tmp_path: Path) -> None:
    path = tmp_path / "b"
    (tmp_path / "b.part").touch(mode=0o644)  # left by one that was killed
    with pytest.raises(Problem), archive.written(path):
        pass
    assert list(tmp_path.iterdir()) == []
    with archive.written(path) as made:
        for name, content in parts().items():
            archive.add(made, name, io.BytesIO(content))
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_values_survive_as_they_are() -> None:
    saved = topics.parsed(
        json.dumps({**MESSAGE, "key": "", "value": None, "headers": [["h", None], ["h", ""]]}).encode()
    )
    assert (saved["key"], saved["value"]) == (b"", None)
    assert saved["headers"] == [("h", None), ("h", b"")]
    assert base64.b64encode(b"a").decode() == MESSAGE["value"]
