"""`repro export --as pdf` and `--as rescience`: documents that are whole, the same twice, and safe."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.claim import paper as papers
from repro.export import article, rescience
from repro.report import page

pytest.importorskip("pypandoc")
pytest.importorskip("typst")
yaml = pytest.importorskip("yaml")

HOSTILE = '#panic("x") $a^2 \\\\ @ref <label> *b* _c_ `d` [e] {f} %g &h ~i'


def test_the_pdf_is_the_same_twice(measured: Any, repro: Any) -> None:
    made = []
    for folder in ("one", "two"):
        code, out, err = repro("export", measured.name, "--as", "pdf", "--to", folder)
        assert (code, out.strip()) == (0, f"{folder}/{measured.name}.pdf"), err
        made.append(Path(out.strip()).read_bytes())
    assert made[0] == made[1] and made[0].startswith(b"%PDF-")


def test_the_article_has_every_claim_and_every_section(measured: Any, printed: Callable[[], str]) -> None:
    found, one = printed(), papers.find(measured.name)
    for claim in one.claims:
        assert claim.id in found and claim.says in found
    for name in ("report.md", "tips.md"):
        for heading in re.findall(r"(?m)^## (.+)$", (measured.folder / name).read_text()):
            assert heading in found
    assert one.title in found and "Of 3 claims: " in found


def test_figures_are_vectors_made_from_records(measured: Any, tmp_path: Path) -> None:
    found = article.make(page.read(measured.name), tmp_path / "out", "svg")
    assert found.pictures
    for path in found.pictures:
        text = path.read_text()
        assert "<path" in text and "<image" not in text


def test_hostile_texts_stay_texts(measured: Any, repro: Any) -> None:
    toml = measured.folder / "paper.toml"
    keys = re.compile(r'(?m)^(title|group|says|where|summary) = ".*"')
    toml.write_text(keys.sub(lambda hit: f"{hit[1]} = '''{HOSTILE}'''", toml.read_text()))
    report = measured.folder / "report.md"
    report.write_text(f'{report.read_text()}\n\\#panic("x") \\$ @ref \\<label> and #let x = 1\n')
    for form in ("pdf", "rescience"):
        code, _, err = repro("export", measured.name, "--as", form, "--to", "out")
        assert code == 0, err


def test_a_missing_library_is_named_with_its_command(
    measured: Any, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for library, form in (("typst", "pdf"), ("pypandoc", "pdf"), ("yaml", "codecheck")):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, library, None)
            said = refused("export", measured.name, "--as", form, "--to", "out")
            assert library in said and "pip install" in said


def test_rescience_has_what_the_template_reads(measured: Any, repro: Any) -> None:
    code, out, err = repro("export", measured.name, "--as", "rescience", "--to", "out")
    assert (code, out.strip()) == (0, "out/rescience"), err
    home, one = Path("out/rescience"), papers.find(measured.name)
    found = yaml.safe_load((home / "metadata.yaml").read_text())
    keys = "title authors affiliations keywords code data replication abstract bibliography type domain language"
    assert set(found) >= {*keys.split(), "review", "contributors", "dates", "article", "journal"}
    assert {key for row in found["replication"] for key in row} == {"cite", "bib", "url", "doi"}
    content = (home / "content.tex").read_text()
    for name in re.findall(r"\{(figures/[^}]+)\}", content):
        assert (home / name).read_bytes().startswith(b"%PDF-")
    assert all(rescience.tex(claim.id) in content for claim in one.claims)
    assert f"@misc{{{one.name}," in (home / "bibliography.bib").read_text()


def test_an_edited_file_is_not_overwritten(measured: Any, repro: Any, refused: Callable[..., str]) -> None:
    asked = ("export", measured.name, "--as", "rescience", "--to", "out")
    assert repro(*asked)[0] == repro(*asked)[0] == 0
    path = Path("out/rescience/metadata.yaml")
    path.write_text(path.read_text().replace("orcid: null", "orcid: 0000-0002-1825-0097"))
    edited = path.read_text()
    assert "metadata.yaml" in refused(*asked)
    assert path.read_text() == edited


def test_an_unknown_form_or_paper_is_refused(measured: Any, repro: Any, refused: Callable[..., str]) -> None:
    assert repro("export", measured.name, "--as", "docx")[0] == 2
    assert measured.name in refused("export", f"{measured.name}x", "--as", "pdf", "--to", "out")


def test_a_paper_without_records_can_be_exported(paper: Any, repro: Any) -> None:
    (paper.folder / "report.md").write_text("## What we did differently from the paper\n\nNothing yet.\n")
    for form in ("pdf", "rescience", "codecheck"):
        code, _, err = repro("export", paper.name, "--as", form, "--to", "out")
        assert code == 0, err
    content = Path("out/rescience/content.tex").read_text()
    assert content.count("not run") >= 3 and "includegraphics" not in content


def test_a_picture_of_the_paper_is_copied(measured: Any, repro: Any) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(measured.folder / "plot.png")
    report = measured.folder / "report.md"
    report.write_text(f"{report.read_text()}\n![A plot of {{stated}}`fit.error`](plot.png)\n")
    for form in ("pdf", "rescience"):
        assert repro("export", measured.name, "--as", form, "--to", "out")[0] == 0
    copied = Path("out/rescience/figures/plot.png")
    assert copied.read_bytes() == (measured.folder / "plot.png").read_bytes()
    assert "figures/plot.png" in Path("out/rescience/content.tex").read_text()


EVERYTHING = r"""
## All that a report may have

~~Struck out~~, `papers/a_very_long_folder/tests/test_a_long_name.py::test_the_name_is_too_long_for_a_line_of_the_page`,
**bold**, *emphasis*, a note[^1], 95 %, R&D, a_b, #1, ~, ^, \\, {}, $a_i^2$, ü, α, χ², ≤ × → ± – …

[^1]: The note.

> A quotation.

```python
def one(x): return "a_b"  # 100 %
```

1. first
2. second

| a | b |
|---|---:|
| `x_y` | 1 |

Term
: its definition

```{note}
A box.
```
"""
CLASS = r"""\documentclass{article}
\usepackage[american]{babel}
\usepackage{amsmath,mathtools,fontspec,xcolor,enumitem,csquotes,tikz,tabularx,float}
\usepackage{listings,titlesec,caption,hyperref}
\input{preamble.tex}
\begin{document}
\input{content.tex}
\end{document}
"""


def _compiled(home: Path) -> subprocess.CompletedProcess[str]:
    """Compile `content.tex` with the packages that the class of ReScience C loads. Skips without LaTeX."""
    if not shutil.which("xelatex"):
        pytest.skip("xelatex is not installed: content.tex is not compiled (apt install texlive-xetex)")
    (home / "article.tex").write_text(CLASS)
    asked = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "article.tex"]
    done = subprocess.run(asked, cwd=home, capture_output=True, text=True, errors="replace", check=False)
    if missing := re.search(r"File `(\S+)' not found", done.stdout):
        pytest.skip(f"LaTeX lacks {missing[1]}: content.tex is not compiled")
    return done


@pytest.mark.slow
def test_the_article_for_rescience_compiles(measured: Any, repro: Any) -> None:
    """With all that a report may have, and with texts that have signs of LaTeX."""
    toml = measured.folder / "paper.toml"
    keys = re.compile(r'(?m)^(title|group|says|where|summary) = ".*"')
    toml.write_text(keys.sub(lambda hit: f"{hit[1]} = '''{HOSTILE}'''", toml.read_text()))
    report = measured.folder / "report.md"
    report.write_text(f"{report.read_text()}\n{EVERYTHING}")
    code, _, err = repro("export", measured.name, "--as", "rescience", "--to", "out")
    assert code == 0, err
    done = _compiled(Path("out/rescience"))
    assert done.returncode == 0, done.stdout[-2000:]
    assert max(map(float, re.findall(r"Overfull \\hbox \((\d+\.\d+)pt", done.stdout)), default=0) < 60
