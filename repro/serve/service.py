"""The answers to a batch of requests, their log, and what a client may know of the model."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from repro.errors import BadInput, where
from repro.interval import interval
from repro.record import Measurement
from repro.serve import outputs
from repro.serve.inputs import Reader
from repro.serve.trained import Trained
from repro.watch import log as watched
from repro.watch.summary import digest, summary

log = logging.getLogger("repro")


@dataclass(frozen=True)
class Request:
    """What a client sent. kind: "image", "sound", "text" or "numbers". content: bytes, or the numbers as lists."""

    kind: str
    content: Any
    began: float = field(default_factory=time.perf_counter)

    def sent(self) -> bytes:
        """The bytes that stand for the request in the log."""
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


class Service:
    """A trained model that answers. test: the name of the test set that says what the model reads; default: the first.

    Raises BadInput if there is no such test set, if no request can send its inputs, and if the model does not answer
    the first test item.
    """

    def __init__(self, trained: Trained, test: str = "") -> None:
        known = trained.built.test
        if test and test not in known:
            raise BadInput(f"no test set '{test}'", given=test, known=known)
        self.trained, self.test = trained, test or next(iter(known))
        self.dataset = known[self.test]
        self.reader = Reader(self.dataset)
        self.classes = outputs.classes(self.dataset, trained.built.estimate(self.dataset[0][0]))
        self.writer: watched.Writer | None = None
        self.log_inputs = False

    def answers(self, requests: Sequence[Request]) -> list[dict[str, Any] | Exception]:
        """The answer to each request, or the error for its client."""
        read = [self._read(one) for one in requests]
        found: list[Any] = list(read)
        groups: dict[str, list[int]] = {}
        for index, one in enumerate(read):
            if not isinstance(one, Exception):
                groups.setdefault(_form(one[1]), []).append(index)
        for indices in groups.values():
            results = self.trained.built.estimates([read[index][1] for index in indices])  # type: ignore[index]
            for index, output in zip(indices, results, strict=True):
                found[index] = self._answer(requests[index], read[index][0], output)  # type: ignore[index]
        return found

    def _read(self, request: Request) -> tuple[Any, Any] | Exception:
        try:
            if request.kind not in self.kinds and request.kind in self.reader.kinds:
                what = f"this service has a log, so it takes no {request.kind}"
                raise BadInput(what, expected=f"{self.kinds[0]} in each request")
            return self.reader.read(request.kind, request.content)
        except BadInput as error:
            return error

    def _answer(self, request: Request, raw: Any, output: Any) -> dict[str, Any] | Exception:
        try:
            shown = outputs.shown(output, self.classes)
            seconds = time.perf_counter() - request.began
            if self.writer:
                self._log(request, raw, output, seconds)
            about = {"record": self.trained.name, "checkpoint": self.trained.checkpoint}
            return {**shown, **about, "seconds": round(seconds, 6)}
        except (BadInput, OSError) as error:
            return error

    def _log(self, request: Request, raw: Any, output: Any, seconds: float) -> None:
        sent = request.sent()
        rate = getattr(self.reader.origin, "sample_rate", None) if request.kind == "sound" else None
        facts = summary(raw, rate, self.reader.vocabulary if request.kind == "text" else None)
        stored = base64.b64encode(sent).decode() if self.log_inputs else ""
        if self.writer:
            self.writer.add(digest(sent), facts, outputs.numbers(output, self.classes), seconds, stored)

    @property
    def kinds(self) -> list[str]:
        """What a request can send. With a log it is one kind, because the summaries of a log have the same numbers."""
        return self.reader.kinds[:1] if self.writer else self.reader.kinds

    @contextlib.contextmanager
    def logged(self, path: Path | None, inputs: bool = False) -> Iterator[None]:
        """Append each answer to a log. inputs: also what was sent. Without a path, does nothing."""
        if path is None:
            yield
            return
        found = self.trained.found
        config = where(found.folder / "configs" / f"{found.record.config}.gin")
        record = where(found.folder / "records" / f"{found.record.stem}.json") if found.published else None
        first = watched.header(record, config, self.trained.checkpoint, self.classes)
        with watched.opened(path, first) as self.writer:
            self.log_inputs = inputs
            yield
        self.writer = None

    @cached_property
    def about(self) -> dict[str, Any]:
        """The model: record, config, weights, classes, what it reads, metrics, and the verdicts that depend on it."""
        found = self.trained.found
        rows = [{"claim": one.claim.id, "says": one.claim.says, "outcome": one.outcome}
                for one in self.trained.verdicts()]  # fmt: skip
        return {
            "record": self.trained.name,
            "published": found.published,
            "stale": found.record.stale,
            "config": f"papers/{found.record.paper}/configs/{found.record.config}.gin",
            "config_digest": found.record.digest,
            "seed": found.record.seed,
            "commit": found.record.source.get("commit"),
            "checkpoint": self.trained.checkpoint,
            "reads": self.kinds,
            "shape": self.reader.shape if self.reader.kind in ("", "image") else None,
            "sample_rate": getattr(self.reader.origin, "sample_rate", None) if self.reader.kind == "sound" else None,
            "classes": self.classes,
            "metrics": [_metric(one) for one in found.record.measurements],
            "verdicts": rows,
        }


def _metric(one: Measurement) -> dict[str, Any]:
    found = interval([one.values])
    facts = {"mean": found.mean, "low": found.low, "high": found.high, "unit": str(one.identity.get("unit", ""))}
    return {"test": one.test, "metric": one.metric, **facts, "items": found.items}


def _form(inputs: Any) -> str:
    """Inputs of one form can be answered together."""
    if isinstance(inputs, torch.Tensor):
        return f"{tuple(inputs.shape)} {inputs.dtype}"
    if isinstance(inputs, dict):
        return str({key: _form(value) for key, value in inputs.items()})
    if isinstance(inputs, (list, tuple)):
        return str([_form(value) for value in inputs])
    return type(inputs).__name__
