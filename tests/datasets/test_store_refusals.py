"""Where a data set cannot be looked for or written: one line that names what is wrong, and nothing is asked for."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from repro.data import store
from repro.errors import BadInput


def test_what_stands_in_the_way_is_said_before_a_byte_is_asked_for(study: Any, server: Any) -> None:
    study.add("tables", table_csv=b"a,b\n")
    study.data.mkdir()
    (study.data / "tables").write_text("mine")
    with pytest.raises(BadInput, match=r"/data/tables is not a folder; expected a folder"):
        store.folder("tables")
    assert server.asked == [] and (study.data / "tables").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "/", "..", "mnist/..", "../mnist", "/etc"])
def test_what_is_no_name_is_refused(study: Any, name: str) -> None:
    study.data.mkdir()
    for ask in (store.folder, store.where):
        with pytest.raises(BadInput, match=f"^'{name}' is not the name of a data set"):
            ask(name)


@pytest.mark.parametrize("variable", ["REPRO_DATA", "REPRO_MIRROR"])
def test_a_home_that_is_not_there_is_said(study: Any, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "~nobody-of-that-name/data")
    with pytest.raises(BadInput, match=f"{variable} is ~nobody-of-that-name/data, but that home folder does not exist"):
        store.where("mnist")


def test_a_folder_that_may_not_be_looked_into_is_named(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Path.is_dir

    def refuse(path: Path) -> bool:
        if path.parent == study.data:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(Path, "is_dir", refuse)  # root may look into every folder
    with pytest.raises(BadInput, match=r"/data/mnist: cannot be looked for: Permission denied"):
        store.where("mnist")
