"""Tests of the pretrained models, with tiny models and random weights that are saved here and read as real ones."""

from __future__ import annotations

import csv
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch.utils.data import default_collate

from papers.imdb_ladder.dataset import ToyReviews
from papers.imdb_ladder.pretrained import Pretrained, SubwordIds, library
from repro import config
from repro.claim import paper
from repro.errors import BadInput
from repro.experiment import binding
from repro.testing import check_dataset, check_model, same

CONFIGS = paper.find("imdb_ladder").folder / "configs"
KINDS = ("distilbert", "roberta")
WORDS = ["the", "plot", "cast", "music", "of", "this", "film", "is", "dull", "awful", "lovely", "brilliant", "."]


def tiny(kind: str, folder: Path) -> str:
    """Save a tiny model of `kind` with random weights, and a tokenizer of a few words, in the hub's format."""
    transformers = library()
    if kind == "roberta":
        begin, pad, end, unknown = special = ["<s>", "<pad>", "</s>", "<unk>"]
    else:
        pad, unknown, begin, end = special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    number = {word: place for place, word in enumerate(special + WORDS)}
    tokenizer = Tokenizer(models.WordLevel(number, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, number[begin]), (end, number[end])]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=pad, unk_token=unknown, cls_token=begin, sep_token=end
    ).save_pretrained(folder)
    torch.manual_seed(5)
    sizes: dict[str, Any] = {"vocab_size": len(number), "max_position_embeddings": 40, "pad_token_id": number[pad]}
    if kind == "roberta":
        shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        model = transformers.RobertaModel(transformers.RobertaConfig(**sizes, **shape))
    else:
        model = transformers.DistilBertModel(
            transformers.DistilBertConfig(**sizes, dim=8, n_layers=1, n_heads=2, hidden_dim=16)
        )
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture(params=KINDS, scope="module")
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny(request.param, tmp_path_factory.mktemp(request.param))


def batch(saved: str, length: int = 12, size: int = 4) -> torch.Tensor:
    data = SubwordIds(ToyReviews(size), saved, length)
    return default_collate([data[index][0] for index in range(size)])


def test_the_battery(saved: str) -> None:
    check_dataset(SubwordIds(ToyReviews(4), saved, length=12))
    check_model(Pretrained(saved), batch(saved))


def test_a_review_is_its_pieces_cut_to_length_between_two_marks(saved: str) -> None:
    toy = ToyReviews(4)
    long, short = (SubwordIds(toy, saved, length) for length in (40, 6))
    marks = long.tokenizer
    for index, text in enumerate(toy.texts):
        words = re.findall(r"\w+|[^\w\s]+", text.replace("<br />", " "))
        pieces = marks.convert_tokens_to_ids(words)[:38]
        whole = [marks.cls_token_id, *pieces, marks.sep_token_id]
        assert long[index][0].tolist() == whole + [marks.pad_token_id] * (40 - len(whole))
        assert short[index][0].tolist() == [*whole[:5], marks.sep_token_id]
        assert long[index][1] == toy.labels[index]


@torch.no_grad()
def test_the_weights_are_those_saved_and_the_last_layer_is_of_the_seed(saved: str) -> None:
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(Pretrained(saved).eval())
    one, again, other = (model.state_dict() for model in found)
    theirs = library().AutoModel.from_pretrained(saved).state_dict()
    names = {name for name in one if name.partition(".")[2].partition(".")[2] in theirs}
    assert len(names) > 10
    assert all(torch.equal(one[name], theirs[name.partition(".")[2].partition(".")[2]]) for name in names)
    assert same(one, again)
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    assert changed and not changed & names
    assert torch.equal(found[0](batch(saved)), found[1](batch(saved)))


@torch.no_grad()
def test_padding_changes_nothing(saved: str) -> None:
    model = Pretrained(saved).eval()
    short, long = batch(saved, 20, size=30), batch(saved, 32, size=30)
    whole = (long[:, 20:] == model.padding).all(1)  # reviews with at most 20 tokens
    assert whole.any()
    torch.testing.assert_close(model(long)[whole], model(short)[whole], atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_config_builds_its_parts_from_a_folder(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The complete config, with twenty reviews per split and a tiny model instead of the published ones."""
    folder = tmp_path / "data" / "imdb"
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        with lzma.open(folder / f"{split}.csv.xz", "wt", encoding="utf-8", newline="") as file:
            rows = [[index // 2, index % 2, 1 + 9 * (index % 2), f"{split} {index} film"] for index in range(20)]
            csv.writer(file).writerows([["id", "label", "rating", "text"], *rows])
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)  # a config may only name folders in the working directory and data folders
    tiny(kind, tmp_path / kind)
    changed = (f"NAME = '{kind}'", "REVISION = None", "datasets.SubwordIds.length = 8")
    built = binding.build(config.read(CONFIGS / f"{kind}.gin", changed))
    assert (len(built.train), len(built.valid), len(built.test["test"])) == (18, 2, 20)
    assert built.estimate(built.test["test"][0][0]).shape == (2,)


@pytest.mark.parametrize("kind", KINDS)
def test_name_and_revision_are_pinned_alike_for_tokenizer_and_model(kind: str) -> None:
    read = config.read(CONFIGS / f"{kind}.gin")
    macros = {row.selector: row.value for row in binding.bindings(read) if not row.parameter}
    assert kind in macros["NAME"]
    assert len(macros["REVISION"]) == 40 and set(macros["REVISION"]) <= set("0123456789abcdef"), "a commit, whole"


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    """An empty folder, so that the test uses no network."""
    for make in (lambda: Pretrained(str(tmp_path)), lambda: SubwordIds(ToyReviews(2), str(tmp_path)).ids):
        with pytest.raises(BadInput, match=r"\.name is '.*'; expected a model of the Hugging Face hub") as caught:
            make()
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match=r"SubwordIds\.length is 2; expected at least 3"):
        SubwordIds(ToyReviews(2), "unused", length=2)


class Payload:
    """A hostile pickle: it creates a folder when it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_pickle_among_the_weights_is_not_obeyed(saved: str, tmp_path: Path, name: str) -> None:
    """Weights are read only from safetensors, or from a pickle that contains nothing but tensors."""
    folder = Path(shutil.copytree(saved, tmp_path / "model"))
    (folder / "model.safetensors").unlink()
    torch.save({"embeddings.word_embeddings.weight": Payload(tmp_path / "ran")}, folder / name)
    with pytest.raises(Exception, match=r"(?i)weights.only|safetensors|header|pickle"):
        Pretrained(str(folder))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["evil", "distilbert"])
def test_code_that_comes_with_a_model_is_not_run(saved: str, tmp_path: Path, kind: str) -> None:
    """`trust_remote_code` is never set. A model that needs it is refused; a known kind uses the library's code."""
    folder = Path(shutil.copytree(saved, tmp_path / "model"))
    shown = json.loads((folder / "config.json").read_text())
    own = {f"Auto{name}": f"evil.{name}" for name in ("Config", "Model", "ModelForSequenceClassification")}
    (folder / "config.json").write_text(json.dumps({**shown, "model_type": kind, "auto_map": own}))
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n")
    if kind == "evil":
        with pytest.raises(BadInput, match=r"trust_remote_code|custom code"):
            Pretrained(str(folder))
    else:
        Pretrained(str(folder))
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_only_what_is_built_loads_transformers() -> None:
    """Neither the core nor a config of another model loads it."""
    code = (
        "import sys, repro.cli, repro.experiment, repro.trainers.supervised, repro.metrics.classification\n"
        "import papers.template.model, papers.imdb_ladder.model, papers.imdb_ladder.pretrained\n"
        "print('transformers' in sys.modules)"
    )
    root = CONFIGS.parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "False"
