"""The verdicts of a paper as JSON for programs, and the committed file `verdicts.json`.

`verdicts.json` contains one line for each claim and for each behaviour, with its outcome. So a reviewer sees each
changed outcome as a changed line. `repro verdict PAPER --check` compares the file with the verdicts of the current
records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.claim import Claim
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.files import disk, regular, strict_json
from repro.verdict import BEHAVED, OUTCOMES, Evidence, Verdict, uncommitted, worse
from repro.verdict.suspected_causes import Entry

FORMAT = 2
FILE = "records/verdicts.json"
METHODS = {
    "value": "two one-sided tests, 2.5 % each",
    "comparison": "95 % interval against a bound",
    "printed": "rounding",
}
"""The statistical method for each kind of claim."""
LATE = ", changed after its record: "
"""In `verdicts.json`, this follows the outcome of a claim that was changed after its first record was made."""


def as_json(
    paper: Paper, verdicts: Sequence[Verdict], entries: Sequence[Entry], behaved: Sequence[Verdict] = ()
) -> str:
    """The verdicts, the suspected causes and the behaviours. docs/guide/claims.md documents each key.

    Numbers have nine digits.
    """
    rows = [_verdict(verdict) for verdict in verdicts]
    causes = [_cause(entry) for entry in entries]
    behaviours = [_behaviour(verdict) for verdict in behaved]
    found = {"format": FORMAT, "paper": paper.name, "verdicts": rows, "ledger": causes, "behaviours": behaviours}
    return json.dumps(found, indent=1)


def _behaviour(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "behaviour": claim.id,
        "kind": claim.where,
        "config": claim.config,
        "test": claim.test,
        "metric": claim.metric,
        "share": claim.above,
        "outcome": verdict.outcome,
        "why": verdict.why,
        "evidence": [_evidence(found) for found in verdict.evidence],
    }


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
    """The accepted range around a value, and the reason for it."""
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
    """Write the outcomes of claims and behaviours to `verdicts.json`. `late`: what was changed after a record.

    Logs how many are stale if files are not as in the commit, because this may be the reason.
    """
    rows = {one.claim.id: one.outcome + _mark(one.claim.id, late or {}) for one in verdicts}
    if stale := sum(one.outcome == "stale" for one in verdicts):
        uncommitted.warn(folder, f"{stale} of {len(verdicts)} verdicts are stale", uncommitted.TEXTS)
    (folder / FILE).parent.mkdir(exist_ok=True)
    return disk.write(folder / FILE, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def _mark(name: str, late: Mapping[str, str]) -> str:
    return LATE + late[name] if name in late else ""


def _late(name: str, late: Mapping[str, str]) -> str:
    """A line for a claim whose mark in `verdicts.json` is missing, or is not right any more."""
    if name in late:
        return f"worse: {name}: changed after its record: {shown(late[name])}"
    return f"changed: {name}: {FILE} marks it as changed after its record, but it is as it was before that record"


def shown(late: str) -> str:
    """The changes of a claim after its record, as text for the user.

    `verdicts.json` writes `none` for a key that the claim does not have; here it is `not given`.

    >>> shown("tolerance 0.3 -> 6, seeds 1 -> none, deterministic none -> True")
    'tolerance 0.3 -> 6, seeds 1 -> not given, deterministic not given -> True'
    """
    return re.sub(r"(^|, )(\w+) none -> ", r"\1\2 not given -> ", re.sub(r" -> none(?=, |$)", " -> not given", late))


def read(folder: Path) -> dict[str, str]:
    """The committed outcome of each claim. Raises BadInput if the file is missing or not valid."""
    path = folder / FILE
    if not regular.present(path):
        raise BadInput(
            f"no {FILE} to compare with",
            where(folder),
            expected=f"the file that is written by: repro verdict {folder.name} --write",
        )
    rows = strict_json.load(path, "not a file of outcomes")
    if not isinstance(rows, dict):
        raise BadInput("is not a JSON object", where(path), expected="an object of claim: outcome")
    known = (*OUTCOMES, *BEHAVED)
    for claim, outcome in rows.items():
        if not isinstance(outcome, str) or outcome.partition(LATE)[0] not in known:
            raise BadInput(f"'{claim}' is {outcome!r:.80}", where(path), given=f"{outcome!s:.80}", known=known)
    return rows


def changes(
    before: dict[str, str], verdicts: Sequence[Verdict], late: Mapping[str, str] | None = None
) -> list[tuple[bool, str]]:
    """(whether it is worse, a line for the user) for every claim whose outcome is not the committed one.

    late: what was changed of a claim after its record; such a change counts as worse, unless `verdicts.json` contains
    it. None if this is not known.
    """
    found = []
    moved: dict[tuple[bool, str], list[str]] = {}  # claims with the same message
    for verdict in verdicts:
        name, now = verdict.claim.id, verdict.outcome
        old, sign, marked = before.get(name, "").partition(LATE)
        if now != old:
            key = bool(old) and worse(now, old), f"{old or 'new'} -> {now} ({verdict.why})"
            moved.setdefault(key, []).append(name)
        if late is not None and sign + marked != _mark(name, late):
            found.append((name in late, _late(name, late)))
    gone = sorted(set(before) - {verdict.claim.id for verdict in verdicts})
    for (bad, said), names in moved.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        found.append((bad, f"{'worse' if bad else 'changed'}: {names[0]}{more}: {said}"))
    return found + [(True, f"worse: {name}: {before[name]} -> no such claim or behaviour") for name in gone]
