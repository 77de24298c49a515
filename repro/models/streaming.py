"""Find the marks of a signal while its samples come, with the same result as afterwards.

Letters: T samples, n new samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from repro.errors import BadInput
from repro.models.peaks import PeakPicker
from repro.registry import name_of


class Stream:
    """The marks of a causal `PeakPicker`, found as the samples come.

    `push(samples (n,))` takes the next samples, any number of them, and yields `(mark, known)` for each new mark: its
    sample number, and the sample at which it is known. `close()` yields the mark of a run that the end of the signal
    cuts off. All marks together are those of `PeakPicker.find` for the whole signal. The latency of a mark is
    `known - mark` samples, and the time that `push` takes. Raises BadInput if the tagger needs later samples, and for
    samples that are not a tensor of finite numbers.

    Example:

        >>> from repro.models.taggers import RecurrentTagger
        >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
        <torch...>
        >>> model = PeakPicker(RecurrentTagger("gru", hidden=8), sample_rate=100, threshold=0.4).eval()
        >>> signal, stream = torch.randn(300), Stream(model)
        >>> found = [mark for part in signal.split(7) for mark, _ in stream.push(part)]
        >>> found += [mark for mark, _ in stream.close()]
        >>> found == model.find(signal).marks.tolist()
        True
    """

    def __init__(self, model: PeakPicker) -> None:
        if model.tagger.future != 0:
            said = f"{name_of(model.tagger)} needs later samples, so it cannot answer as the samples come"
            raise BadInput(said, expected="a causal tagger (causal = True)")
        self.tagger, self.threshold = model.tagger, model.threshold
        self.refractory = round(model.refractory * model.sample_rate)
        self.state: Any = None  # of a recurrent tagger
        self.before = torch.zeros(0)  # the last `past` samples, for any other tagger
        self.done = 0  # samples that came
        self.run: tuple[float, int] | None = None  # the highest probability of the present run, and its sample
        self.last: int | None = None  # the last mark

    def push(self, samples: Tensor) -> Iterator[tuple[int, int]]:
        """Take the next samples (n,), and yield `(mark, known)` for each new mark."""
        if not isinstance(samples, Tensor) or samples.ndim != 1 or not samples.is_floating_point():
            raise BadInput(f"the samples are a {type(samples).__name__}", expected="a tensor (n,) of float32")
        if not bool(samples.isfinite().all()):
            raise BadInput(f"a sample after sample {self.done} is not a number", expected="finite numbers")
        found = []
        for chance in self._chances(samples).tolist():
            if chance >= self.threshold:
                if self.run is None or chance > self.run[0]:
                    self.run = chance, self.done
            else:
                found += list(self._end(self.done))
            self.done += 1
        yield from found

    def close(self) -> Iterator[tuple[int, int]]:
        """Yield the mark of a run that has not ended."""
        yield from self._end(self.done - 1)

    def _end(self, known: int) -> Iterator[tuple[int, int]]:
        """End the present run, if there is one."""
        if self.run is None:
            return
        mark, self.run = self.run[1], None
        if self.last is None or mark - self.last >= self.refractory:
            self.last = mark
            yield mark, known

    def _chances(self, samples: Tensor) -> Tensor:
        """The probabilities of the new samples (n,)."""
        with torch.inference_mode():
            if self.tagger.past is None:
                logits, self.state = self.tagger.after(samples[None], self.state)
                return torch.sigmoid(logits[0])
            both = torch.cat([self.before, samples])
            self.before = both[max(0, len(both) - self.tagger.past) :]
            return torch.sigmoid(self.tagger(both[None])[0, len(both) - len(samples) :])
