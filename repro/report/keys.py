"""The keys of one table of `paper.toml` or `data.toml`, generated from the types that check the file."""

from __future__ import annotations

from repro.errors import BadInput, nearest
from repro.report import schema
from repro.report.html.markup import Markup, box, inline, tag


def keys(name: str) -> Markup:
    """The keys of `[name]` or `[[name]]` with their meanings. Raises BadInput for an unknown table."""
    known = {**schema.TABLES, **schema.DATA}
    if name not in known:
        raise BadInput(f"no table '{name}' in paper.toml or data.toml{nearest(name, known)}")
    head = tag("tr", tag("th", "Key", scope="col"), tag("th", "Meaning", scope="col"))
    rows = [
        tag("tr", tag("th", tag("code", key), scope="row"), tag("td", inline(meaning), " (required)" if needed else ""))
        for key, meaning, needed in schema.rows(name)
    ]
    return box(tag("table", tag("thead", head), tag("tbody", *rows), class_="repro-keys"), label=f"Keys of {name}")
