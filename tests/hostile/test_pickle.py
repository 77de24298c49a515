"""No pickle that came from elsewhere is obeyed: by no line of ours, and by no reader that we call."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_model

from repro.data import cache
from repro.datasets.idx import read_idx

ROOT = Path(__file__).parents[2]
OURS = [
    path
    for place in ("repro", "papers", "docs")
    for path in sorted((ROOT / place).rglob("*.py"))
    if "tests" not in path.relative_to(ROOT).parts
]
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "runpy", "jsonpickle"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {"popen", "read_pickle", "load_state", "add_safe_globals", "unsafe_load", "import_module", "find_spec"}
WHOLE = {"torch.load", "torch.hub.load", "yaml.load", "hub.load", "os.system"}
WORDS = {"allow_pickle", "trust_remote_code", "shell"}
EXCEPTIONS = {
    ("repro/__init__.py", "import_module"): "the public modules of the core, by names written there",
    ("repro/rerun/certify_child.py", "runpy"): "runs `python -m repro`",
    ("repro/models/weights.py", "pickle"): "the error that torch.load raises for a file that is not weights only",
    ("repro/testing/parts.py", "pickle"): "reads back the bytes that it has just made of a part, in memory",
    ("repro/audio/nussl.py", "add_safe_globals"): "what a checkpoint of nussl may hold: tests below and in test_audio",
    ("repro/audio/nussl.py", "import_module"): "nussl and the libraries that it needs, by names written there",
    ("repro/audio/nussl.py", "find_spec"): "asks whether they are installed",
    ("repro/audio/stft.py", "import_module"): "torchaudio",
    ("repro/export/__init__.py", "import_module"): "the libraries of the extra `export`, by names written there",
    (
        "repro/serve/__init__.py",
        "import_module",
    ): "the libraries of the extras `serve` and `page`, by names written there",
    ("repro/track/__init__.py", "import_module"): "the module of one of four trackers, by names written there",
    ("repro/track/__init__.py", "find_spec"): "asks whether a tracker is installed",
    ("docs/conf.py", "import_module"): "scipy.stats",
    ("repro/cli/export.py", "import_module"): "the module of one of the four forms, by names written there",
    ("papers/imdb_ladder/pretrained.py", "import_module"): "transformers",
    (
        "repro/experiment/importing.py",
        "import_module",
    ): "modules that a config or a catalogue names, behind repro.untrusted: test_hostile_config, test_data_command",
    (
        "repro/experiment/binding.py",
        "import_module",
    ): "the package of a module that a config names: test_hostile_config",
    ("repro/report/sphinx/site.py", "find_spec"): "asks whether Sphinx is installed",
    ("repro/cli/doctor.py", "find_spec"): "asks which packages are installed",
    ("repro/launch/slurm.py", "find_spec"): "asks whether submitit is installed",
    ("repro/cli/__init__.py", "system"): "a module of ours: errors of the operating system as one line",
    ("repro/cli/running.py", "system"): "the same",
    ("repro/record/loaded.py", "marshal"): "compares a compiled file with its source; Python has loaded it already",
    ("repro/record/loaded.py", "compile"): "the same; what it compiles is not run",
}


def _suspicious(tree: ast.AST) -> Iterator[str]:
    """Whatever may turn bytes or text into code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from {alias.name.split(".")[0] for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            yield from {(node.module or "").split(".")[0]} & MODULES | {alias.name for alias in node.names} & {
                *CALLS,
                "system",
            }
        elif isinstance(node, ast.Call):
            asked = [word for word in node.keywords if word.arg in {*WORDS, "weights_only"}]
            yield from _call(_dotted(node.func), {word.arg: ast.unparse(word.value) for word in asked})


def _dotted(node: ast.expr) -> str:
    """The name of what is called, such as `torch.load`; what is not a name is left out, as in `.load`."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _call(name: str, given: dict[str | None, str]) -> Iterator[str]:
    if not (name == "torch.load" and given.get("weights_only") == "True"):
        yield from {name} & (BUILTINS | WHOLE) | {name.rpartition(".")[2]} & CALLS
    yield from (word for word in WORDS if given.get(word, "False") != "False")


def _found() -> set[tuple[str, str]]:
    trees = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in OURS}
    return {(path, name) for path, tree in trees.items() for name in _suspicious(tree)}


def test_nothing_of_ours_turns_bytes_into_code_but_what_is_excepted_with_a_reason() -> None:
    assert len(OURS) > 100
    assert _found() == set(EXCEPTIONS)


@pytest.mark.parametrize("text", [
    "import pickle", "from pickle import loads", "import dill as x", "torch.load(f)", "torch.load(f, weights_only=x)",
    "np.load(f, allow_pickle=True)", "np.load(f, allow_pickle=x)", "eval('1')", "exec(x)", "os.system('x')",
    "torch.hub.load('x')", "yaml.load(f)", "subprocess.run('x', shell=True)", "compile(x, '', 'exec')",
    "auto.from_pretrained(x, trust_remote_code=1)", "importlib.import_module(x)", "from importlib import import_module",
    "from os import system",
    "pd.read_pickle(f)", "accelerator.load_state(f)", "serialization.add_safe_globals([x])", "__import__('os')",
])  # fmt: skip
def test_the_check_above_sees(text: str) -> None:
    assert list(_suspicious(ast.parse(text)))


@pytest.mark.parametrize("text", [
    "torch.load(f, weights_only=True)", "np.load(f)", "np.load(f, allow_pickle=False)", "model.eval()", "re.compile(x)",
])  # fmt: skip
def test_and_lets_pass(text: str) -> None:
    assert not list(_suspicious(ast.parse(text)))


class Payload:
    """What a hostile pickle does when it is loaded: it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Payload]:
    """A payload that works, which no reader of the test may set off."""
    pickle.loads(pickle.dumps(Payload(tmp_path / "proof")))
    assert (tmp_path / "proof").is_dir()
    yield Payload(tmp_path / "ran")
    assert not (tmp_path / "ran").exists()


def test_the_checkpoints_of_a_run_are_no_pickles(hostile: Payload, tmp_path: Path) -> None:
    torch.save({"weight": hostile}, tmp_path / "best.safetensors")
    with pytest.raises(SafetensorError):
        load_model(torch.nn.Linear(1, 1), tmp_path / "best.safetensors")


def test_a_checkpoint_of_nussl_holds_tensors_and_listed_types_alone(hostile: Payload, tmp_path: Path) -> None:
    """Nothing of ours loads one; torch holds nussl's own reader to `weights_only`, with what we allow it besides."""
    if importlib.util.find_spec("nussl") is None:
        pytest.skip("nussl is not installed")
    from repro.audio.nussl import import_nussl

    nussl = import_nussl()
    torch.save({"state_dict": {}, "config": "{}", "metadata": hostile}, tmp_path / "model.pth")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        nussl.ml.SeparationModel.load(tmp_path / "model.pth")
    kinds = [one[0] if isinstance(one, tuple) else one for one in torch.serialization.get_safe_globals()]
    roots = {kind.__module__.split(".")[0] for kind in kinds}
    assert "nussl" in roots and roots <= {"nussl", "numpy", "collections", "builtins", "torch", "transformers"}
    assert {kind.__name__ for kind in kinds if kind.__module__ == "builtins"} <= {"dict", "list"}


def numbers() -> cache.Arrays:
    return {"numbers": np.arange(3)}


def test_an_entry_of_the_cache_that_was_swapped_for_a_pickle_is_computed_again(
    hostile: Payload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By someone who may write there, and has set the checksum right."""
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(cache, "describe", lambda *_: {"code": {}, "build": "numbers"})
    cache.arrays("x", numbers)
    (path,) = (tmp_path / "data").rglob("numbers.npy")
    np.save(path, np.array([hostile], dtype=object), allow_pickle=True)
    listed = json.loads((path.parent / cache.ENTRY).read_text())
    listed["arrays"]["numbers"]["crc32"] = zlib.crc32(path.read_bytes())
    (path.parent / cache.ENTRY).write_text(json.dumps(listed))
    assert cache.arrays("x", numbers)["numbers"].tolist() == [0, 1, 2]


def test_a_file_of_a_data_set_that_is_a_pickle_is_no_data(hostile: Payload, tmp_path: Path) -> None:
    import gzip

    (tmp_path / "x.gz").write_bytes(gzip.compress(pickle.dumps(hostile)))
    with pytest.raises(Exception, match="is not an idx file"):
        read_idx(tmp_path / "x.gz", 3)
