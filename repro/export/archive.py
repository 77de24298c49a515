"""A zip file with all that is needed to judge and run a paper: its folder, `repro`, the versions, and the commands.

`MANIFEST.sha256` has the SHA-256 of each file, in the form of `sha256sum`. Times and order are fixed, so the same files
give the same bytes. Left out are hidden files, bytecode and what a build leaves behind.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from repro import HOME
from repro.claim import paper as papers
from repro.claim.paper import Paper
from repro.errors import BadInput, where
from repro.export import article, directives, nodes, project
from repro.files import disk
from repro.report.page import Page

MANIFEST = "MANIFEST.sha256"
OLDEST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can have
OTHER = re.compile(r"papers[./](\w+)")
README = """\
# {title}

{outcome} The paper: {citation}

Everything here comes from `papers/{name}/`: the claims (`paper.toml`), the configs, the code, the records of the runs,
the report (`report.md`) and the tips (`tips.md`). `repro/` is the program.

## Check the files

    sha256sum --check {manifest}

## Install (Python 3.11)

    python3 -m venv .venv && source .venv/bin/activate
    pip install -c constraints.txt {what}
    pip install --no-deps {nussl}    # only for papers about sound

If `{project}` is already installed, for example from a wheel, leave this out. Type the commands in this folder:
`python -m repro` uses `repro/` and `papers/` of this folder, and only the libraries of the installation.

## Judge the claims by the records

    python -m repro verdict {name}

## Run again

    python -m repro smoke {name}         # the smallest config, in seconds; compared with its record
    python -m repro show {name}          # the claims and their configs
    python -m repro run {name}/CONFIG    # one of these configs; prints the path of the new record
    python -m repro diff papers/{name}/records/CONFIG-seed0.json RECORD

There is no git repository here, so a new run cannot name the commit of its code: its record stays in `runs/`.
"""


def write(page: Page, folder: Path) -> Path:
    """Write `folder`/PAPER.zip."""
    path = folder / f"{page.name}.zip"
    disk.write(path, packed(f"{page.name}-report", contents(page)))
    return path


def contents(page: Page) -> dict[str, bytes]:
    """The content of each file by its path, with the README and the manifest."""
    sources = dict(_sources(page.paper))
    found = {name: path.read_bytes() for name, path in sorted(sources.items())}
    found |= project.files()
    found["README.md"] = _readme(page, found).encode()
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(found.items())]
    return found | {MANIFEST: "".join(lines).encode()}


def _sources(one: Paper) -> Iterator[tuple[str, Path]]:
    """(path in the archive, file) of the program, of the paper, and of the papers whose parts its configs use."""
    yield from _below(HOME, "repro")
    known = papers.folders()
    for name in sorted(_used(one, {one.name})):
        yield from _below(known[name], f"papers/{name}")


def _used(one: Paper, found: set[str]) -> set[str]:
    """The names of the paper and of all papers that its configs name, and those of these papers."""
    known = papers.folders()
    for path in one.configs:
        for name in OTHER.findall(path.read_text(encoding="utf-8-sig")):
            if name in known and name not in found:
                found |= _used(papers.read(known[name]), found | {name})
    return found


def _below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    for home, inner, names in os.walk(folder):
        inner[:] = [one for one in inner if not one.startswith((".", "__pycache__"))]
        for path in (Path(home, one) for one in names if not one.startswith(".") and not one.endswith(".pyc")):
            if path.is_symlink():
                raise BadInput("is a link", where(path), expected="a file")
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _readme(page: Page, files: dict[str, bytes]) -> str:
    nussl = re.search(r"(?m)^nussl==\S+", files["constraints.txt"].decode())
    return README.format(
        title=article.title(page),
        outcome=directives.outcome(page),
        citation=nodes.said(directives.citation(page)),
        name=page.name,
        manifest=MANIFEST,
        what="-e ." if "pyproject.toml" in files else project.NAME,
        project=project.NAME,
        nussl=nussl[0] if nussl else "nussl",
    )


def packed(top: str, files: dict[str, bytes]) -> bytes:
    """A zip file with these files in the folder `top`. The same files give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{top}/{name}", OLDEST)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, content)
    return made.getvalue()
