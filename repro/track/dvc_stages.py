"""The runs of a paper as stages of DVC: `dvc.yaml`, and the file of metrics that its last stage writes.

A stage depends on the config with its includes, on the modules that the record names one by one, and on the data that
DVC tracks. Its command has `--missing`: if only a comment has changed, DVC starts it, and `repro` finds that the record
is still valid. The core is not among the dependencies, because `repro renew` decides whether a changed core gives the
same numbers. A record stays where it is while its stage runs (`persist`), and git has it, not the cache of DVC.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath

from repro import config, record
from repro.claim.paper import Paper
from repro.config import Config
from repro.record import code_digest
from repro.track import copied

METRICS = "metrics.json"


def seeds(paper: Paper) -> dict[Path, list[int]]:
    """The seeds of each config of which the claims need a run, and seed 0 of the smoke config."""
    found: dict[Path, set[int]] = {}
    for _, name, seed in paper.runs:
        found.setdefault(paper.folder / name, set()).add(seed)
    smoke = paper.folder / "configs" / "smoke.gin"
    if smoke.is_file():
        found.setdefault(smoke, {0})
    return {path: sorted(numbers) for path, numbers in found.items()}


def text(paper: Paper, root: Path, folder: Path, data: Mapping[Path, Iterable[Path]]) -> str:
    """The text of the `dvc.yaml` in `folder`: one stage for each config, which DVC repeats for each seed.

    root: the repository; all paths are relative to it. data: the paths of the data that each config reads.
    """
    up, own = os.path.relpath(root, folder.resolve()), _inside(paper.folder, root)
    lines, records = [f"# Written by `repro dvc {paper.name} --write`, which overwrites it.", "stages:"], []
    for path, numbers in seeds(paper).items():
        found = config.read(path)
        command = f"repro run {paper.name}/{found.name} --seed ${{item}} --missing"
        needs = [*_files(found, root), *(_inside(one, root) for one in data.get(path, ()))]
        lines += [f"  {_quoted(_stage_name(found.name))}:", f"    foreach: {numbers}", "    do:"]
        lines += [f"  {line}" for line in _stage(command, up, needs)]
        lines += ["      outs:", f"      - {_quoted(f'{own}/records/{found.name}-seed${{item}}.json')}:"]
        lines += ["          cache: false", "          persist: true"]
        records += [f"{own}/records/{found.name}-seed{number}.json" for number in numbers]
    target = f"{_inside(folder, root)}/{METRICS}"
    lines += ["  record-metrics:", *_stage(f"repro dvc {paper.name} --metrics > {target}", up, records)]
    return "\n".join([*lines, "    metrics:", f"    - {_quoted(target)}:", "        cache: false", ""])


def metrics(paper: Paper) -> str:
    """The means and intervals of all valid records of the stages, as JSON: run, test set, metric, number."""
    mine = {(path.stem, seed) for path, numbers in seeds(paper).items() for seed in numbers}
    rows: dict[str, dict[str, float]] = {}
    for one in record.of_paper(paper.folder):
        if (one.config, one.seed) in mine and not one.stale:
            found = copied.results(one)
            rows[one.stem] = {name.removeprefix("result/"): value for name, value in found.items()}
    return json.dumps(rows, indent=1, sort_keys=True) + "\n"


def _stage(command: str, up: str, needs: Iterable[str]) -> list[str]:
    """The lines of a stage, after its name."""
    lines = [f"    wdir: {_quoted(up)}", f"    cmd: {_quoted(command)}", "    deps:"]
    return [*lines, *(f"    - {_quoted(path)}" for path in sorted({*needs}))]


def _stage_name(name: str) -> str:
    """The name of a config as DVC allows it: letters, digits, `_` and `-`.

    >>> _stage_name("epsilon_0.25")
    'epsilon_0_dot_25'
    """
    return re.sub(r"[^\w-]", "_", name.replace(".", "_dot_").replace("+", "_plus_"))


def _files(found: Config, root: Path) -> Iterator[str]:
    """The files that a run of the config depends on, as far as they are in the repository."""
    configs = {Path(line.place.rpartition(":")[0]) for line in found.lines}
    for path in (*configs, *code_digest.files(found).values()):
        if path.resolve().is_relative_to(root):
            yield _inside(path, root)


def _inside(path: Path, root: Path) -> str:
    return PurePath(os.path.relpath(path.resolve(), root)).as_posix()


def _quoted(text: str) -> str:
    """`text` as a string of YAML: JSON's strings are also YAML's."""
    return json.dumps(text, ensure_ascii=False)
