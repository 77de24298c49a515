"""The log of a service: what is written can be read, and every broken log is refused in one line."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from repro.errors import BadInput, Busy
from repro.watch import log

FIRST = log.header(None, "papers/mine/configs/cnn.gin", "0f3a", ["cat", "dog"])
ROW = {"time": log.now(), "item": "51764f9e46f9d4c1", "summary": {"mean": 0.5}, "answer": [0.75, 0.25], "seconds": 0.1}


def written(path: Path, *rows: Any) -> Path:
    with log.opened(path, FIRST) as writer:
        for row in rows:
            writer.write(row)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with log.opened(tmp_path / "a", FIRST) as writer:
        writer.add("51764f9e46f9d4c1", {"mean": 0.5}, [0.75, 0.25], 0.1)
        writer.add("51764f9e46f9d4c2", {"mean": 0.25}, [float("nan"), 0.25], 0.2, input="aGVsbG8=")
    found = log.read(tmp_path / "a")
    assert found.header == FIRST
    assert [one.answer for one in found.requests] == [[0.75, 0.25], [None, 0.25]]
    assert [one.input for one in found.requests] == ["", "aGVsbG8="]
    assert not found.cut


def test_a_line_that_is_too_long_is_refused_and_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a", ROW, {**ROW, "input": "a" * 5000}, ROW)
    content = path.read_bytes()
    monkeypatch.setattr(log, "LINE", 2000)
    with pytest.raises(BadInput) as caught:
        log.read(path)
    assert caught.value.where.endswith("a:3")
    with log.opened(path, FIRST):
        pass
    assert path.read_bytes() == content


def test_a_service_that_restarts_continues_its_log(tmp_path: Path) -> None:
    written(tmp_path / "a", ROW)
    later = log.header(None, FIRST.config, FIRST.checkpoint, FIRST.classes)
    with log.opened(tmp_path / "a", later) as writer:
        writer.write(ROW)
    found = log.read(tmp_path / "a")
    assert len(found.requests) == 2
    assert found.header.started == FIRST.started


def test_threads_lose_no_line(tmp_path: Path) -> None:
    with log.opened(tmp_path / "a", FIRST) as writer:

        def work() -> None:
            for _ in range(50):
                writer.add("51764f9e46f9d4c1", {"mean": 0.5}, [0.75, 0.25], 0.1)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(log.read(tmp_path / "a").requests) == 400


def test_a_line_cut_by_a_crash_is_left_out_and_then_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "a", ROW, ROW)
    path.write_bytes(path.read_bytes()[:-20])
    found = log.read(path)
    assert found.cut
    assert len(found.requests) == 1
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1
    written(path, ROW)
    assert len(log.read(path).requests) == 2
    assert not log.read(path).cut


@pytest.mark.parametrize("name", ["config", "checkpoint", "classes"])
def test_the_log_of_another_model_is_not_continued(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "a", ROW)
    before = path.read_bytes()
    other = log.Header(**{**vars(FIRST), name: ["cat"] if name == "classes" else "other"})
    with pytest.raises(BadInput) as caught, log.opened(path, other):
        pass
    assert name in caught.value.what
    assert path.read_bytes() == before


def test_one_log_has_one_writer(tmp_path: Path) -> None:
    with log.opened(tmp_path / "a", FIRST), pytest.raises(Busy), log.opened(tmp_path / "a", FIRST):
        pass


BROKEN = {
    "no JSON": b"{not json}",
    "not UTF-8": b"\xff\xfe",
    "a list": b"[1, 2]",
    "a key twice": b'{"time": 1, "time": 2}',
    "NaN": json.dumps({**ROW, "answer": [float("nan"), 0.5]}).encode(),
    "nested": b"[" * 100_000,
    "unknown key": json.dumps({**ROW, "answers": []}).encode(),
    "missing key": json.dumps({key: value for key, value in ROW.items() if key != "answer"}).encode(),
    "no time": json.dumps({**ROW, "time": "yesterday"}).encode(),
    "negative seconds": json.dumps({**ROW, "seconds": -1.0}).encode(),
    "too many classes": json.dumps({**ROW, "answer": [0.5, 0.25, 0.25]}).encode(),
    "another summary": json.dumps({**ROW, "summary": {"words": 3.0}}).encode(),
    "empty line": b"",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_is_refused_with_its_number(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "a", ROW)
    path.write_bytes(path.read_bytes() + BROKEN[name] + b"\n" + json.dumps(ROW).encode() + b"\n")
    with pytest.raises(BadInput) as caught:
        log.read(path)
    assert caught.value.where.endswith(":3")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"hello\n", b'{"repro_log": 2}\n', b'{"repro_log": 1}\n', b"{}"])
def test_another_file_is_no_log(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BadInput):
        log.read(tmp_path / "a")
    if content:
        with pytest.raises(BadInput), log.opened(tmp_path / "a", FIRST):
            pass
        assert (tmp_path / "a").read_bytes() == content


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        log.read(tmp_path / name)
