"""What is wrong with a paper's files is one line with file and line, of `make docs` and of `repro report`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro import cli


def _byte(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / name
        path.write_bytes((path.read_bytes() if path.is_file() else b"# Title\n\n") + b"\xff\n")

    return spoil


def _text(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


FAULTS = [
    (_byte("report.md"), "tiny/report.md:7: not UTF-8 text: the byte 0xff"),
    (_byte("tips.md"), "tiny/tips.md:"),
    (_text("records/full-seed0.json", "{\n{"), "tiny/records/full-seed0.json:2: not a record"),
    (_text("paper.toml", "[paper]\ntitel = 'x'\n"), "tiny/paper.toml:2:"),
    (_text("configs/full.gin", "include 'gone.gin'\n"), "gone.gin"),
    (_text("model.py", "SIZE = (\n"), "tiny/model.py:1: not Python"),
    (_byte("model.py"), ": not UTF-8 text"),
]


@pytest.mark.parametrize(("spoil", "said"), FAULTS)
def test_a_file_that_cannot_be_read_is_one_line(
    spoil: Callable[[Path], None], said: str, fresh: Path, build: Callable[..., Any]
) -> None:
    spoil(fresh)
    code, heard = build(fresh.parents[1])
    (line,) = heard.splitlines()
    assert code != 0 and said in line


DEAD = """# Report

A [file](gone.py#L3), a [folder](configs), `[code](none.py)`, [the web](https://example.org)
and [two
lines](lost.md).

```
[shown](as-it-is.py)
```
"""


def test_a_link_to_a_file_that_is_not_there_is_told_in_every_build(fresh: Path, build: Callable[..., Any]) -> None:
    (fresh / "report.md").write_text(DEAD)
    for _ in range(2):
        code, heard = build(fresh.parents[1])
        assert code != 0 and len(heard.splitlines()) == 2
        assert "tiny/report.md:3: WARNING: no file 'gone.py#L3' to link to" in heard
        assert "tiny/report.md:4: WARNING: no file 'lost.md' to link to" in heard


@pytest.mark.parametrize("name", ["report.md", "tips.md"])
def test_what_nobody_has_written_is_told(name: str, fresh: Path, build: Callable[..., Any], html: Any) -> None:
    (fresh / name).unlink()
    code, heard = build(fresh.parents[1])
    assert code != 0 and f"tiny/{name}:1: WARNING: there is no {name}" in heard
    assert f"There is no {name} yet." in html(fresh.parents[1]).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{recrd}`x`", "did you mean 'record'?"),
        ("```{curvs} tiny\n```", "did you mean 'curves'?"),
        ("```{zzz} tiny\n```", ""),
    ],
)
def test_an_unknown_role_or_directive_names_the_nearest(
    text: str, said: str, fresh: Path, build: Callable[..., Any]
) -> None:
    (fresh / "report.md").write_text(f"# Report\n\n{text}\n")
    code, heard = build(fresh.parents[1])
    assert code != 0 and "WARNING: Unknown" in heard
    assert said in heard and (said or "did you mean" not in heard)


@pytest.mark.slow
def test_of_repro_report_too(fresh: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing but Sphinx reads a record before Sphinx does: its line is the only one."""
    monkeypatch.chdir(fresh.parents[1])
    monkeypatch.setenv("PYTHONPATH", str(fresh.parents[1]))
    _text("records/full-seed0.json", "{\n{")(fresh)
    with pytest.raises(SystemExit, match="2"):
        cli.main(["report"])
    told = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("building")]
    assert len(told) == 1 and "full-seed0.json:2: not a record" in told[0]
