"""The verdicts of a paper for machines: as JSON, and as the committed `verdicts.json` that guards them.

`verdicts.json` holds the outcome of each claim, a line each: a change of an outcome is a change of a line, for a
reviewer to see. `repro verdict PAPER --check` compares it with what the records say now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repro import disk
from repro.claim import Claim
from repro.claim.paper import Paper
from repro.errors import BadInput, nearest, where
from repro.files import regular, strict_json
from repro.verdict import OUTCOMES, Evidence, Verdict, worse
from repro.verdict.suspected_causes import Entry

FORMAT = 2
FILE = "records/verdicts.json"
METHODS = {
    "value": "two one-sided tests, 2.5 % each",
    "comparison": "95 % interval against a bound",
    "printed": "rounding",
}
"""How each kind of claim is judged."""
LATE = ", changed after its record: "
"""Follows the outcome of a claim that was changed after the first record that it judges; then, what was changed."""


def as_json(paper: Paper, verdicts: Sequence[Verdict], entries: Sequence[Entry]) -> str:
    """The verdicts and the ledger; docs/guide/claims.md documents each key. Numbers have nine digits."""
    rows = [_verdict(verdict) for verdict in verdicts]
    causes = [_cause(entry) for entry in entries]
    return json.dumps({"format": FORMAT, "paper": paper.name, "verdicts": rows, "ledger": causes}, indent=1)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    claim, judged = verdict.claim, verdict.judged
    keys = ("value", "above", "below", "over", "printed", "unit", "value_spread", "value_seeds")
    stated = {key: getattr(claim, key) for key in keys}
    stated["text"] = claim.stated
    return {
        "claim": claim.id,
        "kind": claim.kind,
        "where": claim.where,
        "metric": claim.metric,
        "test": claim.test,
        "item": claim.item,
        "stated": {key: value for key, value in stated.items() if value not in (None, "")},
        "accepted": _accepted(claim),
        "outcome": verdict.outcome,
        "why": verdict.why,
        "method": METHODS[claim.kind] if judged else None,
        "items": ("fixed" if judged.interval.fixed else "sampled") if judged else None,
        "sees": None if verdict.sees is None else _short(verdict.sees),
        "too_wide": verdict.too_wide,
        "out_of_reach": verdict.out_of_reach,
        "judged": judged.config if judged else None,
        "evidence": [_evidence(found) for found in verdict.evidence],
    }


def _accepted(claim: Claim) -> dict[str, Any] | None:
    """The range that we accept around a value, and why: ours, not the paper's."""
    if claim.accepted is None:
        return None
    low, high = map(float, claim.accepted)
    return {"low": low, "high": high, "tolerance": claim.tolerance, "because": claim.because}


def _evidence(found: Evidence) -> dict[str, Any]:
    ours = found.interval
    return {
        "config": found.config,
        "over": found.other,
        "proxy": found.proxy,
        "mean": _short(ours.mean),
        "low": _short(ours.low),
        "high": _short(ours.high),
        "compared": {"low": _short(found.compared.low), "high": _short(found.compared.high)},
        "unit": found.identity.get("unit", ""),
        "seeds": ours.seeds,
        "items": ours.items,
        "records": [record.stem for record in (*found.records, *found.over)],
        "stale": found.stale,
        "unlike": found.unlike,
    }


def _cause(entry: Entry) -> dict[str, Any]:
    return {
        "claim": entry.claim.id,
        "says": entry.cause.says,
        "config": entry.cause.config,
        "over_config": entry.cause.over_config,
        "changes": entry.base,
        "effect": _evidence(entry.effect) if entry.effect else None,
        "share_of_gap": None if entry.share is None else _short(entry.share),
        "outcome": entry.after.outcome,
        "why": entry.after.why,
    }


def _short(value: float) -> float:
    return float(f"{value:.9g}")


def write(folder: Path, verdicts: Sequence[Verdict], late: Mapping[str, str] | None = None) -> Path:
    """Put the outcomes into the paper's `verdicts.json`, those of claims marked that were changed `late`."""
    rows = {one.claim.id: one.outcome + _mark(one.claim.id, late or {}) for one in verdicts}
    (folder / FILE).parent.mkdir(exist_ok=True)
    return disk.write(folder / FILE, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def _mark(name: str, late: Mapping[str, str]) -> str:
    return LATE + late[name] if name in late else ""


def read(folder: Path) -> dict[str, str]:
    """The committed outcome of each claim. Raises BadInput for a file that is missing or is none."""
    path = folder / FILE
    if not regular.present(path):
        raise BadInput(f"no {FILE} to compare with; write it by: repro verdict {folder.name} --write", where(folder))
    rows = strict_json.load(path, "not JSON")
    if not isinstance(rows, dict):
        raise BadInput("expected an object of claim: outcome", where(path))
    for claim, outcome in rows.items():
        if not isinstance(outcome, str) or outcome.partition(LATE)[0] not in OUTCOMES:
            raise BadInput(f"'{claim}' is {outcome!r:.80}{nearest(f'{outcome!s:.80}', OUTCOMES)}", where(path))
    return rows


def changes(
    before: dict[str, str], verdicts: Sequence[Verdict], late: Mapping[str, str] | None = None
) -> list[tuple[bool, str]]:
    """(is it worse, a line that says so) for every claim whose outcome is not the committed one.

    A claim that was changed after its record (`late`) is worse than the same one unchanged, unless `verdicts.json` says
    so; where `late` is None nothing is known of that.
    """
    found = []
    moved: dict[tuple[bool, str], list[str]] = {}  # the claims of which the same is said
    for verdict in verdicts:
        name, now = verdict.claim.id, verdict.outcome
        old, sign, marked = before.get(name, "").partition(LATE)
        if now != old:
            key = bool(old) and worse(now, old), f"{old or 'new'} -> {now} ({verdict.why})"
            moved.setdefault(key, []).append(name)
        if late is not None and sign + marked != _mark(name, late):
            told = late.get(name, "no longer changed after its record")
            found.append((name in late, f"{'worse' if name in late else 'changed'}: {name}: after its record: {told}"))
    gone = sorted(set(before) - {verdict.claim.id for verdict in verdicts})
    for (bad, said), names in moved.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        found.append((bad, f"{'worse' if bad else 'changed'}: {names[0]}{more}: {said}"))
    return found + [(True, f"worse: {name}: {before[name]} -> no such claim") for name in gone]
