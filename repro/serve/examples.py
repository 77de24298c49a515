"""The examples of the page for a person: a test item or what the visitor sends, and what the model answers.

Letters: T samples of a sound.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
import torch

from repro.interval import interval
from repro.serve import explained, outputs, trained
from repro.serve.service import Service as Service

FILES = {"image": ["png", "jpg", "jpeg", "bmp"], "sound": ["wav", "flac"]}
"""The endings of the files that a visitor can send."""
MOST = 5  # classes in the table


@dataclass(frozen=True)
class Example:
    """One input of the model. kind, content: how to show it: "text", "audio" (a WAV file) or "image" (its pixels).

    inputs: those of the model. output: what the model returns. truth: the name of the true class, if it is known.
    """

    kind: str
    content: Any
    inputs: Any
    output: Any
    truth: str = ""


def served(run: str, weights: str = "", test: str = "", *allowed: str) -> Service:
    """The service that the command line names. allowed: "stale", "unfinished", or both."""
    torch.set_num_threads(1)  # Streamlit answers each visitor in a thread of its own
    found = trained.find(run, Path(weights) if weights else None, "stale" in allowed, "unfinished" in allowed)
    return Service(trained.load(found), test)


def of_test(one: Service, index: int) -> Example:
    """A test item, with its true class if the model is a classifier."""
    inputs, target = one.dataset[index]
    truth = one.classes[int(target)] if one.classes is not None else ""
    return _example(one, one.reader.origin[index][0], inputs, truth)


def own(one: Service, content: bytes) -> Example | None:
    """What a visitor sends: a file, or a text. None if it is empty. Raises BadInput if the model cannot read it."""
    return _example(one, *one.reader.read(one.reader.kind, content)) if content else None


def _example(one: Service, raw: Any, inputs: Any, truth: str = "") -> Example:
    return Example(*_shown(one, raw), inputs, one.trained.built.estimate(inputs), truth)


def _shown(one: Service, raw: Any) -> tuple[str, Any]:
    """How to show an input: its kind, and its content."""
    if one.reader.kind == "sound":
        return "audio", wav(raw, one.reader.origin.sample_rate)
    if explained.is_image(raw):
        return "image", explained.picture(raw)
    shape = f"numbers of the shape {tuple(raw.shape)}" if isinstance(raw, torch.Tensor) else type(raw).__name__
    return "text", raw if isinstance(raw, str) else shape


def wav(samples: torch.Tensor, sample_rate: int) -> bytes:
    """Samples (T,) as a WAV file, for a browser.

    >>> wav(torch.zeros(8), 8000)[:4]
    b'RIFF'
    """
    file = io.BytesIO()
    soundfile.write(file, samples.numpy(), sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def answer(one: Service, example: Example) -> dict[str, str]:
    """The answer in words, and how confident the model is; of a model that is no classifier, nothing."""
    if one.classes is None:
        return {}
    found = outputs.shown(example.output, one.classes)
    rows = {"Answer": found["class"], "Confidence": f"{found['probability']:.1%}"}
    return rows | ({"Truth": example.truth} if example.truth else {})


def likely(one: Service, example: Example) -> list[dict[str, str]]:
    """The rows of a table: the classes with the highest probabilities, or the answer of a model without classes."""
    if one.classes is None:
        return [{"answer": f"{outputs.plain(example.output)!s:.2000}"}]
    found = outputs.probabilities(example.output)
    order = sorted(range(len(found)), key=lambda number: -found[number])[:MOST]
    return [{"class": one.classes[number], "probability": f"{found[number] * 100:.1f} %"} for number in order]


def measured(one: Service) -> str:
    """The weights, and how good the model is on the test set of the page, with 95 % intervals."""
    rows = [row for row in one.trained.found.record.measurements if row.test == one.test]
    said = [f"{row.metric} {interval([row.values]).shown(str(row.identity.get('unit', '')))}" for row in rows[:3]]
    return f"weights {one.trained.checkpoint[:16]}; {', '.join(said) or 'not measured on this test set'}"
