"""Show a stretch of a signal with its true and its found marks: one small JSON file and one panel.

A mark is a point in time, such as the start of a trigger. S samples of a stretch, K true and F found marks. Nothing
here changes a number, so a change of this module does not make a record stale.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TOLERANCE = 0.05  # seconds: the largest distance of a found mark from the true mark that it matches
RATE = 120  # Hz, approximately: enough to see a peak; 60 stretches of 10 s have about 300 kB
LEVELS = 999  # the highest integer in a file: an error of 0.05 % of the range is smaller than a pixel

Panel = dict[str, Any]
Numbers = npt.NDArray[np.float64]
Marks = npt.NDArray[np.int64]


def illustrate(inputs: Any, target: Any, estimate: Any, stem: Path) -> list[Panel]:
    """Write `<stem>.json` with the signal of one stretch, and return one panel with its marks.

    inputs: the stretch, with `start` and `stop` (sample numbers) and `recording`. The recording has `signal` (T,),
    `sample_rate` in Hz, `unit`, `marks` (M,) and `kinds`, the kind of each mark. target: the true marks (K,),
    estimate: the found marks (F,), both as sample numbers of the recording. Times in the panel are in seconds from the
    start of the recording. A found mark outside the stretch is left out, unless it matches a true mark.
    """
    recording, rate = inputs.recording, float(inputs.recording.sample_rate)
    true, found = (np.sort(np.asarray(marks, dtype=np.int64)) for marks in (target, estimate))
    hits, used = matched(true, found, TOLERANCE * rate)
    kept = used | (found >= inputs.start) & (found < inputs.stop)
    kinds = dict(zip(np.asarray(recording.marks).tolist(), recording.kinds, strict=True))
    path = stem.with_name(f"{stem.name}.json")
    stretch = np.asarray(recording.signal[inputs.start : inputs.stop], dtype=float)
    row = {**packed(stretch, rate), "start": round(inputs.start / rate, 3), "unit": str(recording.unit)}
    path.write_text(json.dumps(row, separators=(",", ":"), sort_keys=True), encoding="utf-8")
    return [
        {
            "signal": path.name,
            "start": round(inputs.start / rate, 3),
            "stop": round(inputs.stop / rate, 3),
            "true": [[round(at / rate, 3), str(kinds.get(at, "?")), int(hit)] for at, hit in _rows(true, hits)],
            "found": [[round(at / rate, 3), int(hit)] for at, hit in _rows(found[kept], used[kept])],
        }
    ]


def matched(true: Marks, found: Marks, within: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which true marks (K,) and which found marks (F,) are in a pair that is at most `within` samples apart.

    The pairs are one to one: as many as possible, and of these the ones with the smallest sum of distances.

    >>> hits, used = matched(np.array([100, 200]), np.array([90, 104, 320]), within=18)
    >>> hits.tolist(), used.tolist()
    ([True, False], [False, True, False])
    """
    from scipy.optimize import linear_sum_assignment  # imported here, because its import is slow

    apart = np.abs(true[:, None] - found[None, :])
    near = apart <= within + 1e-6  # 0.05 s at 360 Hz is 18.000000000000004 samples or 17.999999999999996
    rows, columns = linear_sum_assignment(np.where(near, apart, (within + 1) * (1 + min(apart.shape))))
    pairs = near[rows, columns]
    hits, used = np.zeros(len(true), dtype=bool), np.zeros(len(found), dtype=bool)
    hits[rows[pairs]], used[columns[pairs]] = True, True
    return hits, used


def packed(samples: Numbers, rate: float) -> dict[str, Any]:
    """A signal (S,) with about `RATE` values per second, as integers: `offset + scale * value`, None for a gap."""
    size = max(1, round(rate / RATE))
    values = reduced(samples, size)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    offset, scale = float(f"{low:.9g}"), float(f"{(high - low) / LEVELS:.6g}") or 1.0
    whole = [round((value - offset) / scale) if np.isfinite(value) else None for value in values.tolist()]
    return {"rate": round(rate / size, 6), "offset": offset, "scale": scale, "values": whole}


def reduced(samples: Numbers, size: int) -> Numbers:
    """One value of each group of `size` samples, so that no peak is lost; NaN if the whole group is a gap.

    It is the value that is farthest from the mean of its own group and the two groups next to it.
    """
    whole = np.full(-(-len(samples) // size) * size, np.nan)
    whole[: len(samples)] = np.where(np.isfinite(samples), samples, np.nan)
    groups = whole.reshape(-1, size)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(whole, size, constant_values=np.nan), 3 * size)[::size]
    known = ~np.isnan(near)
    means = np.where(known, near, 0.0).sum(1) / np.maximum(known.sum(1), 1)
    away = np.nan_to_num(np.abs(groups - means[:, None]), nan=-1.0)
    return np.asarray(groups[np.arange(len(groups)), away.argmax(1)])


def _rows(marks: Marks, hits: npt.NDArray[np.bool_]) -> list[tuple[int, bool]]:
    return list(zip(marks.tolist(), hits.tolist(), strict=True))
