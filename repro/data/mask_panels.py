"""Show an image with its mask, its boxes or its explanations: one JPEG of the image, and what is drawn over it.

C channels, H height, W width, K classes, N true and M found boxes. A dataset uses one of the three functions, with or
without the names of its classes:

    illustrate = staticmethod(show_mask)
    illustrate = staticmethod(functools.partial(show_maps, classes=("beagle", "pug")))

A mask or a map is a PNG with few colours and a transparent background; boxes are numbers in the panel. The page draws
them over the image. Nothing here changes a number. But the module counts as core: after a
change of it, run `repro renew`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

LONGEST = 192  # pixels: the maximum of the longer side
LARGEST = 10_000  # bytes of an image: it is saved with the first of `QUALITIES` that is small enough, else the last
QUALITIES = (85, 70, 55, 40)  # of JPEG
CLASSES = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2")  # Okabe and Ito; class 1 first
IGNORED, MISSED, EXTRA, OTHER = "#9a9a9a", "#ffb000", "#2f6bff", "#d81b60"
HEAT = ("#1b0c41", "#781c6d", "#cf4446", "#fb9b06", "#fcffa4")  # from the lowest to the highest value of a map
LEVELS = 24  # of a map
FOUND = 0.3  # the lowest score of a found box that is drawn; the best box is always drawn
OVERLAP = 0.5  # the intersection over union from which a found box is a true one
SHOWN = 10  # how many of the highest scores are shown; the score of the true class is always shown

Panel = dict[str, Any]
"""The description of one picture on the page. `repro.report.examples` explains the keys."""
Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Box = list[Any]


def show_mask(inputs: Any, target: Any, estimate: Any, stem: Path, classes: Sequence[str] = ()) -> list[Panel]:
    """Write the image, the true mask, the answer and their difference; return a panel for each.

    inputs: image (C, H, W), with C = 1 or 3 and values in [0, 1]. target: mask (H, W) of classes 0 to K - 1, where 0 is
    the background and -1 is not counted; or a dict with this as "mask". estimate: scores (K, H, W); the answer is the
    class with the highest score. The difference shows pixels that are *missed* (background in the answer), *extra*
    (background in the truth) or of another class. Shares are those of all pixels. Raises ValueError for other shapes.
    """
    mask, scores = np.asarray(_mask(target), dtype=np.int64), np.asarray(estimate, dtype=float)
    size = _size(inputs)
    if mask.shape != size or scores.shape[1:] != size or scores.ndim != 3:
        raise ValueError(f"the mask has the shape {mask.shape} and the scores {scores.shape}; the image has {size}")
    answer, photo = scores.argmax(axis=0), write_image(inputs, stem)
    names = [classes[n] if n < len(classes) else f"class {n}" for n in range(len(scores))]
    kinds = [("not counted", IGNORED), *((name, CLASSES[n % len(CLASSES)]) for n, name in enumerate(names[1:]))]
    wrong = [("not counted", IGNORED), ("missed", MISSED), ("extra", EXTRA), ("another class", OTHER)]
    drawn = {"truth": (_drawn(mask), kinds), "answer": (_drawn(answer), kinds)}
    drawn["difference"] = (differing(mask, answer), wrong)
    panels = [_overlay(values, colours, name, photo, stem) for name, (values, colours) in drawn.items()]
    return [{"label": "image", "image": photo}, *panels]


def show_boxes(inputs: Any, target: Any, estimate: Any, stem: Path, classes: Sequence[str] = ()) -> list[Panel]:
    """Write the image; return panels with the image, the true boxes and the found boxes.

    inputs: image (C, H, W) in [0, 1]. target: boxes (N, 4) `x0, y0, x1, y1` in pixels, or a dict with "boxes" and
    "classes" (N,). Rows that are not a box (not finite, or x1 <= x0, as in padding) are left out. estimate: a dict with
    "boxes" (M, 4), "scores" (M,) and optionally "classes" (M,). Found boxes with a score of at least `FOUND` are drawn,
    and the best one. A true box is found, and a found box is right, if the two have the same class and an intersection
    over union of at least `OVERLAP`; each true box counts once, for the found box with the highest score.
    """
    height, width = _size(inputs)
    true = _boxes(target if isinstance(target, Mapping) else {"boxes": target}, classes)
    found = sorted(_boxes(estimate, classes), key=lambda box: -box[5])
    found = [box for n, box in enumerate(found) if n == 0 or box[5] >= FOUND]
    _match(true, found)
    photo, size = write_image(inputs, stem), [width, height]
    labelled = {"truth": [[*box[:5], None, box[6]] for box in true], "answer": found}
    drawn = [{"label": name, "over": photo, "size": size, "boxes": boxes} for name, boxes in labelled.items()]
    return [{"label": "image", "image": photo}, *drawn]


def show_maps(inputs: Any, target: Any, estimate: Any, stem: Path, classes: Sequence[str] = ()) -> list[Panel]:
    """Write the image and each explanation's map over it; return a panel for each, the image with the model's answer.

    inputs: image (C, H, W) in [0, 1]. target: a dict with "class", the true class, and "mask" (H, W), where 1 is the
    object; its outline is drawn on every map. estimate: a dict with "scores" (K,) and "maps", a dict of maps (H, W)
    by the name of the explanation. A map is drawn from 0 to its own highest value. Raises ValueError for other shapes.
    """
    size, photo = _size(inputs), write_image(inputs, stem)
    outline = _edges(_small(np.asarray(target["mask"]) == 1))
    panels = [{"label": "image", "image": photo, **_answer(int(target["class"]), estimate["scores"], classes)}]
    for name, values in estimate["maps"].items():
        found = np.nan_to_num(np.asarray(values, dtype=float))
        if found.shape != size:
            raise ValueError(f"the map of {name} has the shape {found.shape}; the image has {size}")
        path = stem.with_name(f"{stem.name}-{name}.png")
        _write_heat(_small(found / (found.max() if found.max() > 0 else 1.0)), outline, path)
        panels.append({"label": name, "image": path.name, "over": photo, "heat": list(HEAT)})
    return panels


def write_image(image: Any, stem: Path) -> str:
    """Write an image (C, H, W) with values in [0, 1] as `<stem>.jpg`, at most `LONGEST` pixels; return its name."""
    pixels = (255 * np.nan_to_num(np.asarray(image, dtype=float)).clip(0, 1)).round().astype(np.uint8)
    picture = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
    path = stem.with_name(f"{stem.name}.jpg")
    for quality in QUALITIES:
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size <= LARGEST:
            break
    return path.name


def differing(mask: Labels, answer: Labels) -> Labels:
    """What differs at each pixel (H, W): 0 nothing, 1 not counted, 2 missed, 3 extra, 4 another class.

    >>> differing(np.array([[1, 1, 0, -1, 1]]), np.array([[1, 0, 1, 1, 2]])).tolist()
    [[0, 2, 3, 1, 4]]
    """
    kinds = np.select([mask < 0, mask == answer, answer == 0, mask == 0], [1, 0, 2, 3], default=4)
    return kinds.astype(np.int64)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """The intersection over union of two boxes.

    >>> overlap([0, 0, 2, 2], [1, 0, 3, 2])
    0.3333333333333333
    """
    wide, high = (min(one[n + 2], other[n + 2]) - max(one[n], other[n]) for n in (0, 1))
    both = max(wide, 0.0) * max(high, 0.0)
    return both / (sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - both)


def _mask(target: Any) -> Any:
    return target["mask"] if isinstance(target, Mapping) else target


def _size(image: Any) -> tuple[int, ...]:
    shape = tuple(np.shape(image))
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(f"an image has the shape {shape}; expected (1, H, W) or (3, H, W)")
    return shape[1:]


def _drawn(mask: Labels) -> Labels:
    """A mask with the numbers of its colours: 0 is the background, 1 is not counted, class k is k + 1."""
    return np.where(mask < 0, 1, np.where(mask > 0, mask + 1, 0))


def _overlay(values: Labels, kinds: Sequence[tuple[str, str]], name: str, photo: str, stem: Path) -> Panel:
    """Write `<stem>-<name>.png`, where value n has the colour of `kinds[n - 1]`, and an opaque edge."""
    path = stem.with_name(f"{stem.name}-{name}.png")
    small = _small(values)
    places = np.where(_edges(small) & (small > 0), small + len(kinds), small).astype(np.uint8)
    filled = [215 if name == "difference" and colour != IGNORED else 120 for _, colour in kinds]
    opaque = [0, *filled, *[255] * len(kinds)]
    _write(places, ["#000000", *(colour for _ in range(2) for _, colour in kinds)], opaque, path)
    shares = {n: float((values == n + 1).mean()) for n in range(len(kinds))}
    colours = [[kind, colour, float(f"{shares[n]:.4g}")] for n, (kind, colour) in enumerate(kinds) if shares[n]]
    return {"label": name, "image": path.name, "over": photo, "colours": colours}


def _small(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Every n-th value, so that the longer side has at most `LONGEST` pixels, in the proportions of the image."""
    factor = max(1.0, max(values.shape) / LONGEST)
    rows, columns = (
        (np.arange(max(1, round(side / factor))) * factor + factor / 2).astype(int).clip(0, side - 1)
        for side in values.shape
    )
    return np.asarray(values[np.ix_(rows, columns)])


def _edges(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """The pixels (H, W) of a region that touch another one."""
    wide = np.pad(values, 1, mode="edge")
    beside = (wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:])
    return np.asarray(np.any([other != values for other in beside], axis=0) & (values != 0))


def _write_heat(values: Numbers, outline: npt.NDArray[np.bool_], path: Path) -> None:
    """A map (H, W) in [0, 1], the lowest level transparent, with a white outline."""
    ramp = np.array([_rgb(colour) for colour in HEAT], dtype=float)
    at = np.linspace(0, 1, LEVELS)
    colours = np.stack([np.interp(at, np.linspace(0, 1, len(HEAT)), ramp[:, n]) for n in range(3)], axis=1)
    places = np.where(outline, LEVELS, (values.clip(0, 1) * (LEVELS - 1)).round()).astype(np.uint8)
    hexes = ["#{:02x}{:02x}{:02x}".format(*map(round, colour)) for colour in colours.tolist()]
    _write(places, [*hexes, "#ffffff"], [*(at**0.5 * 220).round().astype(int).tolist(), 255], path)


def _write(places: npt.NDArray[np.uint8], colours: Iterable[str], opaque: Sequence[int], path: Path) -> None:
    """A PNG with a palette; `opaque` is the opacity of each colour, 0 to 255."""
    picture = Image.fromarray(places, mode="P")
    picture.putpalette([part for colour in colours for part in _rgb(colour)])
    picture.save(path, format="PNG", optimize=True, transparency=bytes(opaque))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _boxes(given: Mapping[str, Any], classes: Sequence[str]) -> list[Box]:
    """Rows `[x0, y0, x1, y1, name, score, hit]` of the boxes; the name is empty if the boxes have no classes."""
    places = np.asarray(given["boxes"], dtype=float).reshape(-1, 4)
    kinds, scores = (np.asarray(given.get(key, [0] * len(places))).tolist() for key in ("classes", "scores"))
    names = [(classes[int(n)] if classes else f"class {n}") if "classes" in given else "" for n in kinds]
    rows = zip(places.round(1).tolist(), names, scores, strict=True)
    return [[*box, name, round(float(score), 3), 0] for box, name, score in rows if _is_box(box)]


def _is_box(box: Sequence[float]) -> bool:
    return all(map(math.isfinite, box)) and box[2] > box[0] and box[3] > box[1]


def _match(true: Sequence[Box], found: Sequence[Box]) -> None:
    """Set `hit` of the boxes that match, one to one; the found boxes come with the highest score first."""
    for box in found:
        free = [other for other in true if not other[6] and other[4] == box[4]]
        best = max(free, key=lambda other: overlap(other, box), default=None)
        if best is not None and overlap(best, box) >= OVERLAP:
            best[6] = box[6] = 1


def _answer(truth: int, estimate: Any, classes: Sequence[str]) -> Panel:
    """The true class, the answer, and the highest scores in the order of the classes; None if one is not finite."""
    scores = np.asarray(estimate, dtype=float)
    answer, names = int(scores.argmax()), [classes[n] if classes else str(n) for n in range(len(scores))]
    kept = sorted({answer, truth, *np.argsort(-scores, kind="stable")[:SHOWN].tolist()})
    rounded = [float(f"{score:.4g}") if math.isfinite(score) else None for score in scores.tolist()]
    return {"truth": names[truth], "answer": names[answer], "scores": [[names[n], rounded[n]] for n in kept]}
