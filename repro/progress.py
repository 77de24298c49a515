"""A progress bar: updated every 0.2 s on a terminal, and every 10 s in a log file."""

from __future__ import annotations

import sys
from typing import Any


def bar(what: str, **options: Any) -> Any:
    """A tqdm bar on stderr with the label `what`. `options` are tqdm's: `iterable`, `total`, `unit`, `disable`, ..."""
    from tqdm import tqdm

    pace = 0.2 if sys.stderr.isatty() else 10.0
    return tqdm(desc=what, file=sys.stderr, mininterval=pace, **options)
