"""A byte order mark, as Notepad and PowerShell write it, changes nothing in any text; hidden files are no parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import config, registry
from repro.claim.paper import read
from repro.data import catalogue
from repro.errors import BadInput
from repro.files import strict_json
from repro.record.code_digest import code
from repro.report import prose
from repro.report.mentions import mentions

MARK = b"\xef\xbb\xbf"
Call = Callable[..., tuple[int, str, str]]


def marked(path: Path) -> Path:
    path.write_bytes(MARK + path.read_bytes())
    return path


def test_a_paper_whose_every_text_has_one_is_the_same_paper(paper: Any, repro: Call) -> None:
    folder: Path = paper.folder
    smoke = folder / "configs/smoke.gin"
    before = config.read(smoke), list(registry.declared(folder, "papers.x")), mentions(folder / "loss.py")
    digests, claims = code(before[0]), repro("verdict", folder.name, "--json")
    texts = [path for path in folder.rglob("*") if path.suffix in (".gin", ".py", ".toml", ".md") and path.is_file()]
    assert len(texts) > 8
    for path in texts:
        marked(path)
    after = config.read(smoke), list(registry.declared(folder, "papers.x")), mentions(folder / "loss.py")
    assert after == before and after[0].digest == before[0].digest and code(after[0]) == digests
    assert repro("verdict", folder.name, "--json") == claims
    assert prose.read(folder / "report.md")[0].startswith("#")


def test_a_run_of_a_marked_config_and_module(paper: Any, repro: Call) -> None:
    folder: Path = paper.folder
    for name in ("configs/smoke.gin", "configs/base.gin", "model.py", "dataset.py"):
        marked(folder / name)
    assert repro("run", folder / "configs/smoke.gin")[0] == 0
    assert list((folder / "records").glob("smoke-*.json"))


def test_hidden_files_in_a_paper_are_no_configs_and_no_code(paper: Any, repro: Call) -> None:
    folder: Path = paper.folder
    parts, claims = list(registry.declared(folder, "papers.x")), repro("verdict", folder.name, "--json")
    for name in ("._model.py", "configs/._base.gin", "configs/.DS_Store", "._report.md", "._paper.toml"):
        (folder / name).write_bytes(b"\0\5\x16\7\xff.register")
    (folder / "records/certificates").mkdir(exist_ok=True)
    (folder / "records/certificates/._smoke.json").write_bytes(b"\0\5\x16\7\xff")
    assert list(registry.declared(folder, "papers.x")) == parts
    assert not [path for path in read(folder).configs if path.name.startswith(".")]
    assert repro("verdict", folder.name, "--json") == claims and repro("list")[0] == 0


def test_json_and_toml_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(MARK + json.dumps({"a": "é"}).encode())
    assert strict_json.load(path, "not a record") == {"a": "é"}
    path.write_text(json.dumps({"a": 1}), encoding="utf-16")
    with pytest.raises(BadInput, match="UTF-8"):
        strict_json.load(path, "not a record")
    given = tmp_path / "data.toml"
    text = '[x]\ntitle = "a"\nhomepage = "b"\nlicence = "c"\ncitation = "d"\nreader = "papers.a.b:C"\nobtain = "e"\n'
    given.write_bytes(MARK + f'{text}layouts = [["f"]]\n[x.variants.all]\nitems = 1\n'.encode())
    assert [one.name for one in catalogue.read(given)] == ["x"]


def test_what_is_no_utf8_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1  # .register", encoding="utf-16")
    with pytest.raises(BadInput, match=r"a\.py:1: not UTF-8 text"):
        registry.parse(tmp_path / "a.py")
    with pytest.raises(BadInput, match=r"a\.py:1: not UTF-8 text"):
        list(registry.declared(tmp_path, "papers.a"))
    with pytest.raises(BadInput, match=r"b\.py: cannot be read: No such file"):
        registry.parse(tmp_path / "b.py")
