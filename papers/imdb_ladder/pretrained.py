"""Pretrained models from the library `transformers`: subword tokens, and a model with a new last layer.

Letters: B reviews, L tokens (subwords) per review, C = 2 classes.

`name` is a model on the Hugging Face hub, and `revision` one of its commits. `name` can also be a folder with a model.
Downloads are in the cache of the hub (`HF_HOME`). `transformers` takes seconds to load, so it is loaded only when a
part needs it.
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

from repro.data.panels import show_text
from repro.errors import BadInput
from repro.registry import DATASETS, MODELS, wrong_value

CLASSES = ("negative", "positive")


@DATASETS.register
class SubwordIds(Dataset[tuple[torch.Tensor, int]]):
    """Reviews as subword numbers, from the tokenizer of a pretrained model.

    Item: `(ids (L,) int64, label int)`, the numbers of the first L = `length` tokens, including the tokenizer's start
    and end tokens. Shorter reviews are padded with the tokenizer's padding token. `<br />` counts as a blank. `name`,
    `revision`: see the module. Raises BadInput if `length` is below 3, or if the tokenizer cannot be loaded.

    Example: the published tokenizers need a download, so this one is a folder with four special tokens and three words.

        >>> from tokenizers import Tokenizer, models, pre_tokenizers, processors
        >>> from papers.imdb_ladder.dataset import ToyReviews
        >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "film", "is", "dull"]
        >>> made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
        >>> made.pre_tokenizer = pre_tokenizers.Whitespace()
        >>> special = [("[CLS]", 2), ("[SEP]", 3)]
        >>> made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=special)
        >>> fast = library().PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]")
        >>> files = fast.save_pretrained("tokenizer")
        >>> ids, label = SubwordIds(ToyReviews(2), "tokenizer", length=8)[0]
        >>> ids.shape, ids[0].item(), label
        (torch.Size([8]), 2, 0)
    """

    def __init__(
        self, source: Annotated[Any, DATASETS], name: str, length: int = 256, revision: str | None = None
    ) -> None:
        if length < 3:
            raise wrong_value(self, "length", length, "at least 3: a start token, a word piece and an end token")
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
        """A panel with the text that the model saw, and its answer."""
        return show_text(self.tokenizer.decode(inputs, skip_special_tokens=True), target, estimate, stem, CLASSES)

    def fingerprint(self) -> str:
        """Digest of the reviews' fingerprint, the length, and the name and revision of the tokenizer."""
        parts = (self.source.fingerprint(), self.name, self.revision, self.length)
        return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


@MODELS.register
class Pretrained(nn.Module):
    """Pretrained encoder with new last layers for C = 2 classes. Training changes all weights.

    `forward(ids (B, L)) -> scores (B, 2)`. Attention ignores padding. `name`, `revision`: see the module. Raises
    BadInput if the model cannot be loaded.

    Example: the published weights need a download, so this model is tiny and has random weights.

        >>> sizes = dict(vocab_size=20, max_position_embeddings=16, dim=8, n_layers=1, n_heads=2, hidden_dim=16)
        >>> transformers = library()
        >>> transformers.DistilBertModel(transformers.DistilBertConfig(**sizes)).save_pretrained("tiny")
        >>> Pretrained("tiny")(torch.tensor([[5, 7, 0]])).shape
        torch.Size([1, 2])
    """

    def __init__(self, name: str, revision: str | None = None) -> None:
        super().__init__()
        auto = library().AutoModelForSequenceClassification
        self.model = _load(auto, "models.Pretrained", name, revision, num_labels=len(CLASSES))
        self.padding = self.model.config.pad_token_id

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=ids, attention_mask=(ids != self.padding).long()).logits


def library() -> Any:
    """Import and return `transformers`.

    `transformers` imports torchaudio if it is installed, and fails if torchaudio cannot load its compiled extension.
    `repro.audio.stft` first imports torchaudio without the extension, if necessary.
    """
    importlib.import_module("repro.audio.stft")
    return importlib.import_module("transformers")


def _load(auto: Any, part: str, name: str, revision: str | None, **options: Any) -> Any:
    """Call `auto.from_pretrained`. Raises BadInput, in one line, if the hub or the folder does not have the model."""
    try:
        return auto.from_pretrained(name, revision=revision, **options)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        expected = "expected a model of the Hugging Face hub that can be reached, or a folder that holds one"
        raise BadInput(f"{part}.name is '{name}'; {expected} ({reason:.200})") from error
