"""What a foreign archive tries in two steps, or says twice; `test_unpack` has the single members that are refused."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.data import unpack
from repro.datasets.recordings import files
from repro.errors import BadInput

Member = tuple[str, bytes, str]  # its name, its type, where it links to
FILE, LINK, HARD, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


def tar(*members: Member, **headers: str) -> Callable[[Path], Path]:
    """A tar of these members, each file with the word `evil` in it; `headers` in the pax header of the last."""

    def make(folder: Path) -> Path:
        with tarfile.open(folder / "a.tar", "w", format=tarfile.PAX_FORMAT) as packed:
            for name, kind, target in members:
                info = tarfile.TarInfo(name)
                info.type, info.linkname, info.size = kind, target, 4 if kind == FILE else 0
                info.pax_headers = headers if name == members[-1][0] else {}
                packed.addfile(info, io.BytesIO(b"evil"))
        return folder / "a.tar"

    return make


def zipped(name: str, first: str = "") -> Callable[[Path], Path]:
    """A zip whose directory says `name`; its local header says `first`, where that is given."""

    def make(folder: Path) -> Path:
        path = folder / "a.zip"
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(name, "evil")
        if first:
            content = path.read_bytes()
            path.write_bytes(content.replace(name.encode(), first.encode(), 1))
        return path

    return make


TRICKS = {
    "a link to a folder outside, and a file through it": tar(("d", LINK, ".."), ("d/x", FILE, "")),
    "a link to an absolute folder, and a file through it": tar(("d", LINK, "/tmp"), ("d/x", FILE, "")),
    "a link to a link": tar(("a", LINK, "b"), ("b", LINK, ".."), ("a/x", FILE, "")),
    "a folder, then a link of its name, then a file": tar(("d", FOLDER, ""), ("d", LINK, ".."), ("d/x", FILE, "")),
    "a hard link to a file outside, then its content": tar(("x", HARD, "../victim"), ("x", FILE, "")),
    "a long name above the folder": tar(("x", FILE, ""), path="../victim"),
    "a long name that is absolute": tar(("x", FILE, ""), path="/tmp/victim"),
    "a long target of a link": tar(("x", LINK, "y"), linkpath="../victim"),
    "a place in a Windows network": zipped("\\\\host\\share\\x"),
    "a path from a drive on": zipped("C:x"),
    "another name in the header than in the directory": zipped("good.txt", "../x.txt"),
}


@pytest.mark.parametrize("make", TRICKS.values(), ids=TRICKS)
def test_nothing_is_written_outside_and_nothing_stays(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "victim").write_text("good")
    (tmp_path / "victim").write_text("good")
    archive = make(inner)
    with pytest.raises(BadInput, match=r": (refused|cannot be unpacked): ") as caught:
        unpack.unpack(archive, inner / "out")
    assert "\n" not in str(caught.value)
    assert sorted(path for path in tmp_path.rglob("*")) == sorted(
        [inner, archive, inner / "victim", tmp_path / "victim"]
    )
    assert (inner / "victim").read_text() == (tmp_path / "victim").read_text() == "good"


def test_a_zero_byte_ends_a_name_and_hides_nothing(tmp_path: Path) -> None:
    """What follows it is no part of the name: no second name for one that was looked at."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("good.txtZ../x", "fine")
    archive.write_bytes(archive.read_bytes().replace(b"good.txtZ../x", b"good.txt\0../x"))
    unpack.unpack(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.zip", "good.txt"]


@pytest.mark.parametrize("target", ["../victim.wav", "/etc/hostname", "b.wav"])
def test_an_archive_that_is_read_and_not_unpacked_gives_its_own_members(tmp_path: Path, target: str) -> None:
    """A link in a tar of recordings leads to no file of this machine."""
    (tmp_path / "victim.wav").write_text("secret")
    archive = tar(("a.wav", LINK, target), ("c.wav", FILE, ""))(tmp_path)
    assert [file.read() for file in files(archive, ["c.wav"])] == [b"evil"]  # type: ignore[union-attr]
    with pytest.raises(Exception, match=r"linkname|contains no a\.wav"):
        list(files(archive, ["a.wav"]))
