"""The watch over a log: drift raises an alarm, no drift hardly ever, and wrong input is one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from repro import cli
from repro.errors import BadInput
from repro.watch import page, watching
from tests.watch.logs import drawn, header, written


def log_of(path: Path, *parts: tuple[int, float], seed: int = 0, first: Any = None) -> Path:
    """A log with so many answers of each shift."""
    random, at = np.random.default_rng(seed), seed * 100_000
    for count, shift in parts:
        written(path, *drawn(random, count, shift), first=first, at=at)
        at += count
    return path


def test_drift_is_found_in_the_window_where_it_begins(tmp_path: Path) -> None:
    found = watching.watch(log_of(tmp_path / "a", (700, 0), (200, 2)))
    assert [bool(found.alarms(one)) for one in found.windows] == [False, False, True, True]
    assert {"answers", "classes", "inputs"} <= set(found.alarms(found.windows[2]))
    first = found.first_alarm
    assert first is not None
    assert (first.first, first.last) == (701, 800)
    assert found.threshold == pytest.approx(0.01 / (4 * len(found.tests)))


def test_false_alarms_are_as_rare_as_the_level_says(tmp_path: Path) -> None:
    logs = [log_of(tmp_path / str(seed), (300, 0), seed=seed) for seed in range(40)]
    alarms = [watching.watch(path, first=150, window=50, level=0.05).first_alarm is not None for path in logs]
    assert np.mean(alarms) <= 0.15  # 0.05 and three standard errors


def test_another_log_of_the_model_is_the_reference(tmp_path: Path) -> None:
    before, now = log_of(tmp_path / "a", (400, 0)), log_of(tmp_path / "b", (150, 3), seed=1)
    found = watching.watch(now, reference=str(before), window=50)
    assert [one.first for one in found.windows] == [1, 51, 101]
    assert all("answers" in found.alarms(one) for one in found.windows)
    same = log_of(tmp_path / "c", (400, 0))
    assert watching.watch(before, reference=str(same), window=50).first_alarm is None


@pytest.mark.parametrize("name", ["log.html", "before.html", "link.html", "page.txt", "page"])
def test_a_page_never_replaces_a_log(tmp_path: Path, name: str) -> None:
    now, before = log_of(tmp_path / "log.html", (100, 0)), log_of(tmp_path / "before.html", (100, 0), seed=1)
    (tmp_path / "link.html").symlink_to(now)
    content = now.read_bytes(), before.read_bytes()
    words = ["watch", str(now), "--reference", str(before), "--window", "50", "--page", str(tmp_path / name)]
    assert cli.main(words) == 2
    assert (now.read_bytes(), before.read_bytes()) == content
    assert not (tmp_path / "page").exists()


def test_a_level_that_no_test_can_reach_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        watching.watch(log_of(tmp_path / "a", (300, 0)), first=100, level=1e-6)
    assert "--level" in caught.value.what
    least = float(caught.value.expected.split()[-1])
    assert watching.watch(log_of(tmp_path / "b", (200, 0)), first=100, level=least).windows


@pytest.mark.parametrize("name", ["config", "checkpoint", "classes"])
def test_the_reference_of_another_model_is_refused(tmp_path: Path, name: str) -> None:
    other = header(**{name: ["a", "b", "c"] if name == "classes" else "other"})
    before, now = log_of(tmp_path / "a", (100, 0), first=other), log_of(tmp_path / "b", (100, 0))
    with pytest.raises(BadInput) as caught:
        watching.watch(now, reference=str(before), window=50)
    assert name in caught.value.what


def test_an_input_that_is_sent_again_and_again_is_no_drift(tmp_path: Path) -> None:
    path = log_of(tmp_path / "a", (300, 0))
    with path.open("a") as file:
        file.write(path.read_text().splitlines()[1].join(["", "\n"]) * 50)
    found = watching.watch(path, first=200, window=50)
    assert found.first_alarm is None
    assert found.windows[-1].inputs == 1
    assert not found.windows[-1].checks


def test_an_answer_that_is_not_finite_is_an_alarm(tmp_path: Path) -> None:
    path = log_of(tmp_path / "a", (200, 0))
    answers, numbers = drawn(np.random.default_rng(1), 50)
    answers[7] = np.nan
    written(path, answers, numbers, at=200)
    found = watching.watch(path, first=150, window=50)
    assert found.first_alarm is not None
    assert found.first_alarm.broken == 1


def test_a_log_that_begins_has_half_of_it_as_the_reference(tmp_path: Path) -> None:
    found = watching.watch(log_of(tmp_path / "a", (100, 0)), window=20)
    assert len(found.reference.sample) == 50
    assert [one.first for one in found.windows] == [51, 71]
    assert found.left == 10


def test_a_model_without_classes_is_watched_too(tmp_path: Path) -> None:
    random, first = np.random.default_rng(0), header(classes=None)
    written(tmp_path / "a", random.normal(size=(300, 1)), [{}] * 300, first=first)
    written(tmp_path / "a", random.normal(2, 1, size=(100, 1)), [{}] * 100, first=first, at=300)
    found = watching.watch(tmp_path / "a", first=200, window=50)
    assert found.tests == ["answers"]
    assert [bool(found.alarms(one)) for one in found.windows] == [False, False, True, True]


def test_words_that_the_model_does_not_know(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for part, (count, rate) in enumerate([(200, 0.05), (50, 0.3)]):
        numbers = [{"unseen": float(random.binomial(40, rate) / 40), "words": 40.0} for _ in range(count)]
        written(tmp_path / "a", drawn(random, count)[0], numbers, at=part * 200)
    found = watching.watch(tmp_path / "a", first=150, window=50)
    assert found.first_alarm is found.windows[1]
    assert found.alarms(found.windows[1]) == ["unseen"]


@pytest.mark.parametrize(
    "given", [{"first": 1}, {"window": 9}, {"level": 0.0}, {"level": 1.0}, {"level": float("nan")}, {"window": 1000}]
)
def test_wrong_numbers_are_refused(tmp_path: Path, given: Any) -> None:
    with pytest.raises(BadInput):
        watching.watch(log_of(tmp_path / "a", (60, 0)), **given)


def test_logs_that_cannot_be_tested_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "empty", np.zeros((0, 3)), [])
    log_of(tmp_path / "long", (4000, 0))
    for name, more in (("empty", {}), ("long", {"window": 10})):
        with pytest.raises(BadInput) as caught:
            watching.watch(tmp_path / name, **more)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput):
        watching.watch(tmp_path / "long", reference=str(tmp_path / "empty"))
    with pytest.raises(BadInput):
        watching.watch(tmp_path / "long", reference=str(tmp_path / "nothing"))


def test_the_command_prints_a_verdict_and_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = log_of(tmp_path / "a", (300, 0), (50, 3))
    code = cli.main(["watch", str(path), "--first", "200", "--window", "50", "--page", str(tmp_path / "a.html")])
    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert lines[-1].startswith("verdict: drift in 1 of 3 windows")
    assert len(lines) == 2 + len(watching.watch(path, first=200, window=50).tests)
    assert cli.main(["watch", str(log_of(tmp_path / "b", (300, 0))), "--first", "200", "--window", "50"]) == 0


def test_a_log_is_not_its_own_reference(tmp_path: Path) -> None:
    path = log_of(tmp_path / "log.jsonl", (100, 0))
    (tmp_path / "link").symlink_to(path)
    for reference in (str(path), str(tmp_path / "link"), "no/such-seedx"):
        with pytest.raises(BadInput) as caught:
            watching.watch(path, reference, window=50)
        assert "reference" in caught.value.what or reference in caught.value.what


def test_a_wrong_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text("hello\n")
    for arguments in ([str(tmp_path / "a")], [str(tmp_path / "b")], [str(tmp_path)]):
        assert cli.main(["watch", *arguments]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    found = watching.watch(log_of(tmp_path / "<i>", (300, 0), (50, 3)), first=200, window=50)
    text = page.write(found, tmp_path / "new" / "a.html").read_text()
    assert not re.search(r"<script|src=|href=|url\(|<i>", text)
    assert text.count("<circle") == len(found.windows) * len(found.tests)
    assert text.count("<tr") == 1 + len(found.windows)


def test_small_samples_have_no_tiny_p_value(tmp_path: Path) -> None:
    found = watching.watch(log_of(tmp_path / "a", (10, 0), (10, 50)), first=10, window=10, level=0.9)
    smallest = min(check.p for check in found.windows[0].checks)
    exact = stats.ks_2samp(np.arange(10), np.arange(10) + 100.0, method="exact").pvalue
    assert smallest == pytest.approx(exact)
