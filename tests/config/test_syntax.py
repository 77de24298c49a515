"""The parser of statements against gin's own, and the form that does not depend on how a config is written."""

from __future__ import annotations

import contextlib
import random
import tokenize
from pathlib import Path
from typing import Any

import pytest
from gin import config_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from repro import config
from repro.claim import paper
from repro.config import Config, Line, canonical, syntax
from repro.config.syntax import Macro, Reference, Unreadable
from repro.experiment import binding

CONFIGS = [path for folder in paper.folders().values() for path in sorted((folder / "configs").glob("*.gin"))]
SIGNS = [
    *("a.b", "s/a.b", "M", "=", ":", "@", "%", "(", ")", "[", "]", "{", "}", ",", "-", "1", "1e-1", "0x1f", "'x'"),
    *(
        '"y = z"',
        "r'\\d'",
        "True",
        "None",
        "import",
        "include",
        "from",
        "as",
        "# c",
        "\n",
        "\n  ",
        " ",
        "\\\n",
        "$",
        ";",
    ),
    *(".", "/", "()", "b'1'", "1j", "f'x'", "é"),
]


def of(text: str) -> Config:
    """A config that is in no file."""
    return Config(Path("x.gin"), Path("."), tuple(Line(line, "x.gin:1") for line in text.split("\n")))


def by_gin(text: str) -> tuple[list[str], list[tuple[str, str, str, Any]]] | None:
    """The imports and bindings as gin's parser reads them; None where it refuses the text."""
    try:
        found = list(config_parser.ConfigParser(text, binding._Delegate()))
    except (SyntaxError, tokenize.TokenError, ValueError, TypeError, StopIteration, AttributeError):
        return None
    bindings = [s for s in found if isinstance(s, config_parser.BindingStatement)]
    modules = [s.module for s in found if isinstance(s, config_parser.ImportStatement)]
    return modules, [(s.scope, s.selector, s.arg_name or "", s.value) for s in bindings]


def by_us(text: str) -> tuple[list[str], list[tuple[str, str, str, Any]]] | None:
    try:
        modules, rows = syntax.read(text)
    except Unreadable:
        return None
    return list(modules), [(row.scope, row.selector, row.parameter, row.value) for row in rows]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_every_config_is_read_as_by_gin(path: Path) -> None:
    text = config.read(path).text
    assert by_us(text) == by_gin(text) and by_gin(text) is not None


@settings(max_examples=600)
@given(st.lists(st.sampled_from(SIGNS), max_size=14).map("".join))
def test_what_is_read_is_what_gin_reads(text: str) -> None:
    ours = by_us(text)
    assert ours is None or repr(ours) == repr(by_gin(text)), text


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    ours = by_us(text)
    assert ours is None or repr(ours) == repr(by_gin(text))
    assert len(config.digest(text)) == 64


BASIC = st.one_of(st.none(), st.booleans(), st.integers(-9, 9999), st.floats(allow_nan=False, allow_infinity=False),
                  st.text("ab'\"= #\\%@", max_size=5))  # fmt: skip
PARTS = st.builds(Reference, st.sampled_from(["", "s", "s/t"]), st.sampled_from(["a.B", "C"]), st.booleans())
VALUES = st.recursive(
    st.one_of(BASIC, PARTS, st.just(Macro("M"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text("ab "), inner, max_size=3),
    ),
    max_leaves=5,
)
NAMES = [("", "a.B", "x"), ("", "a.B", "y"), ("s", "a.B", "x"), ("s/t", "C", "z"), ("", "experiment", "test")]
Rows = dict[tuple[str, str, str], Any]
ROWS = st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1)


def told(value: Any, dice: random.Random) -> str:
    """A value as text, in a notation by chance."""
    gap = dice.choice(["", " ", "  ", "\n   "])
    if isinstance(value, Reference):
        return f"@{f'{value.scope}/' if value.scope else ''}{value.selector}{'()' if value.called else ''}"
    if isinstance(value, Macro):
        return f"%{value.name}"
    if isinstance(value, dict):
        return "{" + gap + f",{gap}".join(f"{told(k, dice)}: {told(v, dice)}" for k, v in value.items()) + gap + "}"
    if isinstance(value, list):
        return "[" + gap + f",{gap}".join(told(item, dice) for item in value) + gap + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{told(item, dice)},{gap}" for item in value) + ")"
    return _basic(value, dice)


def _basic(value: Any, dice: random.Random) -> str:
    if isinstance(value, str) and "\n" not in value:
        double = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return dice.choice([repr(value), double])
    if isinstance(value, float):
        return dice.choice([repr(value), f"{value:.17e}"])
    if type(value) is int and value >= 0:
        return dice.choice([str(value), hex(value), f"{value:_}"])
    return repr(value)


def layout(rows: Rows, dice: random.Random) -> str:
    """A config that binds `rows`: in any order, flat or in blocks, with remarks, and some lines overridden later."""
    names = list(rows)
    dice.shuffle(names)
    parts = []
    for scope, selector, parameter in names:
        head, value = (f"{scope}/" if scope else "") + selector, told(rows[scope, selector, parameter], dice)
        if dice.random() < 0.3:
            parts.append(f"{head}.{parameter} = {dice.randint(0, 9)}")
        block = dice.random() < 0.4
        parts.append(f"{head}:  # part\n  {parameter} = {value}  # why" if block else f"{head}.{parameter} = {value}")
        parts.append(dice.choice(["", "# a remark", "   ", "M = 3" if dice.random() < 0.1 else ""]))
    return "\n".join([*(["M = 2"] if dice.random() < 0.5 else []), *parts, "M = 1"]) + "\n"


@given(ROWS, st.randoms(use_true_random=False), st.randoms(use_true_random=False))
def test_how_it_is_written_does_not_count(rows: Rows, one: random.Random, other: random.Random) -> None:
    first, second = layout(rows, one), layout(rows, other)
    assert canonical.canonical(first) == canonical.canonical(second)
    assert of(first).digest == of(second).digest
    assert config.differences(of(first), of(second)) == []


@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_two_configs_have_one_digest_exactly_if_they_bind_the_same(one: Rows, other: Rows, dice: random.Random) -> None:
    """With `M` in place of 1, for the value of a macro is what counts."""
    same = _typed(one) == _typed(other)
    assert (config.digest(layout(one, dice)) == config.digest(layout(other, dice))) == same
    assert bool(config.differences(of(layout(one, dice)), of(layout(other, dice)))) == (_named(one) != _named(other))


def _typed(value: Any, macros: bool = True) -> Any:
    """A value that is equal to another only where types and order are equal too."""
    if isinstance(value, dict):
        pairs = [(_typed(key, macros), _typed(item, macros)) for key, item in value.items()]
        return pairs if not any(isinstance(key, tuple) for key in value) else sorted(pairs, key=repr)
    if isinstance(value, (list, tuple)) and not isinstance(value, str):
        return (type(value).__name__, [_typed(item, macros) for item in value])
    if macros and isinstance(value, Macro):
        return ("int", "1")
    return (type(value).__name__, repr(value))


def _named(rows: Rows) -> Any:
    return _typed(rows, macros=False)


@pytest.mark.parametrize(("one", "other"), [
    ("a.x = 0.1", "a.x = 1e-1"), ("a.x = 'b'", 'a.x = "b"'), ("a.x = 'bc'", "a.x = 'b' 'c'"), ("a.x = (1)", "a.x = 1"),
    ("a.x = 1\nb.y = 2", "b.y = 2\na.x = 1"), ("a.x = [1, 2]", "a.x = [\n  1,  # one\n  2,\n]"),
    ("a.x = 5\na.x = 1", "a.x = 1"), ("a:\n  x = 1\n  y = 2", "a.y = 2\na.x = 1"), ("s/a:\n  x = 1", "s/a.x = 1"),
    ("LR = 0.1\na.x = %LR", "RATE = 0.1\na.x = %RATE"), ("LR = 0.1\na.x = %LR", "a.x = 0.1"),
    ("import m.n\nimport k\na.x = 1", "import k\nimport m.n\na.x = 1"), ("a.x = -1", "a.x = - 1"),
])  # fmt: skip
def test_the_same_config_written_in_two_ways(one: str, other: str) -> None:
    assert config.digest(one) == config.digest(other)


@pytest.mark.parametrize(("one", "other"), [
    ("a.x = 1", "a.x = 1.0"), ("a.x = 1", "a.x = True"), ("a.x = 0.0", "a.x = -0.0"), ("a.x = '1'", "a.x = 1"),
    ("a.x = [1]", "a.x = (1,)"), ("a.x = {'a': 1, 'b': 2}", "a.x = {'b': 2, 'a': 1}"), ("a.x = @b", "a.x = @b()"),
    ("a.x = @b()", "a.x = @s/b()"), ("a.x = '@b()'", "a.x = @b()"), ("a.x = '%M'\nM = 1", "a.x = %M\nM = 1"),
    ("a.x = %M\nM = 1", "a.x = %M\nM = 2"), ("s/a.x = 1", "a.x = 1"), ("import k\na.x = 1", "a.x = 1"),
    ("Adam.lr = 1\nt.Adam.lr = 2", "t.Adam.lr = 2\nAdam.lr = 1"), ("U = 1\na.x = 1", "U = 2\na.x = 1"),
    # built in the scope of its macro, whose name therefore counts
    ("M = @b()\na.x = %M\nM/b.y = 1", "N = @b()\na.x = %N\nM/b.y = 1"), ("M = @b()\na.x = %M", "a.x = @b()"),
    ("a.x = b'1'", "a.x = '1'"), ("a.x = None", "a.x = 'None'"), ("a.x = 1", "a.x = 1j"),
])  # fmt: skip
def test_two_configs_that_differ(one: str, other: str) -> None:
    assert config.digest(one) != config.digest(other)


def test_macros_of_macros_stay_small() -> None:
    rows = ["M0 = 'x'", *(f"M{n} = [%M{n - 1}, %M{n - 1}, %M{n - 1}]" for n in range(1, 60)), "a.x = %M59"]
    form = canonical.canonical("\n".join(rows))
    assert len(form) < 1000 and form != canonical.canonical("\n".join(["M0 = 'y'", *rows[1:]]))


@pytest.mark.parametrize("text", [
    "A = %B\nB = %A\na.x = %A", "a.x = " + "[" * 2000 + "]" * 2000, "a.x = %NOBODY", "a.x = {[1]: 2}", "a.x = 1e",
    "a.x = 0x" + "f" * 9000, "a.x = " + "9" * 9000, "M/macro.value = 2\nM = 1\na.x = %M", "a.x = '\ud800'",
])  # fmt: skip
def test_odd_texts_have_a_digest(text: str) -> None:
    assert config.digest(text) == config.digest(f"{text}\n\n") and config.digest(text) != config.digest(
        f"{text}\nb.y = 1"
    )


ONE_CHANGE: list[tuple[str, str, list[tuple[str, str, str]]]] = [
    ("a.x = 1\n", "a.x = 1\na:\n  x = 2\n", [("a.x", "1", "2")]),
    ("s/a:\n  x = 1\n  y = 'k = 3'\n", "s/a:\n  x = 1\n  y = 'k = 4'\n", [("s/a.y", "'k = 3'", "'k = 4'")]),
    ("a.x = [1,\n 2]\n", "a.x = [1,\n 3]\n", [("a.x", "[1, 2]", "[1, 3]")]),
    ("a.x = {\n  'u : v': @s/b.C(),\n}\n", "a.x=1", [("a.x", "{'u : v':@s/b.C(),}", "1")]),
    ("a.x = 0.1\n", "a.x = 1e-1\n", []), ("a.x = 'b'\n", 'a.x = "b"\n', []),
    ("t.Adam.lr = 0.1\n", "t.Adam.lr = 0.1\nAdam.lr = 0.2\n", [("t.Adam.lr", "0.1", "0.2")]),
    ("t.Adam.lr = 1\nk.Adam.lr = 1\n", "t.Adam.lr = 1\nk.Adam.lr = 1\nAdam.lr = 2\n", [("Adam.lr", "", "2")]),
    ("M = 1\na.x = %M\n", "M = 2\na.x = %M\n", [("M", "1", "2")]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "rows"), ONE_CHANGE)
def test_the_change_from_one_config_to_another(one: str, other: str, rows: list[tuple[str, str, str]]) -> None:
    assert config.differences(of(one), of(other)) == rows


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_a_config_split_into_includes_has_the_digest_of_the_whole(path: Path, tmp_path: Path) -> None:
    """Cut between any two statements, the first part included by the second."""
    (tmp_path / "paper.toml").write_text("")
    whole = config.read(path)
    lines = [line.text for line in whole.lines if not line.text.startswith("import ")]
    imports = [f"import {module}" for module, _ in whole.modules]
    for cut in range(0, len(lines), 7):
        with contextlib.suppress(Unreadable):
            syntax.read("\n".join(lines[:cut]))  # not within a value of many lines
            (tmp_path / "first.gin").write_text("\n".join([*imports, *lines[:cut]]) + "\n")
            (tmp_path / "second.gin").write_text(
                "\n".join(["include 'first.gin'", *imports[::-1], *lines[cut:]]) + "\n"
            )
            assert config.read(tmp_path / "second.gin").digest == whole.digest


def test_a_block_and_a_macro_give_the_digest_of_the_flat_config(paper: Any) -> None:
    path = paper.config("again", "torch.optim.SGD:\n  lr = %RATE\nRATE = 3e-1\n", base="smoke.gin")
    other = config.read(paper.folder / "configs" / "smoke.gin")
    assert config.read(path).digest == other.digest and config.read(path).text != other.text
