"""A trained model for other programs: ONNX or TorchScript. Its answers and its speed are compared with the model's.

The file takes a batch of inputs of any size, and returns what `forward` returns. It is only kept if its answers are
the same up to rounding. Which one is faster depends on the machine, so it is measured here, on this one. Token numbers
of a text may also have any length, if the translated model has the same answers for a shorter length.

Letters: B items of a batch, L tokens of a text.
"""

from __future__ import annotations

import io
import logging
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from repro.errors import BadInput
from repro.files import disk
from repro.registry import name_of
from repro.serve import needed
from repro.serve.trained import Trained

ITEMS = 64  # test items that are compared
CLOSE = 1e-4  # the largest difference of answers of size 1
SIZES = (1, 32)  # B of the measured batches
ROUNDS = 41  # pairs of measurements
CALLS, LONGEST = 7, 10.0  # of each function in a round; seconds of all rounds, with fewer calls if they are slow
WARM = 5  # calls before the measurement
COVERED = 13  # of 41 sorted ratios: from the 14th to the 28th is a 95 % interval of the median (binomial)

Call = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Speed:
    """Times of a batch in seconds, medians. ratio: of the model's time to the file's, with its 95 % interval."""

    items: int
    model: float
    file: float
    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        times = f"{self.file * 1e3:.3g} ms, the model in torch {self.model * 1e3:.3g} ms"
        interval = f"{self.ratio:.2f} times as fast [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.items} {'item' if self.items == 1 else 'items'}: {times}, {interval}: {self.said}"

    @property
    def said(self) -> str:
        """The result in words: a difference is only stated if the interval does not contain 1."""
        if self.low > 1:
            return "the file is faster on this machine"
        return "the model in torch is faster on this machine" if self.high < 1 else "no difference was measured"


@dataclass(frozen=True)
class Compared:
    """What was measured of a file: the largest difference of an answer, over `items` test items, and the speeds.

    takes: the type and the shape of its inputs, such as "int32 (B, L), any L".
    """

    difference: float
    items: int
    speeds: list[Speed]
    takes: str


def write(one: Trained, form: str, path: Path) -> Compared:
    """Write a model as "onnx" or "torchscript", and compare it with the model.

    Raises BadInput if the model does not answer by `forward` from one tensor to one tensor, if it cannot be translated,
    and if the file gives other answers; then nothing is written.
    """
    disk.refuse_unwritable(path.parent, path.name)
    given = _inputs(one)
    one.built.model.cpu()
    content, call = FORMS[form](one, given)
    compared = compare(one.built.model, call, given)
    scale = max(1.0, float(_answer(one.built.model, given).abs().max()))
    if not compared.difference <= CLOSE * scale:
        what = f"the {form} of {one.name} gives other answers: they differ by {compared.difference:.2g}"
        raise BadInput(what, expected=f"at most {CLOSE * scale:.2g}")
    path.parent.mkdir(parents=True, exist_ok=True)
    disk.write(path, content)
    return compared


def _inputs(one: Trained) -> Tensor:
    """The first test items as a batch. Raises BadInput if the answers of the model do not come from such a batch."""
    model, dataset = one.built.model, next(iter(one.built.test.values()))
    if hasattr(model, "estimate"):
        raise BadInput(f"{name_of(model)} answers by `estimate`, which is code", expected="a model with forward alone")
    items = [dataset[index][0] for index in range(min(ITEMS, len(dataset)))]
    if not all(isinstance(item, Tensor) and item.shape == items[0].shape for item in items):
        raise BadInput(f"the inputs of {one.name} are no tensors of one shape", expected="tensors of one shape")
    given = torch.stack(items)
    with torch.no_grad():
        answer = model.cpu()(given)
    if not isinstance(answer, Tensor) or len(answer) != len(given):
        raise BadInput(f"{name_of(model)} returns a {type(answer).__name__}", expected="one tensor with B rows")
    return given


def _torchscript(one: Trained, given: Tensor) -> tuple[bytes, Call]:
    with _one_line(one, "TorchScript"):
        traced = torch.jit.trace(one.built.model, given[:2], check_trace=False)
        file = io.BytesIO()
        torch.jit.save(traced, file, _extra_files={"repro.txt": _about(one)})
        loaded = torch.jit.load(io.BytesIO(file.getvalue()))
    return file.getvalue(), loaded


def _onnx(one: Trained, given: Tensor) -> tuple[bytes, Call]:
    _, _, onnxruntime = (needed(module, "onnx") for module in ("onnx", "onnxscript", "onnxruntime"))
    if is_tokens(given):
        with suppress(BadInput):  # then the layers fix the length
            content, call = _onnx_of(one, given, onnxruntime, free=(0, 1))
            if any_length(one.built.model, call, given):
                return content, call
    return _onnx_of(one, given, onnxruntime, free=(0,))


class Tokens(nn.Module):
    """A model that gets its token numbers as int64: the ONNX form of `nn.EmbeddingBag` takes no other integers."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        answer: Tensor = self.model(tokens.long())
        return answer


def _onnx_of(one: Trained, given: Tensor, onnxruntime: Any, free: tuple[int, ...]) -> tuple[bytes, Call]:
    """The file whose input has any size in the dimensions `free`."""
    translated = Tokens(one.built.model).eval() if is_tokens(given) else one.built.model
    with _one_line(one, "ONNX"):
        sizes = dict.fromkeys(free, torch.export.Dim.DYNAMIC)
        made = torch.onnx.export(translated, (given[:2],), dynamo=True, dynamic_shapes=(sizes,), verbose=False)
        model: Any = made.model_proto if made else None
        model.metadata_props.add(key="repro", value=_about(one))
        content = model.SerializeToString()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return content, lambda batch: torch.from_numpy(session.run(None, {name: batch.numpy()})[0])


FORMS: dict[str, Callable[[Trained, Tensor], tuple[bytes, Call]]] = {"onnx": _onnx, "torchscript": _torchscript}
"""The function that makes each form: the bytes of the file, and what answers from these bytes."""


@contextmanager
def _one_line(one: Trained, form: str) -> Iterator[None]:
    """Show neither warnings nor messages of the libraries, and make their errors one line."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        what = f"{one.name} cannot be translated to {form}: {reason:.160}"
        raise BadInput(what, expected=f"a model whose layers {form} has") from error
    finally:
        logging.disable(before)


def _about(one: Trained) -> str:
    return f"{one.name} {one.checkpoint}"


def compare(model: Call, other: Call, given: Tensor) -> Compared:
    """Compare two functions on the same inputs (B, ...): their answers, and how long they take."""
    answers = [_answer(call, given).double() for call in (model, other)]
    difference = float((answers[0] - answers[1]).abs().max()) if answers[0].shape == answers[1].shape else math.inf
    free = is_tokens(given) and any_length(model, other, given)
    shape = "(B, L), any L" if free else f"({', '.join(['B', *map(str, given.shape[1:])])})"
    takes = f"{str(given.dtype).removeprefix('torch.')} {shape}"
    sizes = [size for size in SIZES if size <= len(given)]
    return Compared(difference, len(given), [speed(model, other, given[:size]) for size in sizes], takes)


def is_tokens(given: Tensor) -> bool:
    """Whether inputs are token numbers (B, L).

    >>> is_tokens(torch.zeros(2, 16, dtype=torch.int32)), is_tokens(torch.zeros(2, 16))
    (True, False)
    """
    return given.ndim == 2 and given.dtype in (torch.int32, torch.int64)


def any_length(model: Call, other: Call, given: Tensor) -> bool:
    """Whether two functions have the same answers if the tokens (B, L) are cut to half of their length, and to one."""
    lengths = {max(1, given.shape[1] // 2), 1} - {given.shape[1]}
    try:
        pairs = [
            (_answer(model, cut), _answer(other, cut)) for cut in (given[:, :length].contiguous() for length in lengths)
        ]
    except Exception:  # a function that takes one length raises errors of many kinds
        return False
    return bool(pairs) and all(one.shape == two.shape and _close(one, two) for one, two in pairs)


def _close(one: Tensor, two: Tensor) -> bool:
    return float((one.double() - two.double()).abs().max()) <= CLOSE * max(1.0, float(one.abs().max()))


def _answer(call: Call, given: Tensor) -> Tensor:
    with torch.inference_mode():
        return call(given).detach().clone()


def speed(model: Call, other: Call, given: Tensor) -> Speed:
    """The times of two functions for one batch. They take turns, so that a busy machine slows both down.

    A round is the median of a few calls of each, because another program may interrupt a single call.
    """
    with torch.inference_mode():
        once = min(_seconds(model, given) + _seconds(other, given) for _ in range(WARM))
        calls = max(1, min(CALLS, int(LONGEST / (ROUNDS * once))))
        rounds = [[(_seconds(model, given), _seconds(other, given)) for _ in range(calls)] for _ in range(ROUNDS)]
    pairs = [tuple(map(statistics.median, zip(*one, strict=True))) for one in rounds]
    ratios = sorted(one / two for one, two in pairs)
    medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
    low, high = ratios[COVERED], ratios[-COVERED - 1]
    return Speed(len(given), medians[0], medians[1], statistics.median(ratios), low, high)


def _seconds(call: Call, given: Tensor) -> float:
    """The time of one call. With one thread it is processor time, which other programs of the machine do not change."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    call(given)
    return clock() - began
