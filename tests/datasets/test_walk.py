"""The files of a data set: all are found, each once, and what is left out is named in a log line."""

from __future__ import annotations

import logging
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from repro.datasets import walk
from repro.errors import BadInput


def write(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="repro")
    return caplog


def test_every_file_of_the_kind_is_found_in_the_order_of_the_names(tmp_path: Path, said: Any) -> None:
    expected = {name: write(tmp_path / path) for name, path in {"a": "z/a.WAV", "b": "b.wav", "c": "y/x/c.Wav"}.items()}
    write(tmp_path / "notes.txt")
    assert walk.files(tmp_path, ".wav") == expected and list(walk.files(tmp_path, ".wav")) == ["a", "b", "c"]
    assert not said.messages and walk.files(tmp_path / "none", ".wav") == {}


def test_links_are_followed_and_a_circle_ends(tmp_path: Path, said: Any) -> None:
    home = tmp_path / "set/subset"
    write(home / "1/a.wav")
    write(tmp_path / "set/other/stranger.wav")
    write(tmp_path / "elsewhere/2/b.wav")
    (home / "2").symlink_to(tmp_path / "elsewhere/2")
    (home / "c.wav").symlink_to(write(tmp_path / "elsewhere/sound.wav", "c"))
    (home / "1/round").symlink_to(home / "1")
    (home / "up").symlink_to(tmp_path)
    (home / "0-again").symlink_to(home / "1")
    found = walk.files(home, ".wav")
    assert {name: path.relative_to(home).as_posix() for name, path in found.items()} == {
        "a": "1/a.wav",
        "b": "2/b.wav",
        "c": "c.wav",
    }
    assert said.messages == [f"{home}: left out 3 links to a folder that is read already (the first: 0-again)"]


def test_two_links_that_hold_each_other_end(tmp_path: Path) -> None:
    for one, other in (("one", "other"), ("other", "one")):
        write(tmp_path / f"far/{one}/{one}.wav", one)
        (tmp_path / f"far/{one}/next").symlink_to(tmp_path / f"far/{other}")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/in").symlink_to(tmp_path / "far/one")
    assert sorted(walk.files(tmp_path / "data", ".wav")) == ["one", "other"]


def test_hidden_files_and_folders_of_a_system_are_left_out(tmp_path: Path, said: Any) -> None:
    write(tmp_path / "a.wav")
    for name in (
        "._a.wav",
        ".DS_Store",
        "Thumbs.db",
        ".Trash/b.wav",
        "__MACOSX/._a.wav",
        "@eaDir/c.wav",
        "deep/._d.WAV",
    ):
        write(tmp_path / name, name)
    assert list(walk.files(tmp_path, ".wav")) == ["a"]
    assert said.messages == [f"{tmp_path}: left out 2 hidden files (the first: ._a.wav)"]


COPIES = ["a (1).wav", "a(2).wav", "a copy.wav", "a copy 2.wav", "a - Copy.wav", "a - Copy (3).wav", "a (copy).wav"]
COPIES += ["Copy of a.wav", "a - Kopie.wav", "a 2.wav", "A.wav", "a.WAV", "b/a.wav", "1 (1)/a.wav"]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_left_out_and_named(tmp_path: Path, said: Any, name: str) -> None:
    original = write(tmp_path / "a.wav")
    write(tmp_path / name)
    assert walk.files(tmp_path, ".wav") == {"a": original}
    assert said.messages == [f"{tmp_path}: left out 1 copies (the first: {name})"]


def test_the_copy_of_a_folder_is_left_out_and_what_it_alone_has_is_not(tmp_path: Path) -> None:
    for name in ("84/1/84-1-0000.wav", "84 (1)/1/84-1-0000.wav", "84 (1)/1/84-1-0001.wav"):
        write(tmp_path / name, name[-8:])
    found = walk.files(tmp_path, ".wav")
    assert [path.relative_to(tmp_path).as_posix() for path in found.values()] == [
        "84/1/84-1-0000.wav",
        "84 (1)/1/84-1-0001.wav",
    ]


@pytest.mark.parametrize("names", [("mix (1).wav", "mix (2).wav"), ("take.wav", "take 2.wav"), ("a.wav", "b.wav")])
def test_what_is_no_copy_is_kept(tmp_path: Path, said: Any, names: tuple[str, str]) -> None:
    """Names with a number are of copies only where the original is there, and has the same bytes."""
    for name in names:
        write(tmp_path / name, name)
    assert len(walk.files(tmp_path, ".wav")) == 2 and not said.messages


@pytest.mark.parametrize("other", ["b/a.wav", "A.wav", "a.WAV", "b (1)/a.wav"])
def test_two_files_of_one_name_that_differ_are_refused(tmp_path: Path, other: str) -> None:
    write(tmp_path / "a.wav", "one")
    write(tmp_path / other, "two")
    with pytest.raises(
        BadInput, match=r"\.(wav|WAV): has the same name as .* but other content; expected one of the two"
    ):
        walk.files(tmp_path, ".wav")


def test_two_spellings_of_one_accent_are_one_name(tmp_path: Path, said: Any) -> None:
    for form in ("NFC", "NFD"):
        write(tmp_path / unicodedata.normalize(form, "é.wav"))  # type: ignore[arg-type]
    assert list(walk.files(tmp_path, ".wav")) == ["é"] and len(said.messages) == 1
    write(tmp_path / unicodedata.normalize("NFD", "é.wav"), "other")
    with pytest.raises(BadInput, match="other content"):
        walk.files(tmp_path, ".wav")


@pytest.mark.parametrize("name", ["speaker", "a.wav"])
@pytest.mark.parametrize("target", ["nowhere", "itself"])
def test_a_broken_link_is_refused(tmp_path: Path, name: str, target: str) -> None:
    (tmp_path / name).symlink_to(tmp_path / (name if target == "itself" else target))
    with pytest.raises(BadInput, match=rf"{name}: is a link to .*{'nowhere' if target == 'nowhere' else name}, which"):
        walk.files(tmp_path, ".wav")
    (tmp_path / name).rename(tmp_path / "notes.txt")
    assert walk.files(tmp_path, ".wav") == {}


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(BadInput, match=r"a\.wav: is not a regular file"):
        walk.files(tmp_path, ".wav")


def test_sound_of_another_kind_is_named(tmp_path: Path, said: Any) -> None:
    for name in ("a.flac", "b.wav", "c.mp3", "84.trans.txt"):
        write(tmp_path / name)
    assert list(walk.files(tmp_path, ".flac")) == ["a"]
    assert said.messages == [f"{tmp_path}: left out 2 files of another kind (the first: b.wav)"]


def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: object) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(BadInput, match=rf"{tmp_path}: cannot be read: Permission denied"):
        walk.files(tmp_path, ".wav")
