"""Papers, parts and verdicts, as rows for JSON and as text. Does not import the code of parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from repro import config, registry
from repro.claim import Claim, paper
from repro.claim.behaviour import Behaviour
from repro.config import names
from repro.errors import BadInput, where
from repro.verdict import BEHAVED, OUTCOMES, UNTRANSCRIBED, Verdict, power, untranscribed
from repro.verdict.suspected_causes import Entry

Row = dict[str, Any]


def rows(kind: str) -> tuple[list[Row], list[BadInput]]:
    """The rows of `repro list KIND`, ready for JSON, and an error for each file that could not be read."""
    if kind == "papers":
        papers, faults = paper.readable()
        return [_paper_row(one) for one in papers], faults
    found, faults = registry.readable()
    return [_part_row(part) for part in found if part.kind == kind], faults


def _paper_row(one: paper.Paper) -> Row:
    return {"name": one.name, "year": one.year, "claims": len(one.claims), "title": one.title}


def _part_row(part: registry.Declared) -> Row:
    return {"name": f"{part.kind}.{part.name}", "module": part.module, "summary": part.summary}


def table(listed: Sequence[Row]) -> str:
    """The rows as a text table. Its column heads are the keys of the rows."""
    head = list(listed[0])
    cells = [head, *([str(row[key]) for key in head] for row in listed)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def show(name: str) -> str:
    """The text of `repro show NAME`.

    name: a paper, a claim or behaviour (`fit.error` or `template/fit.error`), a part (`losses.MeanSquare` or
    `MeanSquare`), or the path or the name of a config (`template/line`). A claim is shown rather than a config of the
    same name. Raises BadInput, with the nearest name, if there is none of these.
    """
    configs = names.every()
    if name.endswith(".gin"):
        return _show_config(Path(name))
    head, _, claim = name.partition("/")
    known = paper.folders()
    if head in known:
        one = paper.find(head)
        if name in configs and claim not in {found.id for _, found in one.tested}:
            return _show_config(configs[name])
        return _fields(asdict(_claim(one, claim, configs))) if claim else _show_paper(one)
    papers = paper.readable()[0]
    if named := [{"paper": one.name, **row} for one in papers for row in _stated(one) if row["id"] == name]:
        return "\n\n".join(map(_fields, named))
    listed = {f"{part.kind}.{part.name}": part for part in registry.every()}
    hits = [part for full, part in listed.items() if name in (full, part.name)]
    if not hits:
        paper.refuse_unstarted(head)
        ids = [found.id for one in papers for _, found in one.tested]
        raise BadInput(f"no paper, claim, part or config '{name}'", given=name, known=[*known, *listed, *ids])
    return "\n\n".join(_show_part(part) for part in hits)


def _stated(one: paper.Paper) -> list[Row]:
    """The fields of each claim and each behaviour of a paper."""
    return [*map(asdict, one.claims), *map(asdict, one.behaviours)]


def _claim(one: paper.Paper, name: str, configs: Iterable[str]) -> Claim | Behaviour:
    """The claim or behaviour `name`. Raises BadInput if there is none, with the nearest claim or config."""
    if found := next((behaviour for behaviour in one.behaviours if behaviour.id == name), None):
        return found
    try:
        return one.claim(name)
    except BadInput as error:
        mine = [config.partition("/")[2] for config in configs if config.startswith(f"{one.name}/")]
        known = [*error.known, *mine]
        raise BadInput(f"no claim '{name}' and no config of this name", one.name, given=name, known=known) from None


def _show_config(path: Path) -> str:
    """The text of a config after the claims and behaviours that name it, as comments: these are only in paper.toml."""

    text = config.read(path).text.rstrip()
    folder = path.absolute().parent.parent
    tested = paper.read(folder).tested if (folder / "paper.toml").is_file() else []
    named = [row for row in tested if any(f"configs/{path.name}" in pair for pair in row[1].pairs)]
    return "\n".join([*(f"# {word} {claim.id}: {claim.says} ({claim.where})" for word, claim in named), text])


def _show_paper(one: paper.Paper) -> str:
    facts = _fields(
        {
            "title": one.title,
            "authors": ", ".join(one.authors),
            "year": one.year,
            "venue": one.venue,
            "url": one.url,
            "group": one.group,
            "folder": where(one.folder),
        }
    )
    claims = [f"  {claim.id}: {claim.says} ({claim.where}) [{claim.kind}]" for claim in one.claims]
    behaviours = [f"  {each.id}: {each.says} [{each.kind}]" for each in one.behaviours]
    configs = [f"  {where(path)}" for path in one.configs]
    heads = ["behaviours", *behaviours] if behaviours else []
    return "\n".join([facts, "claims", *claims, *heads, "configs", *configs])


def _show_part(part: registry.Declared) -> str:
    """A part, read from its source text; no code of the part runs."""
    from repro.report import source

    told = source.read(part)
    given = ", ".join(map(_parameter, told.parameters))
    return (
        f"{part.kind}.{part.name}({given})\n\n{told.doc}\n\n"
        f"in a config: import {part.module}\n{where(part.path)}:{part.line}"
    )


def _parameter(one: Any) -> str:
    """A parameter as text: `lr: float = 0.1`, or `corpus: datasets` if its value is a part."""
    hint = f": {one.type or one.kind}" if one.type or one.kind else ""
    return f"{one.name}{hint}{f' = {one.default}' if one.default else ''}"


def _fields(facts: Row) -> str:
    return "\n".join(
        f"{key:10} {value}"
        for key, value in facts.items()
        if value is not True and value not in ("", None, [], {}) and key != "line"
    )


def verdicts(judged: Sequence[Verdict], entries: Sequence[Entry], behaved: Sequence[Verdict] = ()) -> str:
    """One paragraph per claim: the outcome, the paper's statement, the records, the suspected causes.

    A reproduced claim about a printed number is one line, because a paper may have hundreds. The counts are at the end,
    before a paragraph with a line for each behaviour.
    """
    shown = [_verdict(verdict, [entry for entry in entries if entry.claim is verdict.claim]) for verdict in judged]
    counts = Counter(verdict.outcome for verdict in judged if verdict.outcome != UNTRANSCRIBED)
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
    total = f"{_count(counts.total(), 'claim')}: {told or 'no verdict yet'}"
    lines = [f"{one.outcome.upper()}  {one.claim.id} ({one.claim.where}): {one.why}" for one in behaved]
    known = Counter(one.outcome for one in behaved)
    told = ", ".join(f"{known[outcome]} {outcome}" for outcome in (*BEHAVED, *OUTCOMES) if known[outcome])
    lines += [f"{_count(len(behaved), 'behaviour')}: {told}"] if behaved else []
    parts = [*shown, "\n".join(filter(None, (total, untranscribed(judged)))), "\n".join(lines)]
    return "\n\n".join(filter(None, parts))


def _verdict(verdict: Verdict, entries: Sequence[Entry]) -> str:
    if verdict.claim.printed and verdict.outcome == "reproduced":
        return f"{verdict.outcome.upper()}  {verdict.claim.id}: {verdict.why} ({verdict.claim.where})"
    lines = [
        f"{verdict.outcome.upper()}  {verdict.claim.id}",
        f"  paper  {verdict.claim.says} ({verdict.claim.where})",
        f"  why    {verdict.why}",
    ]
    unit = next((f" {found.identity['unit']}" for found in verdict.evidence if found.identity.get("unit")), "")
    if verdict.claim.accepts:
        lines.append(f"  accept {verdict.claim.accepts}{unit} (by us), because {verdict.claim.because}")
    if verdict.judged and verdict.sees is not None and not verdict.claim.printed:
        lines.append(f"  sees   {power.told(verdict.claim, verdict.judged, verdict.sees)}")
    if verdict.judged and not verdict.claim.printed:
        lines.append(f"  chance its interval contains {power.contains(verdict.judged.interval)}")
    lines += [f"  note   {note}" for note in (verdict.too_wide, verdict.out_of_reach) if note]
    for found in verdict.evidence:
        ours = found.interval
        kind = "proxy" if found.proxy else "ours "
        shown = ours.shown(found.identity.get("unit", ""))
        seeds, items = _count(ours.seeds, "seed"), _count(ours.items, "item")
        lines.append(f"  {kind}  {shown}, {seeds}, {items}, {found.name}")
        notes = Counter(record.renewed for record in (*found.records, *found.over) if record.renewed)
        lines += [f"  note   {_count(many, 'record')}: {note}" for note, many in notes.items()]
    lines += [f"  cause  {entry.cause.says}: {entry.after.outcome} ({entry.after.why})" for entry in entries]
    return "\n".join(lines)


def _count(many: int, noun: str) -> str:
    return f"{many} {noun}" if many == 1 else f"{many} {noun}s"
