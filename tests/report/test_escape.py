"""What a stranger writes into paper.toml, a record, a config, a docstring or the name of a file is text in the site."""

from __future__ import annotations

import ast
import csv
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro import record
from repro.errors import BadInput
from repro.report import commands, examples, page

EVIL = (
    '"><img src=x onerror=alert(1)></style><script>alert(1)</script>'
    "{download}`../../secret.txt`[x](javascript:alert(1))"
)
NAMED = 'x" onerror="alert(1)'  # what the name of a file can hold
FORMULA = '=HYPERLINK("https://evil.example","x")'
PLAIN = {"paper", "config", "digest", "better", "finished"}  # keys whose values are looked up, not printed, or checked


def _toml() -> str:
    """A paper of which every text is hostile."""
    text, formula = json.dumps(EVIL), json.dumps(FORMULA)
    head = "".join(f"{key} = {text}\n" for key in ("title", "venue", "key", "group", "summary", "abstract"))
    claim = f'[[claim]]\nsays = {text}\nwhere = {formula}\nsource = {text}\nmetric = "Length"\n'
    value = f'value = 5.0\ntolerance = 0.1\nbecause = {text}\nseeds = 2\nconfig = "configs/full.gin"\n'
    return f"""[paper]
{head}authors = [{text}]
year = 2020
url = 'https://evil.example/"onerror="alert(1)'
{claim}id = "value"
{value}identity = {{ unit = {text} }}
{claim}id = "test"
{value}test = {text}
{claim}id = "item"
{value}item = {text}
{claim}id = "over"
over = "configs/never.gin"
config = "configs/full.gin"
[[claim]]
id = "none"
says = {formula}
where = "Table 1"
above = 1.0
no_config = {text}
[[table]]
id = "table"
says = "{{row}} {{column}}"
where = "Table 2"
config = "configs/full.gin"
metric = "Length"
printed = {{ {text} = {{ {text} = "5.0" }} }}
[[cause]]
claims = ["value"]
says = {text}
config = "configs/proxy.gin"
[reproducibility]
primary_topic = {text}
"""


def _spoilt(value: Any, key: str = "") -> Any:
    """The same record with every text in it hostile, and a hostile name in every table of names."""
    if isinstance(value, dict):
        made = {name: _spoilt(inner, name) for name, inner in value.items()}
        return made | ({EVIL: EVIL} if key in ("packages", "identity", "code", "data") else {})
    if isinstance(value, list):
        return [_spoilt(inner, key) for inner in value]
    return EVIL if isinstance(value, str) and key not in PLAIN else value


def _record(folder: Path) -> None:
    path = folder / "records" / "full-seed0.json"
    row = json.loads(path.read_text())
    looked_up = row["measurements"][0] | {"identity": row["measurements"][0]["identity"] | {"unit": EVIL}}
    panels = [{"label": "x", "text": "x", "truth": "x", "answer": "y", "scores": [["x", 0.5]], "image": "m.png"}]
    more = {"packages": {}, "processor": "x", "accelerator": "x", "system": "x"}
    row |= {"environment": more, "source": {"commit": "x", "dirty": True, "diff": "x"}, "data": {"x": "y"}, "code": {}}
    row |= {"overrides": ["x"], "text": "x", "examples": [{"test": "x", "item": 0, "panels": panels}]}
    made = _spoilt(row)
    made["examples"][0]["panels"][0]["image"] = "m.png"
    made["measurements"] = [looked_up, *made["measurements"]]
    path.write_text(json.dumps(made))


RAN = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
PART = f"""{RAN}
from papers.tiny.parent import Parent
from repro.registry import MODELS

@MODELS.register
class Other(Parent): ...

@MODELS.register
class Net:
    '''{EVIL} <b onclick=alert(1)> ![x](https://evil.example/p.png)'''

    def __init__(self, text: str = '{EVIL}') -> None:
        '''{EVIL}'''

    def forward(self):
        '''{EVIL}'''
"""


pytestmark = pytest.mark.xdist_group("test_escape")  # one process builds the site of this module


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    small: Callable[..., Path],
    keep: Callable[..., Any],
    build: Callable[..., Any],
) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        folder = small(root)
        (root / "secret.txt").write_text("TOPSECRET")
        (folder / "net.py").write_text(PART)
        (folder / "__init__.py").write_text(RAN)
        (folder / "parent.py").write_text(f"{RAN}\nclass Parent:\n    def __init__(self, size: int = 1): ...\n")
        (folder / "data.toml").write_text(f"# {EVIL}\n")
        for name in (NAMED, "used"):
            text = f"# {EVIL}\nimport papers.tiny.net\nexperiment.model = @models.Net()\nmodels.Net.text = '{EVIL}'\n"
            (folder / "configs" / f"{name}.gin").write_text(text)
        keep(folder, "used", 0, 5.0)  # a record of a config with such a name is refused
        _record(folder)
        (folder / "paper.toml").write_text(_toml())
        (folder / "report.md").write_text("# Report\n\n{record}`full-seed0:test:Length` {claim}`value`\n")
        for name in ("papers", "parts"):
            (root / "docs" / f"{name}.md").write_text(f"---\norphan: true\n---\n# All\n\n```{{{name}}}\n```\n")
        (root / "docs" / "index.md").write_text("# Home\n\n```{toctree}\n:glob:\n\npapers/*\n```\n")
        patch.syspath_prepend(str(root))
        page.forget()
        code, heard = build(root)
        assert (root / "html" / "papers" / "tiny.html").is_file(), (code, heard)
        yield root


@pytest.mark.parametrize(
    ("name", "at_least"),
    [("papers/tiny", 20), ("papers", 2), ("parts", 4), pytest.param("index", 1, marks=pytest.mark.slow)],
)
def test_every_text_is_escaped(site: Path, inert: Callable[..., Any], name: str, at_least: int) -> None:
    assert inert(site, name).text.count("<script>alert(1)</script>") >= at_least


@pytest.mark.parametrize("name", ["net.py", "configs/used.gin", "paper.toml", "data.toml"])
def test_every_listing_of_a_file_is_escaped(site: Path, inert: Callable[..., Any], name: str) -> None:
    shown = inert(site, f"files/papers/tiny/{name}").text
    assert "onerror=alert(1)></style><script>alert(1)</script>" in shown


def test_markup_is_made_in_few_files() -> None:
    """Of what is escaped, of what two libraries escape (Pygments, docutils), and of constants."""
    made = {
        (path.name, ast.unparse(node.args[0]))
        for path in Path(commands.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Markup"
        and not isinstance(node.args[0], ast.Constant)
    }
    others = {(name, what.partition("(")[0]) for name, what in made if name != "markup.py"}
    assert others == {("listing.py", "highlight"), ("__init__.py", "tex2mathml"), ("alone.py", "STYLE + style")}


def test_nothing_is_taken_from_outside(site: Path) -> None:
    files = [path for path in (site / "html").rglob("*") if path.is_file()]
    assert len(files) > 20 and not [path for path in files if b"TOPSECRET" in path.read_bytes()]


def test_to_build_the_page_of_a_paper_runs_nothing_of_it(site: Path, html: Callable[..., Any]) -> None:
    """The catalogue of parts shows what a part takes, be it said in another module."""
    assert "Other(size: int = 1)" in html(site, "parts").text
    assert not (site / "papers" / "tiny" / "ran").exists()


def test_no_cell_of_a_table_for_download_is_a_formula(site: Path) -> None:
    cells = []
    for path in (site / "html" / "files").rglob("*.csv"):
        with path.open(newline="") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    assert len([cell for cell in cells if cell == f"'{FORMULA}"]) >= 4
    assert not [cell for cell in cells if cell.strip()[:1] in ("=", "@", "+", "-")]


OUTSIDE = [
    "../other-seed0/m.png",
    "/etc/hostname",
    "a/b.png",
    "..",
    "javascript:alert(1)",
    "https://evil.example/p.png",
    "a\\b",
]


@pytest.mark.parametrize("key", ["image", "sound"])
@pytest.mark.parametrize("name", OUTSIDE)
def test_an_example_is_a_file_beside_its_record(fresh: Path, key: str, name: str) -> None:
    found = record.read(fresh / "records" / "full-seed0.json")
    shown = [{"test": "test", "item": 0, "panels": [{"label": "x", key: name}]}]
    with pytest.raises(BadInput, match=r"is not the name of a file next to the record"):
        examples.examples(replace(page.read("tiny"), records=[replace(found, examples=shown)]))


@pytest.mark.parametrize("said", ["x'; touch ran; '", "$(touch ran)", "`touch ran`", "x\ntouch ran"])
def test_a_command_to_be_copied_is_one_command(fresh: Path, elements: Callable[..., Any], said: str) -> None:
    """A record can be called anything, and say anything of its overrides and its commit."""
    found = record.read(fresh / "records" / "full-seed0.json")
    spoilt = replace(found, config=said, overrides=[said], source={"commit": said})
    shown = commands.commands(replace(page.read("tiny"), records=[spoilt]))
    blocks = [elements(block).text for block in re.findall(r'(?s)<pre class="repro-command">(.*?)</pre>', shown)]
    typed = "\n".join(block for block in blocks if "touch ran" in block)
    script = f'repro() {{ printf "%s|" "$@"; }}; {typed}'
    done = subprocess.run(["bash", "-c", script], cwd=fresh, capture_output=True, text=True, check=True)
    assert f"run|tiny/{said}|--seed|0|--set|{said}|" in done.stdout
    assert not (fresh / "ran").exists() and "git checkout" not in "".join(blocks)
