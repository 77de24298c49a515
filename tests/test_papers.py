"""What the repository knows of every paper: its own tests check it, its records are fresh, its smoke config runs."""

from __future__ import annotations

import functools
import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from repro import config, record, registry, run, verdict
from repro.claim import paper
from repro.claim.paper import Paper
from repro.errors import BadInput, DataMissing
from repro.experiment import binding, preflight
from repro.record import Record, audit
from repro.testing import contract
from repro.verdict import behaviours, verdicts_json

NAMES = sorted(paper.folders())
NOT_YET = {
    *("metrics.SISDR", "metrics.SDR"),  # what the improvements are improvements of
    *("metrics.AURC", "metrics.CalibrationError"),  # what a paper about failures may also report
    "models.WithWeights",  # its weights are a file that people bring
    "datasets.Pictures",  # what the data sets of pets3 are made from
    "datasets.PaddedBoxes",  # for images with different numbers of boxes
    "datasets.MatchedFilter",  # the template of a detector, which reads it itself
    *("datasets.Relabelled", "datasets.WithAnnotated"),  # their labels are a table that people make
    "datasets.LoggedImages",  # its images are what people send to a service
    *("metrics.SNR", "metrics.SNRImprovement", "metrics.SIR", "metrics.SAR", "losses.SISDRLoss"),  # the whole family
    # adversarial training, for papers to come
    *("losses.Minimax", "losses.NonSaturating", "losses.LeastSquares", "losses.WassersteinGP", "losses.Translation"),
    *("models.Adversarial", "models.DenseGenerator", "models.MaxoutDiscriminator", "models.PatchDiscriminator"),
    *("trainers.Adversarial", "datasets.Latent", "datasets.LatentGrid"),
    # readers of data for papers to come; their own tests run them
    *("datasets.FashionMnist", "datasets.LibriMix", "datasets.ListedMixtures"),
}
CONFIGS = [path for name in NAMES for path in paper.find(name).configs]


@functools.cache
def held(name: str) -> tuple[Paper, list[Record]]:
    """A paper and its records, which the tests only look at: they are read once per process."""
    one = paper.find(name)
    return one, record.of_paper(one.folder)


@pytest.mark.parametrize("name", NAMES)
def test_the_paper_keeps_the_contract(name: str) -> None:
    """What `repro check` guards; among it, that the paper's own tests check its configs and parts before any run."""
    assert list(contract.faults(paper.find(name).folder)) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_record_is_stale(name: str) -> None:
    assert [(r.stem, r.stale) for r in held(name)[1] if r.stale] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_config_with_a_record_still_finds_its_data(name: str) -> None:
    """Each different set of data once: reading it takes a second or two. Data that are not here are named."""
    one = paper.find(name)
    met: list[Any] = []
    away: list[str] = []
    for path in (path for path in one.configs if list((one.folder / "records").glob(f"{path.stem}-seed*.json"))):
        try:
            built = binding.build(config.read(path))
            asked = [[type(data).__name__ for data in built.datasets().values()], sorted(built.data.items())]
            if asked not in met:
                met.append(asked)
                assert preflight.data(built).keys() == built.datasets().keys() >= built.data.keys()
        except DataMissing as error:
            away.append(f"{path.stem}: {error}")
    if away:
        pytest.skip("; ".join(away))


@pytest.mark.parametrize("name", NAMES)
def test_a_header_names_its_own_config_and_states_no_time(name: str) -> None:
    """The time is in the record, which says on which machine it was measured."""
    one = paper.find(name)
    for path in one.configs:
        header = [*takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())]
        named = [line.partition("repro run ")[2].split()[0] for line in header if "repro run " in line]
        assert named in ([], [f"{name}/{path.stem}"]), path
        made = list((one.folder / "records").glob(f"{path.stem}-seed*.json"))
        times = re.findall(r"(?i)\b(?:\d+|an?|two|five|ten) (?:s|seconds?|minutes?|hours?)\b", " ".join(header))
        assert not (made and path.stem != "smoke" and times), path


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
    one, records = held(name)
    done = {(f"configs/{found.config}.gin", found.seed) for found in records}
    for claim in one.claims:
        trend = {(config, 0) for config, _, proxy in claim.pairs if proxy and claim.kind == "comparison"}
        if (trend and trend <= done) or (claim.runs and set(claim.runs) <= done):
            assert verdict.judge(claim, records).outcome not in ("not run", "not comparable", "stale"), claim.id


@pytest.mark.parametrize("name", NAMES)
def test_no_verdict_is_worse_than_the_committed_one(name: str) -> None:
    """What `repro verdict PAPER --check` guards; a change for the better is committed too (`--write`)."""
    one, records = held(name)
    if not records and not (one.folder / verdicts_json.FILE).is_file():
        pytest.skip("neither records nor verdicts yet: nothing to guard")
    judged = [*verdict.judge_all(one.claims, records), *behaviours.judge_all(one.behaviours, records)]
    assert verdicts_json.changes(verdicts_json.read(one.folder), judged, audit.late(one)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_commits_hold_what_records_renewals_and_cores_say_of_them(name: str) -> None:
    one, records = held(name)
    if reason := audit.unknown(one.folder):
        pytest.skip(f"no commit can be looked at: {reason}")
    assert list(audit.faults(one, records)) == []


@pytest.mark.parametrize("name", NAMES)
def test_smoke_runs_to_a_record(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an override, so that the record stays in the run folder and the paper's own are not touched."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_RUNS", "runs")
    found, path = run.run(paper.find(name).folder / "configs" / "smoke.gin", overrides=("experiment.examples = 0",))
    assert path.is_relative_to("runs")
    assert record.read(path).measurements == found.measurements
    assert all(found.data.values()) and found.measurements


def test_every_part_is_in_a_config() -> None:
    """A part that no config names is run by nothing: it is not part of the reproduction."""
    texts = "\n".join(path.read_text(encoding="utf-8") for path in CONFIGS)
    known = {f"{part.kind}.{part.name}" for part in registry.every()}
    assert {name for name in known if f"@{name}(" not in texts and f"/{name}(" not in texts} <= NOT_YET
