"""The pages of the papers of this repository, read once per process: reading all takes ten seconds."""

from __future__ import annotations

import functools

from repro.report import page
from repro.report.page import Page


@functools.cache
def read_once(name: str) -> Page:
    """The page of a paper. It stays when a build of another site empties the cache of `repro.report.page`."""
    return page.read(name)
