"""A run that fails as a tip describes shows this tip, and a run that does not fail reads no tips."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import BadInput
from repro.report import patterns, tips

ROOT = Path(__file__).parents[2]
FORM = (
    "## {symptom}\n\n- **Symptom** a.\n- **Pattern** {pattern}\n- **Cause** b.\n- **Fix** c.\n- **Test** none, d e.\n"
)
BROKEN = """
from torch import nn
from repro.registry import LOSSES

@LOSSES.register
class Broken(nn.Module):
    '''Fails, because of another error.'''
    def forward(self, output, target):
        try:
            {}["Reproduced"]
        except KeyError as error:
            raise ValueError("no column") from error

@LOSSES.register
class Nan(nn.Module):
    '''NaN, as of a silent segment.'''
    def forward(self, output, target):
        return (output * 0).mean() / 0
"""


def tip(symptom: str, *given: str) -> str:
    return FORM.format(symptom=symptom, pattern=", ".join(f"`{one}`" for one in given)) + "\n"


def shown(err: str) -> list[str]:
    """The symptoms of the tips that a run printed, with the lines of their headings."""
    return [line.partition(": ")[2] for line in err.splitlines() if line.startswith("tip of ")]


def place(paper: Any, symptom: str) -> str:
    lines = (paper.folder / "tips.md").read_text().splitlines()
    return f"{symptom} (papers/{paper.name}/tips.md:{lines.index(f'## {symptom}') + 1})"


def test_a_learning_rate_that_is_too_high_shows_the_tip_of_the_template(paper: Any, repro: Any) -> None:
    """Twice: as an error, and as a loss that rises but is still finite when the run ends."""
    hot = paper.config("hot", "torch.optim.SGD.lr = 3.0\n", "line.gin")
    code, _, err = repro("run", hot)
    first, second = shown(err)
    assert code == 1 and first == place(paper, "The fit diverges")
    assert "The fit diverges" not in second, "the template has the same tip, which is shown once"
    warm = paper.config("warm", "torch.optim.SGD.lr = 1.2\ntrainers.Supervised.steps = 60\n", "line.gin")
    code, out, err = repro("run", warm)
    assert (code, shown(err)) == (0, [place(paper, "The fit diverges")]) and out.count("\n") == 1


def test_an_error_shows_the_tip_of_its_cause(paper: Any, repro: Any) -> None:
    module = f"import {paper.module('broken', BROKEN)}\n"
    text = tip("A", "error: another error") + tip("B", "error: keyerror: 're*ced'") + tip("C", "loss: rises")
    (paper.folder / "tips.md").write_text(text)
    code, _, err = repro("run", paper.config("fails", f"{module}experiment.loss = @losses.Broken()\n"))
    assert (code, shown(err)[:1]) == (1, [place(paper, "B")])
    (paper.folder / "tips.md").write_text("".join(tip(name, "error: the loss is nan") for name in "ABC"))
    code, _, err = repro("run", paper.config("nan", f"{module}experiment.loss = @losses.Nan()\n"))
    assert (code, shown(err)) == (1, [place(paper, "A"), place(paper, "B")]), "at most two, and its own come first"


def test_a_plateau_shows_its_tip_and_a_good_run_reads_none(
    paper: Any, repro: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (paper.folder / "tips.md").write_text(tip("A", "loss: stays at 1.3 to 1.45") + tip("B", "loss: stays at 2.303"))
    code, _, err = repro("run", f"{paper.name}/mean")
    assert (code, shown(err)) == (0, [place(paper, "A")])
    short = paper.config("short", "trainers.Supervised.steps = 40\ntorch.optim.SGD.lr = 0.01\n", "line.gin")
    monkeypatch.delattr(tips, "advice")
    code, _, err = repro("run", short)
    assert (code, shown(err)) == (0, [])


def test_a_faulty_file_of_tips_hides_neither_the_error_nor_itself(paper: Any, repro: Any) -> None:
    (paper.folder / "tips.md").write_text("no tip\n")
    code, _, err = repro("run", paper.config("hot", "torch.optim.SGD.lr = 3.0\n", "line.gin"))
    assert code == 1 and f"papers/{paper.name}/tips.md:1: " in err and "NotFinite" in err


def test_the_guide_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = tips.advice(ROOT / "papers/template", FloatingPointError("step 3: the loss is nan"))
    assert f"```text\n{found[0]}\n```" in (ROOT / "docs/guide/report.md").read_text(encoding="utf-8")


def test_a_tip_in_a_terminal_has_no_control_characters(tmp_path: Path) -> None:
    text = tip("A \x1b[31mred", "error: the loss is nan").replace("**Fix** c", "**Fix** \x1b]0;c")
    (tmp_path / "tips.md").write_text(text)
    (line,) = tips.advice(tmp_path, ValueError("the loss is nan"))[:1]
    assert "red" in line and all(sign.isprintable() for sign in line.replace("\n", ""))


@pytest.mark.parametrize(("items", "nearest"), [
    ("`loss: rise`", "loss: rises"), ("`los: rises`", "loss: rises"), ("`loss: stays at X`", None),
    ("`error: nan`", None), ("`error: *`", None), ("`loss: stays at nan`", None), ("the loss is nan", None),
    ("`loss: stays at 5 to 2`", None), ("`curve: a ends under 1`", None), ("`curve:  ends below 1`", None),
])  # fmt: skip
def test_a_pattern_of_another_form_is_refused_with_its_line(tmp_path: Path, items: str, nearest: str | None) -> None:
    (tmp_path / "tips.md").write_text("# Tips\n\n" + FORM.format(symptom="A", pattern=items))
    with pytest.raises(BadInput) as caught:
        tips.read(tmp_path / "tips.md")
    assert caught.value.where.endswith("tips.md:3") and (nearest is None or caught.value.nearest == nearest)


def curve(*losses: float) -> list[list[float]]:
    return [[10.0 * number, loss] for number, loss in enumerate(losses, 1)]


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=40))
def test_a_curve_that_falls_to_its_half_in_each_quarter_shows_nothing(losses: list[float]) -> None:
    falling = [math.ldexp(loss / max(losses) + 1, -2 * number) for number, loss in enumerate(losses)]
    assert not patterns.stuck(curve(*falling))
    assert not patterns.in_curves("loss: rises", {"train": curve(*falling)})


@given(level=st.floats(-100, 100).filter(lambda level: abs(level) > 0.01), points=st.integers(4, 200))
def test_a_flat_curve_is_at_its_level_and_at_no_other(level: float, points: int) -> None:
    flat = {"train": curve(*[level] * points)}
    assert patterns.in_curves(f"loss: stays at {level:.6f}", flat)
    assert not patterns.in_curves(f"loss: stays at {level * 1.05:.6f}", flat)
    assert not patterns.in_curves("loss: rises", flat)
    low, high = sorted([level * 0.9, level * 1.1])
    assert patterns.in_curves(f"loss: stays at {low:.6f} to {high:.6f}", flat)


def test_a_curve_with_nan_or_with_few_points_shows_nothing() -> None:
    for losses in ([math.nan] * 8, [1.0, 2.0, 3.0], []):
        assert not any(
            patterns.in_curves(one, {"train": curve(*losses)}) for one in ("loss: rises", "loss: stays at 1")
        )


@given(st.lists(st.floats(-10, 10), min_size=4, max_size=40), st.floats(-10, 10).map(lambda x: round(x, 3)))
def test_a_named_curve_ends_on_one_side_of_a_bound(values: list[float], bound: float) -> None:
    last = math.fsum(values[len(values) * 3 // 4 :]) / len(values[len(values) * 3 // 4 :])
    named = {"train": [], "diversity": curve(*values)}
    found = [patterns.in_curves(f"curve: diversity ends {side} {bound}", named) for side in ("below", "above")]
    assert found == [last < bound, last > bound] or math.isclose(last, bound, abs_tol=1e-9)
    assert patterns.telling(named)
    assert not any(patterns.in_curves(f"curve: other ends {side} {bound}", named) for side in ("below", "above"))


@given(st.lists(st.text("ab*", max_size=6), min_size=1, max_size=4), st.text("ab", max_size=12))
def test_a_star_stands_for_any_text(parts: list[str], line: str) -> None:
    import fnmatch

    text = "errors" + "*".join(parts)
    said = f"errors{line}"
    assert patterns.in_error(f"error: {text}", said) == fnmatch.fnmatchcase(said, f"*{text}*")
