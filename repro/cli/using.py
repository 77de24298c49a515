"""The commands that use what runs made: a trained model, its numbers, its data."""

from __future__ import annotations

from typing import Any

from repro.cli import serve, track, watching


def options(commands: Any, add: Any, count: Any) -> None:
    """Add these commands. add, count: of `repro.cli`, which this module does not import because it is imported there.

    A new command of this kind does not change the core, because the core does not include this module.
    """
    serve.options(add(commands, "serve", serve.serve, "answer requests with a trained model, over HTTP"), count)
    watching.options(add(commands, "watch", watching.watch, watching.ABOUT), count)
    track.options(commands, add)
