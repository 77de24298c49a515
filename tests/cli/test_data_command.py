"""`repro data`: its output, its exit codes, and that one changed sample is found."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from repro.data import catalogue

MIRROR = Path(os.environ.get("REPRO_MIRROR") or "nowhere")
ROWS = b"a,b\n1,2\n3,4\n"
READER = """
from pathlib import Path
from repro.data import store
import hashlib

class Reader:
    def __init__(self, split="all"):
        self.rows = (store.folder("tables") / f"{split}.csv").read_text().splitlines()[1:]
        if "?" in self.rows:
            raise ValueError("a row is ?")
    def __len__(self):
        return len(self.rows)
    def fingerprint(self):
        return hashlib.sha256(repr(self.rows).encode()).hexdigest()[:16]
"""
FOUND = hashlib.sha256(repr(["1,2", "3,4"]).encode()).hexdigest()[:16]
VARIANTS = f"""
[tables.variants.one]
items = 2
fingerprint = "{FOUND}"
arguments = {{ split = "one" }}
[tables.variants.two]
items = 2
arguments = {{ split = "two" }}
"""


GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "data.md"


def printed(command: str) -> str:
    """The output of a command as shown in the guide."""
    return GUIDE.read_text(encoding="utf-8").partition(f"$ {command}\n")[2].partition("```")[0]


def needs(name: str) -> Any:
    return pytest.mark.skipif(not (MIRROR / name).is_dir(), reason=f"REPRO_MIRROR names no folder with {name}")


@pytest.fixture
def tables(study: Any) -> Any:
    """A data set with a reader and two variants; only one variant has a fingerprint in the catalogue."""
    study.catalogue.with_name("reader.py").write_text(READER)
    study.add("tables", VARIANTS, variants=(), one_csv=ROWS, two_csv=b"a,b\n5,6\n7,8\n")
    yield study
    for name in ("papers.study.reader", "papers.study"):
        sys.modules.pop(name, None)


def test_the_list_says_what_there_is_and_where(tables: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = repro("data", "list")
    head, *lines = out.splitlines()
    assert (code, err) == (0, "") and head.split() == ["name", "variants", "size", "where", "licence"]
    assert [line.split()[0] for line in lines] == sorted(catalogue.every(), key=str.lower)
    (mine,) = [line for line in lines if line.startswith("tables")]
    assert " ".join(mine.split()) == "tables one 2, two 2 24 bytes not here a licence"
    (tables.mirror / "tables").mkdir(parents=True)
    for name in ("one", "two"):
        (tables.mirror / "tables" / f"{name}.csv").touch()
    monkeypatch.setenv("REPRO_MIRROR", str(tables.mirror))
    assert "24 bytes  mirror" in repro("data", "list")[1]
    repro("data", "get", "tables")
    monkeypatch.delenv("REPRO_MIRROR")
    repro("data", "get", "tables")
    assert "24 bytes  data folder" in repro("data", "list")[1]


def test_the_list_for_machines_has_everything(tables: Any, repro: Any) -> None:
    rows = {row["name"]: row for row in json.loads(repro("data", "list", "--json")[1])}
    assert rows["mnist"]["variants"] == {"train": 60_000, "test": 10_000} and not rows["mnist"]["here"]
    assert rows["tables"] == {
        "name": "tables", "variants": {"one": 2, "two": 2}, "size": 24, "licence": "a licence", "place": "",
        "folder": "", "here": [], "download": True, "title": "a title", "homepage": "a homepage",
        "citation": "a citation", "obtain": "", "fingerprints": {"one": FOUND},
    }  # fmt: skip


def test_a_broken_catalogue_is_said_and_the_rest_listed(study: Any, repro: Any) -> None:
    study.catalogue.write_text("[tables]\ntitel = 'x'\n")
    code, out, err = repro("data", "list")
    assert code == 2 and "mnist" in out and "unknown key 'titel'" in err and len(err.splitlines()) == 1


def test_where_get_where(tables: Any, repro: Any, refused: Any) -> None:
    assert refused("data", "where", "tables") == "tables is not here; `repro data get tables` downloads it (24 bytes)"
    code, out, err = repro("data", "get", "tables")
    assert (code, out) == (0, f"{tables.data}/tables\n") and "downloading one.csv of tables into" in err
    assert repro("data", "where", "tables") == repro("data", "get", "tables") == (0, f"{tables.data}/tables\n", "")


@pytest.mark.parametrize(("words", "said"), [
    (("where", "tabels"), "no data set 'tabels' in the catalogue; did you mean 'tables'?"),
    (("get", "tabels"), "no data set 'tabels' in the catalogue; did you mean 'tables'?"),
    (("verify", "tabels"), "no data set 'tabels' in the catalogue; did you mean 'tables'?"),
    (("verify", "tables", "oen"), "tables has no variant 'oen'; did you mean 'one'?"),
    (("get", "tables/oen"), "tables has no variant 'oen'; did you mean 'one'?"),
    (("verify", "tables"), "tables is not here; `repro data get tables` downloads it"),
    (("verify", "tables/one", "two"), "two variants, 'one' and 'two'; expected tables/one or tables two"),
    (("where", ""), "'' is not the name of a data set; expected one of `repro data list`"),
    (("where", "/"), "'/' is not the name of a data set"),
    (("get", "../tables"), "no data set '..' in the catalogue"),
    (("verify", "tables", "one"), "tables/one is not here; `repro data get tables/one` downloads it"),
    (("where", "wsj0-2mix"), "wsj0-2mix is not here and cannot be downloaded: "),
    (("liste",), "argument COMMAND: invalid choice: 'liste'"),
])  # fmt: skip
def test_wrong_input_is_one_line(tables: Any, refused: Any, words: tuple[str, ...], said: str) -> None:
    assert refused("data", *words).startswith(said)


def test_what_is_as_it_should_be_is_verified_and_what_is_unknown_is_said(tables: Any, repro: Any) -> None:
    repro("data", "get", "tables")
    code, out, _ = repro("data", "verify", "tables")
    one, two = out.splitlines()
    assert code == 0 and one == f"tables/one as in the catalogue: 2 items, fingerprint {FOUND}"
    assert two.startswith("tables/two 2 items, fingerprint ") and "no fingerprint to compare with" in two
    assert repro("data", "verify", "tables", "one")[1] == repro("data", "verify", "tables/one")[1] == one + "\n"


@pytest.mark.parametrize(("spoilt", "said"), [
    (b"a,b\n1,2\n3,5\n", "differs: 2 items, fingerprint "),
    (b"a,b\n1,2\n", "differs: 1 items, fingerprint "),
    (b"a,b\n?\n3,4\n", "cannot be read: a row is ?"),
])  # fmt: skip
def test_what_differs_is_found(tables: Any, repro: Any, spoilt: bytes, said: str) -> None:
    repro("data", "get", "tables")
    (tables.data / "tables" / "one.csv").write_bytes(spoilt)
    code, out, _ = repro("data", "verify", "tables")
    one, two = out.splitlines()
    assert code == 1 and one.startswith(f"tables/one {said}") and two.startswith("tables/two 2 items")


@pytest.mark.parametrize(("reader", "said"), [
    ("papers.study.raeder:Reader", "; there is no module papers.study.raeder"),
    ("papers.study.reader:Raeder", ", which is not a class; did you mean 'Reader'?"),
    ("papers.study.reader:hashlib", ", which is not a class; known: Path, Reader"),
    ("repro.claim.paper:Paper", ", which has no __len__()"),
    ("subprocess:Popen", ": no module 'subprocess' of repro or papers that may be imported; known: papers, repro"),
    ("repro.datasets.idx:Mnist", ", which does not take the arguments of two: missing a required argument: 'split'"),
])  # fmt: skip
def test_a_reader_that_cannot_be_is_wrong_input(tables: Any, repro: Any, refused: Any, reader: str, said: str) -> None:
    repro("data", "get", "tables")
    text = tables.catalogue.read_text().replace("papers.study.reader:Reader", reader)
    tables.catalogue.write_text(text.replace('{ split = "two" }', '{ part = "two" }'))
    assert refused("data", "verify", "tables/two") == f"the reader of tables is {reader}{said}"


def test_a_count_that_differs_is_found_whatever_the_fingerprint(tables: Any, repro: Any) -> None:
    repro("data", "get", "tables")
    tables.catalogue.write_text(tables.catalogue.read_text().replace("items = 2", "items = 3"))
    code, out, _ = repro("data", "verify", "tables")
    assert code == 1 and out.count("differs: 2 items") == 2 and out.count("the catalogue has 3 items") == 2


def test_data_that_is_another_known_one_is_named(tables: Any, repro: Any) -> None:
    repro("data", "get", "tables")
    shutil.copy(tables.data / "tables" / "one.csv", tables.data / "tables" / "two.csv")
    text = tables.catalogue.read_text()
    tables.catalogue.write_text(
        text.replace('{ split = "two" }', '{ split = "two" }\nfingerprint = "0000000000000000"')
    )
    code, out, _ = repro("data", "verify", "tables", "two")
    assert code == 1 and f"fingerprint {FOUND}, which is tables/one; the catalogue has 2 items" in out


def test_looking_loads_no_torch(study: Any) -> None:
    for words in (["data", "list"], ["data", "where", "mnist"]):
        code = f"import sys\nfrom repro.cli import main\nmain({words})\nsys.exit('torch' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_the_guide_shows_what_is_printed(study: Any, repro: Any) -> None:
    shown = repro("data", "list")[1]
    assert printed("repro data list") == shown
    assert printed("repro data where mnist") == repro("data", "where", "mnist")[2] != ""


@needs("mnist")
def test_the_guide_shows_what_is_verified(repro: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    assert printed("repro data verify mnist") == repro("data", "verify", "mnist")[1] != ""


@pytest.mark.parametrize("name", [
    pytest.param("mnist", marks=needs("mnist")),
    pytest.param("raff2019", marks=needs("raff2019")),
    pytest.param("ecg", marks=needs("ecg")),
    *(pytest.param(name, marks=[needs(name), pytest.mark.slow]) for name in ("imdb", "fsdd", "librispeech_8k")),
])  # fmt: skip
def test_the_data_of_the_mirror_are_those_of_the_catalogue(
    repro: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    code, out, _ = repro("data", "verify", name)
    assert code == 0 and out.count("as in the catalogue") == len(catalogue.find(name).variants), out


@needs("mnist")
def test_one_flipped_bit_of_one_pixel_is_found_and_another_wrapper_is_not(
    study: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = study.mirror / "mnist"
    shutil.copytree(MIRROR / "mnist", folder)
    monkeypatch.setenv("REPRO_MIRROR", str(study.mirror))
    path = folder / "t10k-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    path.unlink()
    path.write_bytes(gzip.compress(content, 1))
    assert repro("data", "verify", "mnist", "test")[0] == 0, "other compression, same content"
    content[16 + 1_234_567] ^= 1
    path.write_bytes(gzip.compress(content, 1))
    code, out, _ = repro("data", "verify", "mnist", "test")
    assert (
        code == 1 and out.startswith("mnist/test differs: 10,000 items, fingerprint ") and "which is not known" in out
    )
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 1
    path.write_bytes(packed)
    code, out, _ = repro("data", "verify", "mnist", "test")
    assert code == 1 and out.startswith("mnist/test cannot be read: "), "a flipped bit in the compressed file"


@needs("imdb")
@pytest.mark.slow
def test_one_changed_letter_of_one_review_is_found(study: Any, repro: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = study.mirror / "imdb"
    shutil.copytree(MIRROR / "imdb", folder)
    monkeypatch.setenv("REPRO_MIRROR", str(study.mirror))
    path = folder / "test.csv.xz"
    content = lzma.decompress(path.read_bytes())
    path.unlink()
    path.write_bytes(lzma.compress(content.replace(b"wonderful", b"wonderfui", 1), preset=0))
    assert repro("data", "verify", "imdb", "test")[0] == 1 and repro("data", "verify", "imdb", "train")[0] == 0


@needs("fsdd")
@pytest.mark.slow
def test_one_changed_sample_of_one_recording_is_found_in_another_layout(
    study: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder as published has the same fingerprint as the archive in the mirror."""
    with tarfile.open(MIRROR / "fsdd" / "recordings.tar.xz") as tar:
        tar.extractall(study.mirror / "fsdd", filter="data")
    monkeypatch.setenv("REPRO_MIRROR", str(study.mirror))
    assert repro("data", "verify", "fsdd", "test")[0] == 0
    path = study.mirror / "fsdd" / "recordings" / "7_jackson_3.wav"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    code, out, _ = repro("data", "verify", "fsdd", "test")
    assert code == 1 and "differs: 300 items" in out and repro("data", "verify", "fsdd", "train")[0] == 0
