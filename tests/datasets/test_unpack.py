"""Archives come out as they went in, or are refused with nothing written outside and nothing left inside."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.data import unpack
from repro.errors import BadInput

NAMES = st.lists(st.text("ab .é", min_size=1, max_size=4).filter(lambda name: name.strip(". ")), min_size=1, max_size=3)
TREES = st.dictionaries(NAMES.map("/".join), st.binary(max_size=200), max_size=5)
FORMATS = ("tar", "tar.gz", "tar.bz2", "tar.xz", "zip")


def pack(path: Path, files: dict[str, bytes]) -> Path:
    """An archive of `files`, of the format that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                packed.writestr(name, content)
        return path
    kind = path.name.rpartition("tar")[2].removeprefix(".")
    with tarfile.open(path, f"w:{kind}") as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def clash(files: dict[str, bytes]) -> bool:
    return any(other.startswith(f"{name}/") for name in files for other in files)


@given(files=TREES.filter(lambda files: not clash(files)), kind=st.sampled_from(FORMATS))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_tree_comes_out_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], kind: str
) -> None:
    folder = tmp_path_factory.mktemp("it")
    unpack.unpack(pack(folder / f"a.{kind}", files), folder / "out")
    assert tree(folder / "out") == files


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> Callable[[Path], Path]:
    """Makes a tar with a good member, then this one."""

    def make(folder: Path) -> Path:
        with tarfile.open(folder / "a.tar", "w") as tar:
            tar.addfile(tarfile.TarInfo("good"), io.BytesIO())
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, size
            tar.addfile(info, io.BytesIO(bytes(size)))
        return folder / "a.tar"

    return make


def zipped(name: str, mode: int = 0) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "a.zip", "w") as packed:
            info = zipfile.ZipInfo("x")
            info.filename, info.external_attr = name, mode << 16
            packed.writestr(info, b"x")
        return folder / "a.zip"

    return make


MALICIOUS = {
    "an absolute path": (member("/tmp/x"), "'/tmp/x' has an absolute path"),
    "an absolute path in a zip": (zipped("/tmp/x"), "'/tmp/x' has an absolute path"),
    "a drive": (member("C:/x"), "'C:/x' has an absolute path"),
    "a path above": (member("../x"), r"'\.\./x' has a path out of the folder"),
    "a path above from within": (member("a/../../x"), "has a path out of the folder"),
    "a path above in a zip": (zipped("a/../../x"), "has a path out of the folder"),
    "a path above of a folder": (member("a/../..", tarfile.DIRTYPE), "has a path out of the folder"),
    "backslashes": (member("..\\x"), "has a path out of the folder"),
    "a link out": (member("x", tarfile.SYMTYPE, "/etc"), "'x' is a link"),
    "a link to what is inside": (member("x", tarfile.SYMTYPE, "good"), "'x' is a link"),
    "a hard link": (member("x", tarfile.LNKTYPE, "../../good"), "'x' is a link"),
    "a link in a zip": (zipped("x", stat.S_IFLNK | 0o777), "'x' is a link"),
    "a device": (member("x", tarfile.CHRTYPE), "'x' is a device"),
    "a block device": (member("x", tarfile.BLKTYPE), "'x' is a device"),
    "a pipe": (member("x", tarfile.FIFOTYPE), "'x' is a device"),
    "a pipe in a zip": (zipped("x", stat.S_IFIFO), "'x' is a device"),
    "a file over another": (member("good"), "'good' has the path of another"),
    "a folder over a file": (member("good", tarfile.DIRTYPE), "'good' has the path of another"),
    "a file below a file": (member("good/x"), "'good/x' has the path of another"),
    "a file without a name": (member("."), r"'\.' has no name"),
}


@pytest.mark.parametrize(("make", "said"), MALICIOUS.values(), ids=MALICIOUS)
def test_a_malicious_member_is_refused(tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    archive = make(inner)
    with pytest.raises(BadInput, match=rf"^{archive}: refused: its member .*{said}"):
        unpack.unpack(archive, inner / "out")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [archive]
    assert list(inner.iterdir()) == [archive]


@pytest.mark.parametrize("kind", ["tar.gz", "tar.xz", "zip"])
def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is 50 bytes for each packed one, here without the 64 MiB that any archive may have."""
    monkeypatch.setattr(unpack, "ALWAYS", 1000)
    written: list[int] = []
    copy = unpack.shutil.copyfileobj
    monkeypatch.setattr(unpack.shutil, "copyfileobj", lambda s, f, n: (copy(s, f, n), written.append(f.tell())))
    archive = pack(tmp_path / f"a.{kind}", {str(index): bytes(300_000) for index in range(20)})
    with pytest.raises(BadInput, match="refused: it unpacks to more than the limit"):
        unpack.unpack(archive, tmp_path / "out")
    assert sum(written) <= max(50 * archive.stat().st_size, 1000) and list(tmp_path.iterdir()) == [archive]


def test_what_the_disk_has_no_room_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 99

    archive = pack(tmp_path / "a.tar", {"x": bytes(100)})
    monkeypatch.setattr(unpack.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(BadInput, match="than the limit or the free space of the disk"):
        unpack.unpack(archive, tmp_path / "out")
    Usage.free = 100
    unpack.unpack(archive, tmp_path / "out")


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MEMBERS", 3)
    unpack.unpack(pack(tmp_path / "a.tar", dict.fromkeys("abc", b"")), tmp_path / "three")
    with pytest.raises(BadInput, match="more than 3 members"):
        unpack.unpack(pack(tmp_path / "a.tar", dict.fromkeys("abcd", b"")), tmp_path / "four")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("spoil", ["cut", "noise", "other"])
def test_a_broken_archive_is_one_line_and_leaves_nothing(tmp_path: Path, kind: str, spoil: str) -> None:
    archive = pack(tmp_path / f"a.{kind}", {"x": bytes(range(256)) * 40, "y": b"y" * 5000})
    content = bytearray(archive.read_bytes())
    if spoil == "cut":
        del content[len(content) // 2 :]
    elif spoil == "noise":
        content[: len(content) // 2] = b"\x55" * (len(content) // 2)
    else:
        content[:] = b"<html>Not found</html>"
    archive.write_bytes(content)
    with pytest.raises(BadInput, match=rf"^{archive}: cannot be unpacked: ") as caught:
        unpack.unpack(archive, tmp_path / "out")
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == [archive]


def test_modes_are_not_taken_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo("x")
        info.mode = 0o6777
        tar.addfile(info, io.BytesIO())
    unpack.unpack(tmp_path / "a.tar", tmp_path / "out")
    plain = tmp_path / "plain"
    plain.touch()
    (tmp_path / "folder").mkdir()
    assert (tmp_path / "out" / "x").stat().st_mode == plain.stat().st_mode
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "folder").stat().st_mode
