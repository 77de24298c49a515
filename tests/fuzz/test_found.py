"""What the fuzzers found, each once: every case here was a traceback, a hang or all of the memory."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from repro import record
from repro.claim.paper_toml import read as read_paper
from repro.data import catalogue, unpack
from repro.datasets.fsdd import Fsdd
from repro.datasets.idx import read_idx
from repro.datasets.librispeech import LibriSpeech
from repro.datasets.recordings import Piece, source, waveforms
from repro.errors import BadInput
from repro.files.toml_lines import blocks
from repro.verdict import verdicts_json
from tests.fuzz.mutations import LONG
from tests.fuzz.referee import refereed


def tar(*members: tuple[str, bytes, bytes, dict[str, str]]) -> bytes:
    """A tar of members: name, type, content, pax headers."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as packed:
        for name, kind, content, headers in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.pax_headers, info.linkname = kind, len(content), headers, "nowhere"
            packed.addfile(info, io.BytesIO(content))
    return file.getvalue()


def negative(content: bytes) -> bytes:
    """A tar whose first header says that its member ends before it begins."""
    header = bytearray(content[:512])
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 8 * ord(" "))
    return bytes(header) + content[512:]


def sound(rate: int, length: int = 4000, kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(length, np.int16), rate, format=kind)
    return file.getvalue()


def claims_samples(number: int) -> bytes:
    """A FLAC file of a few bytes that says it has `number` samples."""
    content = bytearray(sound(8000, kind="FLAC"))
    content[21] = content[21] & 0xF0 | number >> 32
    content[22:26] = struct.pack(">I", number & 0xFFFFFFFF)
    return bytes(content)


def idx(*sizes: int, content: bytes = b"") -> bytes:
    return gzip.compress(bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + content, mtime=0)


FILE, LINK = tarfile.REGTYPE, tarfile.SYMTYPE
PLAIN = ("a", FILE, b"a", {})
BOMB = tar(("a", FILE, b"", {"comment": "0" * (64 << 20)}))
ARCHIVES = {
    "a header that is a bomb": (lzma.compress(BOMB, preset=0), "a header has"),
    "a header of digits": (tar(("a", FILE, b"", {"comment": "0" * 20_000})), "a header has"),
    "a size below 0": (negative(tar(PLAIN)), "negative size"),
    "a size below 0 in a pax header": (tar(("a", FILE, b"a", {"size": "-512"})), "negative size"),
    "a sparse member": (tar(("a", tarfile.GNUTYPE_SPARSE, b"", {})), "is sparse"),
    "a name that is too long": (tar(("n" * 300, FILE, b"", {})), "File name too long"),
    "folders in folders": (tar(("d/" * 150 + "a", FILE, b"", {})), "more than 100 folders deep"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_says_too_much_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    def read() -> None:
        with pytest.raises(BadInput, match=said):
            unpack.unpack(tmp_path / "case" / "a", tmp_path / "out")

    (tmp_path / "case").mkdir()
    with refereed(tmp_path / "case") as referee:
        referee.judge(read, {"a": content})


def test_very_many_members_are_refused_however_empty_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "ALWAYS", 100 * unpack.EACH)
    (tmp_path / "a").write_bytes(gzip.compress(tar(*((str(n), FILE, b"", {}) for n in range(101)))))
    with pytest.raises(BadInput, match="it unpacks to more than 100 members"):
        unpack.unpack(tmp_path / "a", tmp_path / "out")


SOUNDS = {
    "many samples in a few bytes": (claims_samples(2**35), "has 34359738368 samples"),
    "a rate that makes a resampler of gigabytes": (sound(2047), "too many to resample to 16000 Hz"),
    "a rate beyond all reason": (sound(2**31 - 1), "too many to resample to 16000 Hz"),
    "a rate that makes it last for hours": (sound(1, 400_000), "too many to resample"),
}


@pytest.mark.parametrize(("content", "said"), SOUNDS.values(), ids=SOUNDS)
def test_a_sound_that_says_too_much_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        waveforms(tmp_path, Piece(0, ["a.wav"], source(tmp_path, ["a.wav"])), 16000)


IMAGES = {
    "sizes that overflow": (idx(2**31, 2**31, 4), "has the shape"),
    "nothing, of a size": (idx(0, 2**32 - 1, 2**32 - 1), "it contains nothing"),
    "a bomb": (idx(1, 1, 1, content=bytes(80 << 20)), "it unpacks to more than the limit"),
}


@pytest.mark.parametrize(("content", "said"), IMAGES.values(), ids=IMAGES)
def test_images_that_say_too_much_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read_idx(tmp_path / "a.gz", 3)


LISTS: dict[str, tuple[str, str]] = {
    "no column": ("name\nx.wav\n", ":1: has no column 'file'"),
    "a short row": ("split,file\ntrain\n", ":2: ends before the column 'file'"),
    "no UTF-8": ("file\n\udcff\n", ": is not a CSV file in UTF-8"),
    "a cell beyond the limit": (
        f"split,file\ntrain,{'x' * ((1 << 24) + 1)}\n",
        ": is not a CSV file in UTF-8: field larger than",
    ),
}


@pytest.mark.parametrize(("text", "said"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("corpus", ["fsdd", "librispeech_8k"])
def test_a_list_of_recordings_that_is_none_is_refused(
    fuzzed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, corpus: str, text: str, said: str
) -> None:
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path))
    (tmp_path / corpus / "train-clean-100").mkdir(parents=True)
    (tmp_path / corpus / "recordings.tar.xz").write_bytes(tar(PLAIN))
    (tmp_path / corpus / "metadata.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadInput, match=rf"{corpus}/metadata\.csv{said}"):
        Fsdd("test") if corpus == "fsdd" else LibriSpeech(root=corpus)


def test_a_link_in_the_place_of_a_recording_is_missing(
    fuzzed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path))
    (tmp_path / "fsdd").mkdir()
    (tmp_path / "fsdd/recordings.tar.xz").write_bytes(tar(("recordings/0_a_1.wav", LINK, b"", {})))
    (tmp_path / "fsdd/metadata.csv").write_text("file\n0_a_1.wav\n")
    with pytest.raises(BadInput, match=r"contains no recordings/0_a_1\.wav, the first of 1 missing files"):
        Fsdd("test")[0]


HEAD = '[paper]\ntitle = "t"\nauthors = ["a"]\nyear = 2020\n[[claim]]\nid = "a"\nsays = "s"\nwhere = "w"\n'
CLAIM = HEAD + 'config = "configs/a.gin"\nmetric = "M"\n'
MANIFESTS = {
    "seeds beyond all memory": (f"{CLAIM}seeds = 1000000000000\nabove = 0.0", ":11: 'seeds' is 1000000000000"),
    "a number beyond a float": (f"{CLAIM}above = 1{'0' * 400}", ":11: 'above' is 1000"),
    "a print beyond a float": (f'{CLAIM}printed = "1e999999999"', ":11: 'printed' is '1e999999999'"),
    "a list in a list, each on its line": (f"{CLAIM}above = 0.0\nproxy = [\n[\n1,2\n]\n]", r":12: 'proxy\[0\]' is"),
    "a claim in a text": (
        f'{HEAD}no_config = """\n[[claim]]\n"""\nabove = "\u2028[[claim]]"',
        ":12: contains the invisible character U.2028",
    ),
}


@pytest.mark.parametrize(("text", "said"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_that_cannot_be_meant_is_refused_at_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "a.gin").touch()
    (tmp_path / "paper.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=rf"paper\.toml{said}"):
        read_paper(tmp_path)


def test_the_places_of_a_long_line_are_found_at_once() -> None:
    """A line of blanks within brackets took a time that grew with the cube of its length."""
    text = f'a = """\n[{" " * 100_000}\n"""\n[b]\nc = 1\n'
    assert blocks(text, "x")["b"][0].place("c") == "x:5"


def test_layouts_may_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    """A list of lists in `data.toml` was taken for a header."""
    facts = "".join(f'{key} = "a"\n' for key in ("title", "homepage", "licence", "citation", "obtain"))
    text = f'[a]\n{facts}reader = "a:B"\nlayouts = [\n["a"],\n["b"]\n]\n[a.variants.all]\nitems = 0\n'
    (tmp_path / "data.toml").write_text(text)
    with pytest.raises(BadInput, match=r"data\.toml:13: 'items' is 0"):
        catalogue.read(tmp_path / "data.toml")


RECORD = '{"format": 1, "paper": "p", "config": "a", "seed": 0, "digest": "", "measurements": [%s]%s}'
VALUES = '{"test": "t", "metric": "m", "identity": {"name": "m"}, "values": %s}'
RECORDS = {
    "brackets in brackets": ("[" * 100_000, "not a record: it is nested too deep"),
    "a number of 5,000 digits": (RECORD % (VALUES % f"[{LONG}]", ""), "more than 18 digits"),
    "a number beyond a float": (RECORD % (VALUES % f"[1{'0' * 400}]", ""), "more than 18 digits"),
    "a number without a square": (RECORD % (VALUES % "[1e300]", ""), "has the value 1e.300"),
    "not a number": (RECORD % (VALUES % "[NaN]", ""), "not a record: NaN is not a JSON number"),
    "one key twice": (RECORD % (VALUES % "[1]", ', "seed": 0'), "not a record: the key 'seed' occurs twice"),
    "items beyond all memory": (
        RECORD % (VALUES % '{"items": 99999999, "usual": 1, "others": {}}', ""), "it would have 99999999 values"),
    "a list for a text": (RECORD % (VALUES % "[1]", ', "text": []'), r"'text' is \[\]; expected a string"),
    "a list for the code": (RECORD % (VALUES % "[1]", ', "code": []'), r"'code' is \[\]; expected a table of strings"),
    "what is not stored": (RECORD % (VALUES % "[1]", ', "stale": "x"'), "'stale' is computed and must not be stored"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), RECORDS.values(), ids=RECORDS)
def test_a_record_that_nobody_wrote_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a-seed0.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        record.read(tmp_path / "a-seed0.json")


VERDICTS = {
    "one key twice": ('{"a": "not transcribed", "a": "reproduced"}', "the key 'a' occurs twice"),
    "brackets in brackets": ("[" * 100_000, "it is nested too deep"),
    "a number of 5,000 digits": (LONG, "more than 18 digits"),
}


@pytest.mark.parametrize(("text", "said"), VERDICTS.values(), ids=VERDICTS)
def test_verdicts_that_say_two_things_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records/verdicts.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        verdicts_json.read(tmp_path)
