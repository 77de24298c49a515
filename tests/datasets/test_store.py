"""Where a data set is, and how it comes there: once, whole or not at all, however many ask and whoever is killed."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from repro.data import download, store
from repro.errors import BadInput

TABLE, NOTES = b"Reproduced,Year\r\nYes,1984\r\n", b"notes\n"
BIG = bytes(range(256)) * 10_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "BACKOFF", 0.001)


def packed(**files: bytes) -> bytes:
    """A tar of files; `a__b` is `a/b`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for key, content in files.items():
            info = tarfile.TarInfo(key.replace("__", "/"))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def visible(folder: Path) -> dict[str, bytes]:
    """What is in the data folder, by path, but for the locks."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.endswith(".lock")}


def asked(server: Any) -> list[str]:
    return [path for path, _ in server.asked]


def test_a_data_set_is_downloaded_once(study: Any, server: Any) -> None:
    study.add("tables", table_csv=TABLE, notes_txt=NOTES)
    assert store.where("tables") is None and not study.data.exists(), "to look downloads nothing"
    assert store.folder("tables") == study.data / "tables" == store.where("tables")
    assert visible(study.data) == {"tables/table.csv": TABLE, "tables/notes.txt": NOTES}
    server.stop()
    assert store.folder("tables") == study.data / "tables"
    assert asked(server) == ["table.csv", "notes.txt"]


def test_the_data_folder_comes_first_then_the_mirror_then_the_network(
    study: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.add("tables", table_csv=TABLE)
    monkeypatch.setenv("REPRO_MIRROR", str(study.mirror))
    mirrored, own = study.mirror / "tables", study.data / "tables"
    for folder in (mirrored, own):
        folder.mkdir(parents=True)
    (mirrored / "table.csv").write_bytes(b"packed otherwise")
    assert store.folder("tables") == mirrored, "a folder that lacks a file is passed over"
    (own / "table.csv").write_bytes(b"packed in another way")
    assert store.folder("tables") == own
    assert server.asked == [], "what is there is not judged by its checksum"
    for folder in (mirrored, own):
        (folder / "table.csv").unlink()
    assert store.folder("tables") == own and asked(server) == ["table.csv"]
    assert list(mirrored.iterdir()) == [], "a mirror is only read"


def test_without_a_data_folder_it_is_the_cache_of_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REPRO_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.root().is_relative_to(tmp_path) and "repro" in store.root().parts
    monkeypatch.setenv("REPRO_DATA", "~/data")
    assert store.root() == tmp_path / "data"


def test_only_what_is_lacking_is_brought(study: Any, server: Any) -> None:
    study.add("tables", table_csv=TABLE, notes_txt=NOTES)
    (study.data / "tables").mkdir(parents=True)
    (study.data / "tables" / "notes.txt").write_bytes(b"mine")
    store.folder("tables")
    assert asked(server) == ["table.csv"]
    assert visible(study.data) == {"tables/table.csv": TABLE, "tables/notes.txt": b"mine"}


def test_any_layout_will_do(study: Any, server: Any) -> None:
    study.add("essays", 'layouts = [["train.csv", "test.csv"], ["tree/train", "tree/test"]]', tree_tar_gz=packed(
        tree__train__1=b"good", tree__test__1=b"bad"
    ))  # fmt: skip
    folder = study.data / "essays"
    folder.mkdir(parents=True)
    (folder / "train.csv").touch()
    assert store.lacking(study.data, "essays") == "essays/test.csv", "of the nearest layout"
    (folder / "test.csv").touch()
    assert store.folder("essays") == folder and server.asked == []
    (folder / "test.csv").unlink()
    assert store.folder("essays") == folder and asked(server) == ["tree.tar.gz"]
    assert visible(study.data) == {
        "essays/train.csv": b"",
        "essays/tree/train/1": b"good",
        "essays/tree/test/1": b"bad",
    }


PARTS = """layouts = []
[corpus.variants.dev]
items = 1
layouts = [["corpus/dev"], ["dev"]]
files = ["dev.tar.gz"]
[corpus.variants.train]
items = 1
layouts = [["corpus/train"], ["train"]]
files = ["train.tar.gz"]
"""


def test_a_variant_can_be_had_alone_and_joins_the_others(study: Any, server: Any, monkeypatch: Any) -> None:
    dev, train = (
        packed(corpus__about=b"dev", corpus__dev__1=b"1"),
        packed(corpus__about=b"train", corpus__train__2=b"2"),
    )
    study.add("corpus", PARTS, variants=(), dev_tar_gz=dev, train_tar_gz=train)
    folder = study.data / "corpus"
    assert store.folder("corpus/dev") == folder and asked(server) == ["dev.tar.gz"]
    assert store.where("corpus/train") is None and store.where("corpus") is None
    assert store.folder("corpus") == folder and asked(server) == ["dev.tar.gz", "train.tar.gz"]
    parts = {"corpus/corpus/dev/1": b"1", "corpus/corpus/train/2": b"2"}
    assert visible(study.data) == {"corpus/corpus/about": b"train", **parts}
    (study.mirror / "corpus" / "dev").mkdir(parents=True)
    monkeypatch.setenv("REPRO_MIRROR", str(study.mirror))
    monkeypatch.setenv("REPRO_DATA", str(study.data / "empty"))
    assert store.where("corpus/dev") == study.mirror / "corpus" and store.where("corpus/train") is None
    with pytest.raises(BadInput, match="corpus has no variant 'tain'; did you mean 'train'"):
        store.folder("corpus/tain")


def test_ones_own_data_needs_no_entry_in_the_catalogue(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_MIRROR", str(study.mirror))
    (study.mirror / "mine" / "v2").mkdir(parents=True)
    assert store.folder("mine") == study.mirror / "mine" and store.folder("mine/v2") == study.mirror / "mine" / "v2"
    with pytest.raises(
        BadInput, match=r"no data set 'mnits' .*did you mean 'mnist'\? \(.*/data has no mnits; .*/mirror has"
    ):
        store.folder("mnits")


def test_what_cannot_be_downloaded_says_how_to_get_it(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    study.add("secret", 'obtain = "ask the LDC"\nlayouts = [["wav/tr", "wav/tt"]]')
    study.catalogue.write_text(study.catalogue.read_text().replace("urls =", "# urls ="))
    (study.mirror / "secret" / "wav" / "tr").mkdir(parents=True)
    monkeypatch.setenv("REPRO_MIRROR", str(study.mirror))
    with pytest.raises(BadInput) as caught:
        store.folder("secret")
    seen = f"{study.data} has no secret; {study.mirror} has no secret/wav/tt"
    assert str(caught.value) == f"secret is not here ({seen}) and cannot be downloaded: ask the LDC"


def test_a_download_that_fails_says_where_it_looked_and_the_way_out(study: Any, server: Any) -> None:
    study.add("tables", table_csv=TABLE)
    server.faults["table.csv"] = ["404"]
    with pytest.raises(BadInput, match=r"no tables\): cannot download table\.csv: .*HTTP 404.*REPRO_MIRROR may name"):
        store.folder("tables")
    assert visible(study.data) == {} and store.where("tables") is None


def test_a_mirror_that_is_no_folder_is_named(study: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPRO_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match=r"REPRO_MIRROR is .*nowhere, which is not a folder"):
        store.folder("mnist")


def test_a_data_folder_that_cannot_be_written_is_named(study: Any) -> None:
    study.add("tables", table_csv=TABLE)
    study.data.write_text("in the way")
    with pytest.raises(BadInput, match=r"REPRO_DATA is .*/data, which is a file; expected a folder"):
        store.folder("tables")


def test_a_disk_without_room_is_said_before_a_byte_is_asked_for(study: Any, server: Any, monkeypatch: Any) -> None:
    class Usage:
        free = len(TABLE) - 1

    study.add("tables", table_csv=TABLE)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(BadInput, match=r"/data has 0\.0 GB free; expected"):
        store.folder("tables")
    assert server.asked == []


def test_an_archive_that_is_not_what_the_catalogue_says_is_refused(study: Any) -> None:
    study.add("essays", 'layouts = [["tree"]]', tree_tar_gz=packed(other__1=b""))
    with pytest.raises(BadInput, match="the download does not contain essays/tree, but the catalogue lists it"):
        store.folder("essays")


def test_an_archive_that_was_brought_by_hand_is_unpacked_and_left(study: Any, server: Any) -> None:
    study.add("essays", 'layouts = [["tree"]]', tree_tar_gz=packed(tree__1=b"good"))
    (study.data / "essays").mkdir(parents=True)
    held = study.data / "essays" / "tree.tar.gz"
    held.write_bytes(server.files["tree.tar.gz"])
    assert (store.folder("essays") / "tree" / "1").read_bytes() == b"good"
    assert server.asked == [] and held.read_bytes() == server.files["tree.tar.gz"]


def test_what_a_killed_process_left_is_used_or_deleted(study: Any, server: Any) -> None:
    """Whole and partial files are gone on with; half an archive's content and the rest are not."""
    archive = packed(tree__1=BIG)
    study.add("essays", 'layouts = [["tree", "table.csv"]]', table_csv=TABLE, tree_tar_gz=archive)
    beside = study.data / ".essays.partial"
    (beside / ".tree.tar.gz.unpacked.x" / "tree").mkdir(parents=True)
    (beside / "tree.tar.gz.unpacked" / "tree" / "old").mkdir(parents=True)
    (beside / "tmpabc").write_bytes(b"half")
    (beside / "tree.tar.gz").write_bytes(archive)
    (beside / "table.csv.part").write_bytes(TABLE[:10])
    assert store.where("essays") is None
    store.folder("essays")
    assert server.asked == [("table.csv", "bytes=10-")]
    assert visible(study.data) == {"essays/tree/1": BIG, "essays/table.csv": TABLE} and not beside.exists()


ASK = """
import logging, sys
from repro.data import store
logging.basicConfig(level="INFO")
print(store.folder(sys.argv[1]))
"""


def asking(study: Any, name: str) -> subprocess.Popen[str]:
    """Another process that asks for a data set; logs to stderr."""
    environment = {**os.environ, "PYTHONPATH": str(study.catalogue.parents[2])}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", ASK, name], env=environment, stdout=pipe, stderr=pipe, text=True)


def test_processes_that_ask_at_once_download_once(study: Any, server: Any) -> None:
    study.add("big", big_bin=BIG)
    server.faults["big.bin"] = ["slow"]
    both = [asking(study, "big") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [out.strip() for out, _ in said] == [str(study.data / "big")] * 2
    assert asked(server) == ["big.bin"] and visible(study.data) == {"big/big.bin": BIG}


def test_a_killed_download_looks_like_none_and_the_next_goes_on(study: Any, server: Any) -> None:
    study.add("big", big_bin=BIG)
    server.faults["big.bin"] = ["slow"]
    process = asking(study, "big")
    while server.sent < len(BIG) // 2:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    left = visible(study.data)
    assert all(name.startswith(".big.partial/") for name in left) and BIG not in left.values()
    assert store.where("big") is None
    store.folder("big")
    assert visible(study.data) == {"big/big.bin": BIG}
    (_, first), (_, second) = server.asked
    assert first == "" and int(second.removeprefix("bytes=").removesuffix("-")) > len(BIG) // 4


def test_one_who_waits_for_a_killed_process_takes_over(study: Any, server: Any) -> None:
    study.add("big", big_bin=BIG)
    server.faults["big.bin"] = ["stall"]
    killed = asking(study, "big")
    while server.sent < len(BIG) // 2:
        time.sleep(0.01)
    waiting = asking(study, "big")
    while "another process downloads big" not in waiting.stderr.readline():
        assert waiting.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert waiting.communicate(timeout=60)[0].strip() == str(study.data / "big")
    assert visible(study.data) == {"big/big.bin": BIG}
