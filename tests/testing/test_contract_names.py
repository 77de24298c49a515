"""Parts of one name, in one paper or in two, are a fault of `repro check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro.testing import contract

TWIN = "from repro.registry import METRICS, MODELS\n\n\n@{registry}.register\nclass {name}: ...\n"


OTHER = "papers/other/inner/parts.py"


@pytest.mark.parametrize(
    ("file", "registry", "name", "twin"),
    [
        ("twin.py", "METRICS", "Unheard", f"{OTHER}:5"),
        ("inner/twin.py", "METRICS", "Unheard", f"{OTHER}:5"),
        ("twin.py", "METRICS", "Accuracy", "repro/metrics/classification.py:"),
        ("twin.py", "MODELS", "Unheard", ""),
        ("tests/twin.py", "METRICS", "Unheard", ""),
    ],
)
def test_a_part_with_the_name_of_another_is_a_fault(whole: Any, file: str, registry: str, name: str, twin: str) -> None:
    for path, text in ((Path(OTHER), ("METRICS", "Unheard")), (whole.folder / file, (registry, name))):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(TWIN.format(registry=text[0], name=text[1]))
    Path("papers/other/paper.toml").touch()
    found = [one for one in contract.faults(whole.folder) if one.check == "parts"]
    assert [(one.file, one.line) for one in found] == [(f"papers/{whole.name}/{file}", 5)] * bool(twin)
    assert all(twin in one.says for one in found)


def test_a_name_that_a_paper_registers_twice_is_one_fault(whole: Any) -> None:
    for stem in ("first", "second"):
        (whole.folder / f"{stem}.py").write_text(TWIN.format(registry="MODELS", name="Unheard"))
    (whole.folder / "broken.py").write_text("class MODELS.register:\n")  # another check reports it
    (found,) = (one for one in contract.faults(whole.folder) if one.check == "parts")
    assert (found.file, found.line) == (f"papers/{whole.name}/second.py", 5)
    assert f"papers/{whole.name}/first.py:5" in found.says
