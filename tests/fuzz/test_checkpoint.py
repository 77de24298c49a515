"""What a run leaves and reads again when it goes on: its checkpoints, `metrics.jsonl`, and `run.json`.

Nothing here reads the event files in `tensorboard/`: a run that goes on writes them anew from `metrics.jsonl`.
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import strategies as st

from repro.run import resume
from repro.training import checkpoint_file, metrics_log
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import altered, rewritten, spoilt
from tests.fuzz.referee import Referee

STATE = {
    "model": {"weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(3)},
    "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "groups": [{"lr": 0.1, "betas": (0.9, 0.99)}]},
    "chance": {"python": random.Random(0).getstate()[:1], "name": "MT19937", "none": None, "big": 2**70},
}
SEEDS = ["step-1-0000000000000000.safetensors", "step-1.safetensors", "last.safetensors", "a", "step-9" * 30]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a checkpoint."""
    return checkpoint_file.write(tmp_path_factory.mktemp("state"), "step", 1, STATE).read_bytes()


def taken_apart(content: bytes) -> tuple[Any, Any, bytes]:
    """The header of a safetensors file, the tree that it holds as a text, and the numbers."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    return header, json.loads(header["__metadata__"][checkpoint_file.KEY]), content[8 + size :]


def put_together(header: bytes, rest: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + rest


@st.composite
def checkpoints(draw: st.DrawFn, original: bytes) -> tuple[str, bytes]:
    """A checkpoint with the right digest in its name, spoilt in bytes, header or tree; seldom with a wrong one."""
    header, tree, rest = taken_apart(original)
    kind = draw(st.sampled_from(["bytes", "header", "tree", "tree"]))
    if kind == "bytes":
        content = draw(spoilt([original]))
    elif kind == "header":
        content = put_together(draw(altered([header])), rest)
    else:
        text = draw(altered([tree])).decode("utf-8", "replace")
        content = put_together(json.dumps({**header, "__metadata__": {checkpoint_file.KEY: text}}).encode(), rest)
    name = f"step-1-{hashlib.sha256(content).hexdigest()[:16]}.safetensors"
    return draw(st.sampled_from(SEEDS)) if draw(st.integers(0, 9)) == 9 else name, content


def test_any_checkpoint_is_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path, written: bytes) -> None:
    def case(referee: Referee, given: tuple[str, bytes]) -> None:
        name, content = given
        referee.judge(lambda: checkpoint_file.read(fuzzed / name), {name: content})

    fuzz(checkpoints(written), case)


ROW = {"curve": "train", "step": 10, "loss": 0.5, "time": 1.5, "lr": 0.1, "gradient_norm": 2.0}
LINES = [json.dumps({**ROW, "step": step}) for step in (10, 20, 30)]


def test_any_journal_is_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    rows = altered([ROW]).map(lambda row: "\n".join([LINES[0], row.decode("utf-8", "replace"), LINES[2], ""]).encode())

    def case(referee: Referee, content: bytes) -> None:
        referee.judge(lambda: metrics_log.read(fuzzed / "metrics.jsonl"), {"metrics.jsonl": content})

    fuzz(st.one_of(rows, rows, rewritten(["\n".join(LINES)], [])), case)


RUN = {
    **{"digest": "0" * 64, "code": {"papers.a.model": "0" * 16}, "source": {"commit": "0" * 40, "dirty": False}},
    **{"packages": {"torch": "2.0"}, "data": {"test": "0" * 16}, "sessions": 1, "outcome": ""},
}


def test_any_state_of_a_run_is_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    def case(referee: Referee, content: bytes) -> None:
        referee.judge(lambda: resume.read(fuzzed), {"run.json": content})

    fuzz(altered([RUN]), case)
