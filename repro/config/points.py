"""The points of a sweep as configs: each has a digest, by which its records are recognised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath

from repro import config as configs
from repro.claim import paper
from repro.claim.sweep import Point, Sweep
from repro.config import Config


def text(plain: str, point: Point) -> str:
    """The text of a point's config. `plain`: the text of the config, without the values of the point."""
    return plain + "".join(f"{line}\n" for line in point.overrides)


def digests(sweep: Sweep, folder: Path) -> Mapping[Point, str]:
    """The digest of each point of the sweep of the paper in `folder`."""
    plain = configs.read(folder / sweep.config).text
    return {point: configs.digest(text(plain, point)) for point in sweep.every}


def of_config(config: Config) -> Point | None:
    """The point of a sweep of its paper that a config with `--set` is; None if it is none of them."""
    inside = config.folder in config.path.resolve().parents
    for sweep in paper.read(config.folder).sweeps if config.overrides and inside else ():
        if PurePath(sweep.config).stem == config.name:
            found = {digest: point for point, digest in digests(sweep, config.folder).items()}
            if config.digest in found:
                return found[config.digest]
    return None
