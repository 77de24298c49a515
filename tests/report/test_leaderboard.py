"""The leaderboard: the order, what is told apart, where each number comes from, and what is not ranked together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

from repro import record
from repro.errors import BadInput
from repro.interval import interval
from repro.record import Record
from repro.report import entrants, leaderboard, page
from repro.report.html import words
from repro.report.ranking import ranking
from tests.report.read_once import read_once

MEANS = {"low": 4.0, "middle": 5.0, "near": 5.02, "high": 6.0}


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def apart_by_hand(groups: Sequence[Any]) -> set[tuple[int, int]]:
    """The pairs that paired t tests with Holm's steps tell apart, for groups of one seed."""
    found = [
        (scipy.stats.ttest_rel(groups[i][0], groups[j][0]).pvalue, i, j) for i, j in combinations(range(len(groups)), 2)
    ]
    apart = set()
    for step, (p, i, j) in enumerate(sorted(found)):
        if p > 0.05 / (len(found) - step):
            break
        apart.add((i, j))
    return apart


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("higher", [True, False])
def test_the_ranks_are_those_of_paired_t_tests_after_holm(seed: int, higher: bool) -> None:
    draw = np.random.default_rng(seed)
    hard = draw.standard_normal(60)
    groups = [(hard + 0.5 * draw.standard_normal(60) + 0.15 * draw.integers(0, 6))[None] for _ in range(6)]
    found, apart = ranking(groups, higher), apart_by_hand(groups)
    assert found.order == sorted(range(6), key=lambda one: -groups[one].mean() if higher else groups[one].mean())
    told = {tuple(sorted((found.order[i], found.order[j]))) for (i, j), pair in found.pairs.items() if pair.apart}
    assert told == apart
    for place, one in enumerate(found.order):
        rivals = [other for other in range(6) if tuple(sorted((one, other))) in apart]
        better = sum((groups[other].mean() > groups[one].mean()) == higher for other in rivals)
        assert found.places(place) == (1 + better, 6 - (len(rivals) - better))


def test_equals_keep_their_order_and_one_stands_alone() -> None:
    same = [[1.0, 2.0, 4.0]]
    assert ranking([same, same], True).order == [0, 1] and ranking([same, same], True).places(0) == (1, 2)
    assert ranking([same], True).places(0) == (1, 1)


@pytest.fixture
def board(fresh: Path, keep: Callable[..., Record]) -> Path:
    """The paper with four more configs of two seeds each, and the sign of better in its records."""
    for name, mean in MEANS.items():
        (fresh / "configs" / f"{name}.gin").write_text(f"import papers.tiny.model\nwidth = '{name}'\n")
        for seed in (0, 1):
            keep(fresh, name, seed, mean)
    return fresh


def change(folder: Path, stem: str, data: str = "", **identity: Any) -> None:
    """Give a record another fingerprint of its test data, or another metric."""
    found = record.read(folder / "records" / f"{stem}.json")
    (measured,) = found.measurements
    measured = replace(measured, identity=measured.identity | identity)
    record.write(replace(found, measurements=[measured], data={"test": data} if data else {}), folder / "records")


def shown(*configs: str, metric: str = "", test: str = "test") -> str:
    page.forget()
    return str(leaderboard.leaderboard(entrants.gather(page.read("tiny"), configs, metric, test)))


def test_a_row_says_rank_config_paper_and_ours(board: Path) -> None:
    rows = shown("low", "high", "full", "near", "never", "middle").split("<tr")
    names = [hit[1] for row in rows if (hit := re.search(r"configs/(\w+)\.gin\.html", row))]
    assert names[0] == "high" and set(names[1:4]) == {"middle", "near", "full"} and names[4:] == ["low", "never"]
    high, full = (plain(f"<tr{row}") for row in rows if "/high.gin" in row or "/full.gin" in row)
    values = [record.read(board / f"records/high-seed{seed}.json").measurements[0].values for seed in (0, 1)]
    assert high.startswith(f"1 high – {words.spread(interval(values), 'mm')}") and high.endswith("2 × 50 75 s")
    assert full.startswith("2–4 full 5.0 mm ")  # what the claim states
    (never,) = (plain(f"<tr{row}") for row in rows if "/never.gin" in row)
    assert never.startswith("– never above 0.0 mm not run ") and "record-high-seed0" in rows[3]


def test_ranks_are_explained_above_the_table_and_long_tables_are_folded() -> None:
    lecun = read_once("lecun1998")
    field = entrants.gather(lecun, [], "", "test")
    html = str(leaderboard.leaderboard(field))
    above, _, rest = html.partition("<table")
    table, _, folded = rest.partition("<details")
    assert "share a range of ranks" in above and "share a range" not in rest
    assert (table.count("configs/"), folded.count("configs/")) == (leaderboard.ROWS, len(field.ran) - leaderboard.ROWS)
    stems = {one.config for one in field.ran}
    names = re.findall(r"<a [^>]*configs/[^>]*>([^<]+)</a>", html)
    assert len(set(names)) == len(names) and not stems & set(names)
    assert html.count("% (log)") == 2 * html.count('class="scale"'), "from 0.8 to 14 %"


def test_the_page_says_if_claims_have_intervals_for_other_items(board: Path) -> None:
    """The ranks are for new items; the claims of lecun1998 are about exactly its 10,000."""
    mnist = entrants.gather(read_once("lecun1998"), ["lenet5", "lenet4"], "ErrorRate", "test")
    assert leaderboard.on_fixed_items(mnist)
    assert not leaderboard.on_fixed_items(entrants.gather(page.read("tiny"), ["low", "high"], "", "test"))


def test_a_share_that_the_paper_prints_in_percent_is_ranked_in_percent() -> None:
    imdb = read_once("imdb_ladder")
    field = entrants.gather(imdb, ["cnn", "rnn"], "Accuracy", "test")
    ranked, found, unit, _ = leaderboard.ranks(field)
    assert unit == "%"
    for place, one in enumerate(ranked):
        mean = np.mean(one.rows)
        assert found.intervals[place].mean == pytest.approx(100 * mean)
    assert re.search(r"8\d\.\d+ \[", plain(str(leaderboard.leaderboard(field)))) and "0.8" not in field.label


def test_neighbours_and_every_pair_are_told(board: Path) -> None:
    text = plain(shown("low", "middle", "high", metric="Length"))
    assert "high is better than middle : 1." in text and "middle is better than low : " in text
    assert len(re.findall(r"better than \w+ : [^,]+, [^,]+, p = 0\.0\d+\.", text)) == 2
    assert "Every pair (3)" in text and re.search(r"middle low high ✓ 1\.\d+ ✓ 2\.\d+ middle ✓ 1\.\d+$", text)
    assert "middle are not distinguished" in plain(shown("near", "middle"))
    assert "Each config has one seed" not in text and "with one seed" not in text


def test_all_configs_with_records_are_ranked_where_none_is_named(board: Path) -> None:
    html = shown()
    assert all(f"configs/{name}.gin" in html for name in (*MEANS, "full", "proxy")) and "never.gin" not in html
    assert "with one seed ( proxy )" in plain(html).replace("(proxy)", "( proxy )")
    assert "Each config has one seed" in plain(shown("proxy"))


def test_lower_may_be_better(board: Path) -> None:
    for name in ("low", "high"):
        for seed in (0, 1):
            change(board, f"{name}-seed{seed}", better="lower")
    assert plain(shown("high", "low")).index("1 low") < plain(shown("high", "low")).index("2 high")


def test_a_config_has_several_names(board: Path) -> None:
    html = shown("high", "high.gin", "configs/high.gin", "tiny/high", "papers/tiny/configs/high.gin", "low")
    assert html.count("configs/high.gin.html") == 1
    beside = entrants.gather(read_once("template"), ["tiny/high", "papers/tiny/configs/low.gin"], "", "test")
    assert [one.name for one in beside.entrants] == ["tiny/high", "tiny/low"]
    assert "papers/tiny.html#record-high-seed0" in leaderboard.leaderboard(beside)


@pytest.mark.parametrize(("asked", "said"), [
    ({"configs": ["hihg"]}, "no config 'hihg' in tiny; did you mean 'high'?"),
    ({"configs": ["tyni/high"]}, "no paper 'tyni'; did you mean 'tiny'?"),
    ({"configs": ["a/b/c"]}, "config 'a/b/c': expected NAME, PAPER/NAME or papers/PAPER/configs/NAME.gin"),
    ({"configs": ["never"]}, "none of these configs has run"),
    ({"metric": "Lenght"}, "no metric 'Lenght' on 'test' in the records; did you mean 'Length'?"),
    ({"test": "tset"}, "no test set 'tset' in the records; did you mean 'test'?"),
])  # fmt: skip
def test_what_is_not_there_is_refused_with_the_nearest(board: Path, asked: dict[str, Any], said: str) -> None:
    given = {"configs": [], "metric": "", "test": "test"} | asked
    with pytest.raises(BadInput, match=re.escape(said)):
        entrants.gather(page.read("tiny"), **given)


def test_unlike_numbers_are_not_ranked_together(board: Path) -> None:
    change(board, "low-seed1", version=2)
    with pytest.raises(BadInput, match="they differ in the metric's version: low: 2; low, middle, high: 1"):
        shown("low", "middle", "high")
    change(board, "low-seed1", data="other", version=1)
    with pytest.raises(BadInput, match=r"on different test data: low: other \(50 items\); low, middle: data without"):
        shown("low", "middle")
    found = record.read(board / "records/high-seed0.json")
    two = [found.measurements[0], replace(found.measurements[0], metric="Width")]
    record.write(replace(found, measurements=two), board / "records")
    with pytest.raises(BadInput, match="which metric\\? write :metric: and one of Length, Width"):
        shown("high", "near")
    with pytest.raises(BadInput, match="no 'test: Width' in the record high-seed1; did you mean 'test: Length'"):
        shown("high", metric="Width")


def test_the_same_data_in_other_forms_is_ranked_together(board: Path) -> None:
    """Where both configs require the same of it, which their runs have checked; or one does that has the same data."""
    for name, text in [
        ("low", "experiment.data = {\n    'test': 'set/test'}\n"),
        ("high", "experiment.data = {'test': 'set/test'}"),
    ]:
        for seed in (0, 1):
            change(board, f"{name}-seed{seed}", data=f"of {name}")
            found = record.read(board / f"records/{name}-seed{seed}.json")
            record.write(replace(found, text=text), board / "records")
    for seed in (0, 1):
        change(board, f"middle-seed{seed}", data="of low")
    assert "All configs use set/test, in 2 different forms." in plain(shown("low", "middle", "high"))


def test_the_page_shows_it_and_warns_of_what_is_stale(
    board: Path, build: Callable[..., Any], html: Callable[..., Any]
) -> None:
    root = board.parents[1]
    words = "\n\n```{leaderboard}\n:configs: low high\n```\n\n```{leaderboard}\n:configs: low hihg\n```\n"
    (board / "report.md").write_text(f"# Report{words}")
    (root / "docs/other.md").write_text(
        "---\norphan: true\n---\n# Other\n\n```{leaderboard} tiny\n:metric: Length\n```\n"
    )
    (board / "configs/near.gin").write_text("import papers.tiny.model\nwidth = 'changed'\n")
    code, said = build(root)
    assert code != 0 and "report.md:7: WARNING: no config 'hihg' in tiny; did you mean 'high'?" in said
    assert (
        "other.md:6: WARNING: papers/tiny/records/near-seed0.json is stale: changed since the record: configs/near.gin"
        in said
    )
    assert said.count("near-seed0.json is stale") == 2  # here, and where the paper's claims are printed
    assert "1 high" in " ".join(html(root).text.split()) and "stale" in html(root, "other").text
