"""`repro report`: the site, built from docs/ into docs/_build/html."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path

from repro import disk
from repro.claim import paper
from repro.errors import BadInput

log = logging.getLogger("repro")

DOCS = Path("docs")
HTML = DOCS / "_build" / "html"
TOLD = 3  # the exit code of a build that bad input stopped: it is told already


def build() -> str:
    """Build the site; returns the path of its first page, then that of each paper's, a line each.

    Raises BadInput where there is no docs/conf.py, no Sphinx, or Sphinx cannot build it.
    """
    if not (DOCS / "conf.py").is_file():
        raise BadInput("no docs/conf.py below the working directory: start this in the root of the repository")
    if importlib.util.find_spec("sphinx") is None:
        raise BadInput("the site is built by Sphinx, which is not installed: pip install -e '.[docs]'")
    disk.refuse_unwritable(HTML)
    names = [one.name for one in paper.every()]  # a paper that cannot be read is one line here, before Sphinx
    log.info("building the site from %s", DOCS)
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(DOCS), str(HTML)]
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode == TOLD:
        raise SystemExit(2)
    if done.returncode:
        raise BadInput("Sphinx could not build the site; its own lines above say why", str(DOCS / "conf.py"))
    pages = [HTML / "index.html", *(HTML / "papers" / f"{name}.html" for name in names)]
    return "\n".join(str(path) for path in pages if path.is_file())
