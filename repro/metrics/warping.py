"""Warp a mask towards another one without a change of its topology.

Letters: H rows and W columns of an image.

A pixel is *simple* if its change from cell to membrane, or back, changes neither the number of cells nor that of the
connected membranes. Whether it is, depends on its eight neighbours: cells are connected by edges and membranes also by
corners. It is simple if exactly one cell region touches it by an edge within these eight neighbours, and exactly one
membrane region (Kong and Rosenfeld 1989, *Digital topology*). All pixels outside the image are membrane.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

AROUND = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2))
"""The places of the eight neighbours in a square of 3 x 3; neighbour n has the bit 2^n."""


def _is_simple(code: int) -> bool:
    """Whether a pixel with these neighbours is simple; `code` has the bits of the cells among them."""
    square = np.zeros((3, 3), dtype=bool)
    for number, place in enumerate(AROUND):
        square[place] = code >> number & 1
    cells, _ = ndimage.label(square)
    beside = {int(cells[place]) for place in ((0, 1), (1, 0), (1, 2), (2, 1))} - {0}
    empty = ~square
    empty[1, 1] = False
    _, membranes = ndimage.label(empty, structure=np.ones((3, 3)))
    return len(beside) == 1 and membranes == 1


SIMPLE = np.array([_is_simple(code) for code in range(256)])
"""Whether a pixel is simple, for each of the 256 patterns of its neighbours."""


def warped(mask: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask (H, W) of cells, made as like `wanted` as changes of simple pixels one after another make it.

    Pixels that are simple and differ are changed until there are none. Those that are farthest from where their class
    is wanted come first, so that a cell that moves away shrinks from behind. Another order may end with fewer different
    pixels.

    >>> mask = np.zeros((5, 6), dtype=bool)
    >>> mask[1:4, 1:3] = True
    >>> bool((warped(mask, np.roll(mask, 2, axis=1)) == np.roll(mask, 2, axis=1)).all())
    True
    >>> int((warped(mask, np.zeros((5, 6), dtype=bool))).sum())
    1
    """
    now = np.pad(mask, 1)
    parts = _parts(mask, wanted)
    changed = True
    while changed:
        changed = False
        for number, (rows, columns) in enumerate(part.T for part in parts):
            code = np.zeros(len(rows), dtype=int)
            for bit, (down, right) in enumerate(AROUND):
                code |= now[rows + down, columns + right].astype(int) << bit
            simple = SIMPLE[code]
            now[rows[simple] + 1, columns[simple] + 1] ^= True
            parts[number] = parts[number][~simple]
            changed |= bool(simple.any())
    return now[1:-1, 1:-1]


def _parts(mask: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The pixels that differ, as arrays (pixels, 2) of which each can be changed at once, in the order of the changes.

    No array has two neighbours: it has pixels of every second row and column.
    """
    differ = np.argwhere(mask != wanted)
    away = np.where(mask, ndimage.distance_transform_edt(~wanted), ndimage.distance_transform_edt(wanted))
    levels = np.round(away[tuple(differ.T)])
    corners = [(differ % 2 == corner).all(1) for corner in ((0, 0), (0, 1), (1, 0), (1, 1))]
    return [differ[(levels == level) & corner] for level in np.unique(levels)[::-1] for corner in corners]
