"""`repro report`: builds the site from docs/ into docs/_build/html."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path

from repro.claim import paper
from repro.errors import BadInput
from repro.files import disk

log = logging.getLogger("repro")

DOCS = Path("docs")
HTML = DOCS / "_build" / "html"
CACHE = DOCS / "_build" / "doctrees"  # what Sphinx has read; by default it would be in the published folder
TOLD = 3  # the exit code of a build that bad input stopped; the message is printed already


def build() -> str:
    """Build the site. Returns the paths of its first page and of each paper's page, one per line.

    Raises BadInput if there is no docs/conf.py, if Sphinx is not installed, or if Sphinx cannot build the site.
    """
    if not (DOCS / "conf.py").is_file():
        raise BadInput("no docs/conf.py in the working directory: run this in the root of the repository")
    if importlib.util.find_spec("sphinx") is None:
        raise BadInput("Sphinx, which builds the site, is not installed: pip install -e '.[docs]'")
    disk.refuse_unwritable(HTML)
    names = [one.name for one in paper.every()]  # before Sphinx: a paper that cannot be read gives one line
    log.info("building the site from %s", DOCS)
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-d", str(CACHE), str(DOCS), str(HTML)]
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode == TOLD:
        raise SystemExit(2)
    if done.returncode:
        raise BadInput("Sphinx could not build the site; its messages above say why", str(DOCS / "conf.py"))
    pages = [HTML / "index.html", *(HTML / "papers" / f"{name}.html" for name in names)]
    return "\n".join(str(path) for path in pages if path.is_file())
