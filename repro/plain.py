"""JSON files read as strictly as they are written.

Python's own reader takes the last of two values that have one key, takes NaN for a number, and gives up with a
traceback on lists in lists in lists and on a number of 5,000 digits.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from repro.errors import BadInput
from repro.paper import where


def load(path: Path, fault: str) -> Any:
    """What is in a JSON file. Raises BadInput that names file and line and says `fault`, as "not a record"."""
    try:
        return json.loads(path.read_bytes(), object_pairs_hook=_unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise BadInput(f"{fault}: {error.msg}", f"{where(path)}:{error.lineno}") from None
    except OSError as error:
        raise BadInput(f"{fault}: it cannot be read: {error.strerror}", where(path)) from None
    except (ValueError, RecursionError) as error:  # ValueError: no UTF-8, and what is refused here
        raise BadInput(f"{fault}: {error}", where(path)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"it has two values for {twice!r:.80}")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
