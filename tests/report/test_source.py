"""What source text says of a part, and where a paper's code names the paper: read as text, checked against Python."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from repro import registry
from repro.claim import paper as papers
from repro.errors import BadInput
from repro.registry import declared
from repro.report import source, tips
from repro.report.html.markup import markdown
from repro.report.mentions import PLACE, mentions
from repro.signature import OPEN, parameters
from repro.trainers.supervised import Supervised

CODE = [path for folder in papers.folders().values() for path in folder.glob("*.py")]
REGISTERED = "from repro.registry import TRAINERS\n"


@pytest.mark.parametrize("part", registry.every(), ids=lambda part: part.name)
def test_the_signature_is_what_python_says(part: registry.Declared) -> None:
    module = importlib.import_module(part.module)
    given = inspect.signature(getattr(module, part.name)).parameters.values()
    wanted = [one for one in given if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    found = source.read(part)
    assert [one.name for one in found.parameters] == [one.name for one in wanted]
    for told, real in zip(found.parameters, wanted, strict=True):
        assert told.type or told.kind or real.annotation is real.empty
        default = eval(told.default, vars(module)) if told.default else real.empty
        assert default == real.default, told.name
    assert found.doc == inspect.getdoc(getattr(module, part.name))


def _only(tmp_path: Path, text: str) -> source.Source:
    (tmp_path / "some.py").write_text(REGISTERED + text)
    (part,) = declared(tmp_path, "papers.some")
    return source.read(part)


def test_a_part_takes_what_its_base_takes(tmp_path: Path) -> None:
    text = "from repro.trainers.supervised import Supervised as Core\n@TRAINERS.register\nclass Own(Core): pass\n"
    assert [one.name for one in _only(tmp_path, text).parameters] == list(inspect.signature(Supervised).parameters)


SUBCLASSES = """
from dataclasses import dataclass
from repro.trainers import supervised
from repro.trainers.supervised import Supervised

class Mixin:
    def describe(self) -> str: return ""

@dataclass
class Fields:
    steps: int
    rate: float = 0.1

@TRAINERS.register
class Plain(Mixin, Supervised): ...

@TRAINERS.register
class Module(supervised.Supervised):
    def __init__(self, decay: float, **kwargs): super().__init__(**kwargs)

@TRAINERS.register
class Two(Module):
    def __init__(self, *args, rate: float = 0.5, **more): super().__init__(*args, decay=0.5, **more)

@TRAINERS.register
class Fixed(Supervised):
    def __init__(self, size: int, **kwargs):
        kwargs.setdefault("steps", 10)
        kwargs["workers"] = 0
        self.extra = kwargs.pop("extra", None)
        Supervised.__init__(self, batch_size=size, **kwargs)

@TRAINERS.register
class Placed(Supervised):
    def __init__(self, **kwargs): super().__init__(10, 2, **kwargs)

@TRAINERS.register
class Loose(Supervised):
    def __init__(self, **kwargs):
        options = {"steps": 3} | kwargs
        super().__init__(**options)

@TRAINERS.register
class Nowhere(Supervised):
    def __init__(self, steps: int, **kwargs): self.steps, self.more = steps, dict(**kwargs)

@TRAINERS.register
@dataclass
class Inherited(Fields):
    rate: float = 0.2
    more: int = 3

@TRAINERS.register
class Diamond(Fixed, Module): ...
"""


def test_the_text_of_a_subclass_says_what_python_binds(paper: Any) -> None:
    """Parameters through `**kwargs`, by text and by the imported class: the same names, the same ones required."""
    name = paper.module("subclasses", REGISTERED + SUBCLASSES)
    module, found = importlib.import_module(name), declared(paper.folder, name.rpartition(".")[0])
    checked = [part for part in found if part.module == name]
    assert len(checked) == 9
    for part in checked:
        real = [one for one in parameters(getattr(module, part.name)).values() if one.kind not in OPEN]
        told = source.read(part).parameters
        assert [one.name for one in told] == [one.name for one in real], part.name
        assert [not one.default for one in told] == [one.default is one.empty for one in real], part.name


def test_a_dataclass_takes_its_fields(tmp_path: Path) -> None:
    text = "@TRAINERS.register\n@dataclass\nclass Own:\n    steps: int\n    rate: float = 0.1\n"
    told = [(one.name, one.type, one.default) for one in _only(tmp_path, text).parameters]
    assert told == [("steps", "int", ""), ("rate", "float", "0.1")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1  # the step of eq. (12)\n", [("Equation 12", 1, "the step of eq. (12)", "x = 1")]),
        ("# First.\n# As in Sec. 2.1 of it. Last.\nx = 1\n", [("Section 2.1", 2, "As in Sec. 2.1 of it.", "")]),
        ("x = '# Table 1'\n", []),
        ('"""Names are `Table 5, Yes`."""\n', []),
        ("# A. see Tables 2 and 5 to 9, cf. x. no\n", [("Tables 2 and 5 to 9", 1, "see Tables 2 and 5 to 9, cf. x.")]),
        ("# the table of 3 rows, section by section\n", []),
        ("# (Le Roux et al. 2019, eq. 3-5)\n# Peterson & Barney (1952), Table II\n", []),
        ("# eq. 4 of Le Roux et al. (2019)\n", []),
        ("# Equations 2 and 3\n", [("Equations 2 and 3", 1, "Equations 2 and 3", "")]),
        ("# Algorithm 1, Appendix B.2, Table IV\n", [("Algorithm 1", 1), ("Table IV", 1), ("Appendix B.2", 1)]),
        ('"""One.\n\nTwo\n(Fig. 3a).\n"""\n', [("Figure 3a", 4, "Two (Fig. 3a).", "")]),
        ('"""One:\n\n    a = b   (Equation 1)\n    c = d\n"""\n', [("Equation 1", 3, "a = b (Equation 1)", "")]),
        ('"""The numbers of the equations are from memory."""\n', [("", 1)]),
    ],
)  # fmt: skip
def test_mentions_of_the_paper(tmp_path: Path, text: str, found: list[tuple[object, ...]]) -> None:
    (tmp_path / "loss.py").write_text(text)
    rows = [(one.place, one.line, one.sentence, one.code) for one in mentions(tmp_path / "loss.py")]
    assert [row[: len(want)] for row, want in zip(rows, found, strict=True)] == found


def test_mentions_stand_in_the_order_of_the_paper(tmp_path: Path) -> None:
    (tmp_path / "loss.py").write_text("# Table 1\n# Equation 10\n# Equation 9\n# Section 3\n")
    places = [one.place for one in mentions(tmp_path / "loss.py")]
    assert places == ["Section 3", "Equation 9", "Equation 10", "Table 1"]


@pytest.mark.parametrize("path", CODE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_mention_stands_in_its_line(path: Path) -> None:
    """And every comment with a numbered place is found, or is another paper's."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [one for one in mentions(path) if one.place]
    assert all(one.place.rpartition(" ")[2] in lines[one.line - 1] for one in found)
    named = re.compile(r"#(?!.*\b(19|20)\d\d\b).*(Equation|Section|Table) \d")
    numbered = {number for number, line in enumerate(lines, 1) if named.search(line)}
    assert numbered - {one.line for one in found} == set()


def test_docstrings_are_text_with_code_and_never_html() -> None:
    html = markdown(
        "One `a < b`:\n\n    x = [1]\n\n# no heading ![no](http://picture) <b>bold</b>\n\n- [x](javascript:x)"
    )
    assert "<code>a &lt; b</code>" in html and "<pre><code>x = [1]" in html and "<li>" in html
    assert not re.search(r"<(img|h1|b)\b|href=.javascript", html)
    shown = markdown("Half of it.\n\n>>> parts['a'](b)\n2\n\nThat is all.")
    assert "<pre><code>&gt;&gt;&gt; parts['a'](b)\n2\n</code></pre>" in shown and "<p>That is all.</p>" in shown


ITEMS = "- **Symptom** a\n- **Cause** b\n- **Fix** c\n- **Test** d\n"


def test_tips_are_read_by_symptom(tmp_path: Path) -> None:
    path = tmp_path / "tips.md"
    path.write_text(f"# Tips\n\n## It is slow\n\n{ITEMS}\n```md\n## no tip\n```\n\n## It is NaN\n\n{ITEMS}")
    found = tips.read(path)
    assert [tip.symptom for tip in found] == ["It is slow", "It is NaN"]
    lines = path.read_text().splitlines()
    assert ["## no tip" in lines[tip.first : tip.last] for tip in found] == [True, False]
    assert all(tip.text == "\n".join(lines[tip.first : tip.last]) and "**Test** d" in tip.text for tip in found)


@pytest.mark.parametrize("text", ["", "# Tips\n", "# Tips\n\n"])
def test_a_file_may_have_no_tips_yet(tmp_path: Path, text: str) -> None:
    (tmp_path / "tips.md").write_text(text)
    assert tips.read(tmp_path / "tips.md") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"Before.\n\n## A\n\n{ITEMS}", r"tips.md:1: text before the first tip"),
        ("## A\n\n- **Cause** b\n", r"tips.md:1: tip 'A' has Cause; expected - \*\*Symptom\*\*"),
        (f"## A\n\n{ITEMS}\n## A\n\n{ITEMS}", r"tips.md:8: tip 'A' is already above"),
        ("## A\n\nprose\n", r"tips.md:1: tip 'A' has no items"),
    ],
)
def test_tips_of_another_form_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "tips.md").write_text(text)
    with pytest.raises(BadInput, match=said):
        tips.read(tmp_path / "tips.md")


@pytest.mark.parametrize("name", sorted(papers.folders()))
def test_who_has_not_read_the_paper_names_no_place_in_it(name: str) -> None:
    """If a module says that we could not read the PDF, no file of that paper has a section number from memory."""
    folder = papers.folders()[name]
    paths = [path for kind in ("*.py", "*.md", "*.gin") for path in sorted(folder.rglob(kind))]
    texts = {str(path): path.read_text(encoding="utf-8") for path in paths}
    if not any("could not read the PDF" in text for text in texts.values()):
        pytest.skip("this paper was read")
    assert not [(file, hit[0]) for file, text in texts.items() for hit in PLACE.finditer(text)]
