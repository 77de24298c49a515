"""A tree of 100 papers, 10,000 records and 1,000 runs: what each command costs, against the bare reading of its files.

Seconds of CPU of whole processes, so that another load on the machine counts little. What is wanted is what the other
benchmarks want: of the start with many papers, of a verdict on 10,000 records, of the site.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.test_site import CLAIMS, PAPERS, write_sites

SEEDS, RUNS = 5, 100  # per claim, and per paper
NAMES = [f"p{number:03}" for number in range(PAPERS)]
CORE = Path(__file__).parents[2]
ALONE = "import papers\npapers.__path__ = ['papers']\n"  # not those of the repository besides
OURS = ALONE + "from repro.cli import main\nfor words in {0}: assert not main(words)"
BUILD = ALONE + "from sphinx.cmd.build import main\nassert not main(['-q', *{0}, '-b', 'html', '{1}', 'html-{1}'])"
READ = "import glob, {0}\nfor path in glob.glob('{1}'): {0}.loads(open(path).read())"
JSON = READ.format("json", "papers/*/records/*.json")
# what is typed, what it prints how often, what reads the same files, and how many seconds it may take
COMMANDS = {
    "list": ([["list"]], "\n", PAPERS + 1, READ.format("tomllib", "papers/*/paper.toml"), 1),
    "status": ([["status"]], "\n", PAPERS * RUNS // 2 + 2, "import os\n[*os.walk('runs')]", 5),
    "status of 200 runs": ([["status"]], "\n", 102, "import os\n[*os.walk('few')]", 1),
    "todo": ([["todo"]], "repro run", 0, JSON, 5),
    "verdict": ([["verdict", name] for name in NAMES], f"\n{CLAIMS} claims: ", PAPERS, JSON, 5),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The papers with their records, two sites about them, and for each paper some runs, every second one finished."""
    root = tmp_path_factory.mktemp("load")
    write_sites(root, CLAIMS, SEEDS)
    for name in NAMES:
        for number in range(RUNS):
            run = root / "runs" / name / f"row{number}" / f"01234567-seed{number}"
            run.mkdir(parents=True)
            (run / "run.json").write_text('{"outcome": "%s"}' % ("finished" if number % 2 else "stopped"))
            (run / "config.gin").write_text("row = 1\n")
            rows = [{"curve": "train", "step": step, "loss": 1.0, "time": step} for step in range(10, 1000, 10)]
            (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in NAMES[:2]:
        (root / "few").mkdir(exist_ok=True)
        (root / "few" / name).symlink_to(root / "runs" / name)
    assert len(list(root.glob("papers/*/records/*.json"))) == 10_000
    assert len(list(root.glob("runs/*/*/*/run.json"))) == 10_000
    return root


def cpu(root: Path, code: str) -> tuple[float, str]:
    """What a process of this code costs, and what it prints."""
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{CORE}"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def compared(benchmark: Any, root: Path, ours: str, bare: str, rounds: int) -> tuple[float, float, str]:
    """Our seconds, the ratio to the reference's (the least of some rounds each), and what ours printed."""
    costs: list[tuple[float, str]] = []
    benchmark.pedantic(lambda: costs.append(cpu(root, ours)), rounds=rounds)
    mine, theirs = min(costs)[0], min(cpu(root, bare)[0] for _ in range(rounds))
    benchmark.extra_info["ratio"] = round(mine / theirs, 2)
    return mine, mine / theirs, costs[0][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_command(benchmark: Any, tree: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words, sign, times, bare, wanted = COMMANDS[name]
    if "200 runs" in name:
        monkeypatch.setenv("REPRO_RUNS", "few")
    seconds, ratio, said = compared(benchmark, tree, OURS.format(words), bare, rounds=3)
    assert said.count(sign) == times
    print(f"\nrepro {name}: {seconds:.2f} s of CPU (wanted: at most {wanted}), {ratio:.1f} x the bare reading")


def test_report(benchmark: Any, tree: Path) -> None:
    """Both from nothing; then ours again with nothing changed."""
    ours, bare = (BUILD.format(["-E"], site) for site in ("ours", "bare"))
    seconds, ratio, _ = compared(benchmark, tree, ours, bare, rounds=1)
    again, _ = cpu(tree, BUILD.format([], "ours"))
    assert len(list((tree / "html-ours/papers").glob("*.html"))) == PAPERS
    print(f"\nrepro report: {seconds:.1f} s of CPU, {ratio:.2f} x bare Sphinx (wanted: at most 1.5)")
    print(f"again with nothing changed: {again:.1f} s")
