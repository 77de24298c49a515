"""What holds of every paper: its claims read, its configs bind, its smoke config runs, its parts pass the checks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gin
import pytest
import torch
from torch.utils.data import default_collate

from repro import binding, certificate, config, ledger, listing, paper, record, run, testing, verdict, verdicts
from repro.errors import BadInput
from repro.report import tips

NAMES = sorted(paper.folders())
NOT_YET = {
    *("metrics.SISDR", "metrics.SDR"),  # what the improvements are improvements of
    # readers of data for papers to come; their own tests run them
    *("datasets.FashionMnist", "datasets.Fsdd", "datasets.LibriMix", "datasets.ListedMixtures"),
}
CONFIGS = [path for name in NAMES for path in paper.find(name).configs]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_every_config_binds(path: Path) -> None:
    """Names, parameters, types, unused bindings: all that can be known without building the parts."""
    binding.bind(config.read(path))
    assert "experiment." in gin.config_str()


@pytest.mark.parametrize("name", NAMES)
def test_records_are_of_committed_configs(name: str) -> None:
    one = paper.find(name)
    stems = {path.stem for path in one.configs}
    for found in record.of_paper(one.folder):
        assert found.config in stems and not found.overrides
        assert not found.source.get("dirty"), f"{found.stem} was made from a tree with changes not committed"
        assert str(Path.cwd()) not in (one.folder / "records" / f"{found.stem}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_certificates_are_of_configs(name: str) -> None:
    one = paper.find(name)
    assert set(certificate.every(one.folder)) <= {path.stem for path in one.configs}


@pytest.mark.parametrize("name", NAMES)
def test_no_record_is_stale(name: str) -> None:
    assert [(r.stem, r.stale) for r in record.of_paper(paper.find(name).folder) if r.stale] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_data_is_what_the_records_saw(name: str) -> None:
    """Where it can be had here; the rest is named."""
    away: list[str] = []

    def look(path: Path) -> dict[str, Any] | None:
        try:
            return binding.fingerprints(path)
        except BadInput as error:
            away.append(f"{path.stem}: {error}")
            return None

    records = record.of_paper(paper.find(name).folder, look)
    assert [(found.stem, found.stale) for found in records if found.stale] == []
    if away:
        pytest.skip(f"the data of {len(away)} configs is not here, as {away[0]}")


@pytest.mark.parametrize("name", NAMES)
def test_records_that_a_claim_names_can_judge_it(name: str) -> None:
    """Where a proxy or the claim's own config has its records, something comes out of them."""
    one = paper.find(name)
    records = record.of_paper(one.folder)
    done = {(f"configs/{found.config}.gin", found.seed) for found in records}
    for claim in one.claims:
        trend = {(config, 0) for config, _, proxy in claim.pairs if proxy and claim.kind == "comparison"}
        if (trend and trend <= done) or (claim.runs and set(claim.runs) <= done):
            assert verdict.judge(claim, records).outcome not in ("not run", "not comparable", "stale"), claim.id


@pytest.mark.parametrize("name", NAMES)
def test_no_verdict_is_worse_than_the_committed_one(name: str) -> None:
    """What `repro verdict PAPER --check` guards; a change for the better is committed too (`--write`)."""
    one = paper.find(name)
    records = record.of_paper(one.folder)
    if not records and not (one.folder / verdicts.FILE).is_file():
        pytest.skip("neither records nor verdicts yet: nothing to guard")
    assert verdicts.changes(verdicts.read(one.folder), verdict.judge_all(one.claims, records)) == []


@pytest.mark.parametrize("name", NAMES)
def test_claims_ask_for_what_their_configs_have(name: str) -> None:
    testing.check_claims(paper.find(name).folder)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_reproduced_is_explained(name: str) -> None:
    """In the ledger, or by its id in report.md."""
    one = paper.find(name)
    told = (one.folder / "report.md").read_text(encoding="utf-8")
    judged = verdict.judge_all(one.claims, record.of_paper(one.folder))
    assert [claim.id for claim in ledger.unexplained(one, judged) if claim.id not in told] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_cause_changes_one_factor(name: str) -> None:
    """The config of a cause includes the one it changes, and differs from it in one setting."""
    one = paper.find(name)
    for claim in one.claims:
        for cause in one.causes_of(claim):
            base, changed = (config.read(one.folder / path) for path in (cause.over or claim.config, cause.config))
            assert len(config.differences(base, changed)) == 1, cause.config


@pytest.mark.parametrize("name", NAMES)
def test_tips_name_tests_that_are_there(name: str) -> None:
    """Every tip is a symptom, its cause, its fix, and a test of this repository, or none and why."""
    root = paper.folders()[name].parents[1]
    for tip in tips.read(paper.folders()[name] / "tips.md"):
        said = tip.text.partition("- **Test** ")[2]
        named = [found.partition("::") for found in re.findall(r"`([\w/]+\.py(?:::\w+)?)`", said)]
        assert named or said.startswith("none"), tip.symptom
        for file, _, test in named:
            assert f"def {test}" in (root / file).read_text(encoding="utf-8"), f"{tip.symptom}: {file}::{test}"


@pytest.mark.parametrize("name", NAMES)
def test_smoke_runs_to_a_record(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an override, so that the record stays in the run folder and the paper's own are not touched."""
    monkeypatch.chdir(tmp_path)
    found, path = run.run(paper.find(name).folder / "configs" / "smoke.gin", overrides=("experiment.examples = 0",))
    assert path.is_relative_to("runs")
    assert record.read(path).measurements == found.measurements
    assert all(found.data.values()) and found.measurements


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_smoke_pass_the_checks(name: str) -> None:
    built = binding.build(config.read(paper.find(name).folder / "configs" / "smoke.gin"))
    for dataset in built.datasets().values():
        testing.check_dataset(dataset)
    check_measuring(built)
    if built.trainer is not None:
        check_training(built)


def check_training(built: Any) -> None:
    batch = [built.train[index] for index in range(3)]
    inputs, target = default_collate(batch)
    testing.check_model(built.model, inputs)
    with torch.no_grad():
        output = built.model(inputs)
    testing.check_loss(built.loss, output, target)


def check_measuring(built: Any) -> None:
    for dataset in built.test.values():
        inputs, target = dataset[0]
        estimate = built.estimate(inputs)
        for metric in built.metrics:
            testing.check_metric(metric, estimate, target, inputs)


def test_every_part_is_in_a_config() -> None:
    """A part that no config names is run by nothing: it is not part of the reproduction."""
    texts = "\n".join(path.read_text(encoding="utf-8") for path in CONFIGS)
    known = {f"{part.kind}.{part.name}" for part in listing.parts()}
    assert {name for name in known if f"@{name}(" not in texts and f"/{name}(" not in texts} <= NOT_YET
