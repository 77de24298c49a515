"""Archives: tar, plain and packed, and zip; their headers with right checksums, so that what they say is believed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import strategies as st

from repro.data import unpack
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import spoilt
from tests.fuzz.referee import Referee

NAMES = [
    *("a", "b", "a/b", "a/b/c", "../x", "/etc/x", ".", "", "a/", "C:/x", "a\\b", "é", "\udcff", "n" * 90, "n" * 300),
    *("d/" * 60 + "x", "d/" * 1500 + "x", "a//b", "./a", "con", "a\nb", "\x1b[2J"),
]
KINDS = [bytes([kind]) for kind in b"000000001234567xgLKSDVMNXA"]
HEADERS = [
    *({}, {}, {}, {}, {"path": "x" * 5000}, {"path": "../x"}, {"linkpath": "/etc"}, {"size": "-512"}, {"mtime": "nan"}),
    *({"size": "99999999999999"}, {"size": "x"}, {"hdrcharset": "BINARY"}, {"GNU.sparse.map": "0,1"}),
    *({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}, {"GNU.sparse.size": "5"}, {"comment": "0" * 20_000}),
    {"GNU.sparse.map": "0,9", "GNU.sparse.size": "99999999999"},
]
PACKERS = {"": bytes, "gz": lambda content: gzip.compress(content, 1, mtime=0), "bz2": bz2.compress,
           "xz": lambda content: lzma.compress(content, preset=0)}  # fmt: skip
FIELDS = [
    (0, 1),
    (100, 8),
    (124, 12),
    (124, 1),
    (156, 1),
    (157, 20),
    (257, 6),
    (345, 5),
    (386, 12),
    (482, 1),
    (483, 12),
]


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    """A tar of up to four members of any kind, with edits of the fields of its headers."""
    file = io.BytesIO()
    shape = draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]))
    with tarfile.open(fileobj=file, mode="w", format=shape, errors="surrogateescape") as tar:
        for _ in range(draw(st.integers(0, 4))):
            info = tarfile.TarInfo(draw(st.sampled_from(NAMES)))
            info.type, info.linkname = draw(st.sampled_from(KINDS)), draw(st.sampled_from(NAMES))
            info.size = draw(st.sampled_from([0, 3, 600]))
            info.pax_headers = draw(st.sampled_from(HEADERS))
            try:
                tar.addfile(info, io.BytesIO(bytes(600)))
            except ValueError:  # a name that this format cannot hold
                continue
    content = bytearray(file.getvalue())
    for _ in range(draw(st.integers(0, 2))):
        block = 512 * draw(st.integers(0, len(content) // 512 - 1))
        start, length = draw(st.sampled_from(FIELDS))
        content[block + start : block + start + length] = draw(st.binary(min_size=length, max_size=length))
    packed = PACKERS[draw(st.sampled_from(sorted(PACKERS)))](_summed(content))
    return draw(spoilt([packed])) if draw(st.integers(0, 4)) == 4 else packed


def _summed(content: bytearray) -> bytes:
    """The tar with each checksum as it should be."""
    for start in range(0, len(content) - 511, 512):
        header = content[start : start + 512]
        if header[257:262] == b"ustar":
            total = sum(header[:148]) + sum(header[156:]) + 8 * ord(" ")
            content[start + 148 : start + 156] = b"%06o\0 " % total
    return bytes(content)


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for _ in range(draw(st.integers(0, 4))):
            info = zipfile.ZipInfo("x")
            info.filename = draw(st.sampled_from(NAMES)).encode("utf-8", "replace").decode()
            info.external_attr = draw(st.sampled_from([0, 0, 0, 0o120777 << 16, 0o100644 << 16, 0o20666 << 16]))
            info.compress_type = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]))
            packed.writestr(info, bytes(draw(st.sampled_from([0, 3, 600]))))
    return draw(spoilt([file.getvalue()]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_any_archive_is_unpacked_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path, tmp_path: Path) -> None:
    """It appears whole or not at all, and nothing is written beside it."""
    (tmp_path / "out").mkdir()

    def read() -> None:
        try:
            unpack.unpack(fuzzed / "a", tmp_path / "out" / "unpacked")
        finally:
            there = {path.name for path in (tmp_path / "out").iterdir()}
            shutil.rmtree(tmp_path / "out" / "unpacked", ignore_errors=True)
            assert there <= {"unpacked"}, there

    def members() -> None:
        try:
            for member in unpack.tar_members(fuzzed / "a"):
                if member.kind == "file" and (file := member.open()):
                    file.read()
        except (*unpack.BROKEN, OSError) as error:  # as `repro.datasets.recordings` does
            raise unpack.BadInput(f"broken: {type(error).__name__}") from None

    def case(referee: Referee, content: bytes) -> None:
        referee.judge(members if referee.cases % 2 else read, {"a": content})

    fuzz(st.one_of(tars(), tars(), zips()), case)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case", "data", "out", "papers"]
