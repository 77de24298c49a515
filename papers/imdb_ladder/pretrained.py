"""The two pretrained rungs, by way of `transformers`: a tokenizer's pieces of words, and a model with a new last layer.

B reviews, L pieces of words of each, C = 2 classes. `name` is a model of the Hugging Face hub, of which `revision` is a
commit; or a folder that holds one. What is downloaded stands in the hub's own cache (`HF_HOME`). `transformers` takes
seconds to load: only what is built loads it.
"""

from __future__ import annotations

import hashlib
import importlib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import nn
from torch.utils.data import Dataset

from repro.datasets.show import show_text
from repro.errors import BadInput
from repro.registry import DATASETS, MODELS

CLASSES = ("negative", "positive")


@DATASETS.register
class SubwordIds(Dataset[tuple[torch.Tensor, int]]):
    """Item: `(numbers of the first L = length pieces of words (L,) int64, label int)`, made by the tokenizer of `name`.

    Its marks of begin and end count among them; its own number for padding fills up. `<br />` is a blank.
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], name: str, length: int = 256, revision: str | None = None
    ) -> None:
        if length < 3:
            raise BadInput(f"datasets.SubwordIds.length is {length}; expected at least 3: a begin, a piece and an end")
        self.source, self.name, self.length, self.revision = source, name, length, revision

    @cached_property
    def tokenizer(self) -> Any:
        return _load(library().AutoTokenizer, "datasets.SubwordIds", self.name, self.revision)

    @cached_property
    def ids(self) -> torch.Tensor:
        """(N, L) int64."""
        texts = [text.replace("<br />", " ") for text in self.source.texts]
        found = self.tokenizer(texts, max_length=self.length, truncation=True, padding="max_length")
        return torch.tensor(found["input_ids"])

    @cached_property
    def labels(self) -> list[int]:
        return list(self.source.labels)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.ids[index], self.labels[index]

    def illustrate(self, inputs: torch.Tensor, target: int, estimate: torch.Tensor, stem: Path) -> list[dict[str, Any]]:
        """What the model saw of a review, with its answer."""
        return show_text(self.tokenizer.decode(inputs, skip_special_tokens=True), target, estimate, stem, CLASSES)

    def fingerprint(self) -> str:
        """Digest of the reviews' own fingerprint and of how they are cut; the tokenizer counts by name and revision."""
        parts = (self.source.fingerprint(), self.name, self.revision, self.length)
        return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


@MODELS.register
class Pretrained(nn.Module):
    """A pretrained encoder with new last layers for C = 2 classes; all its weights are trained further.

    `forward(ids (B, L)) -> scores (B, 2)`; attention leaves padding out.
    """

    def __init__(self, name: str, revision: str | None = None) -> None:
        super().__init__()
        auto = library().AutoModelForSequenceClassification
        self.model = _load(auto, "models.Pretrained", name, revision, num_labels=len(CLASSES))
        self.padding = self.model.config.pad_token_id

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=ids, attention_mask=(ids != self.padding).long()).logits


def library() -> Any:
    """`transformers`. It imports torchaudio where that is installed, and fails with it where torchaudio cannot load its
    compiled extension; `repro.audio.stft` is the door by which torchaudio comes in without it.
    """
    importlib.import_module("repro.audio.stft")
    return importlib.import_module("transformers")


def _load(auto: Any, part: str, name: str, revision: str | None, **options: Any) -> Any:
    """`auto.from_pretrained`, with one line where the hub or the folder does not have it."""
    try:
        return auto.from_pretrained(name, revision=revision, **options)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        expected = "expected a model of the Hugging Face hub that can be reached, or a folder that holds one"
        raise BadInput(f"{part}.name is '{name}'; {expected} ({reason:.200})") from error
