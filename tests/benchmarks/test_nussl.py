"""Training from wav files, and separation with its evaluation, against nussl: the same size, data and batch.

The two alternate, and the least time of each counts, because other programs can only add to it.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, RandomSampler

from papers.deep_clustering.model import NusslDeepClustering
from papers.deep_clustering.trainer import NusslTrainer
from repro.audio.nussl import import_nussl
from repro.datasets.layouts import WSJ0Mix, write_mixtures
from repro.datasets.mixtures import SpeechMixtures
from repro.datasets.spectrograms import SpectrogramSegments
from repro.datasets.voices import SyntheticVoices
from repro.losses.clustering import DeepClustering
from repro.metrics.separation import SDR, SISDR
from repro.models.separation import EmbeddingNetwork
from repro.trainers.supervised import Supervised

FILES, SECONDS = 8, 4.0
BATCH, FRAMES, STEPS = 8, 400, 3  # three passes over the files
SIZE = {"hidden": 128, "layers": 2, "embedding": 20, "dropout": 0.0}
ROUNDS = 3
RECIPE = ("MagnitudeSpectrumApproximation", "MagnitudeWeights", "ToSeparationModel")  # of nussl, without its cache
ADAM = functools.partial(torch.optim.Adam, lr=2e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mixtures as wav files in the layout of wsj0-2mix, which both read."""
    voices = SyntheticVoices("train", speakers=4, utterances=2, seconds=SECONDS + 1)
    root = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_DATA", str(root))
        yield write_mixtures(SpeechMixtures(voices, size=FILES, seconds=SECONDS), root / "wsj0-2mix", "tr")


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[EmbeddingNetwork, NusslDeepClustering]:
    """Both networks after a short training, because k-means takes much longer if there are no clusters."""
    data = SpectrogramSegments(WSJ0Mix("tr", size=FILES), frames=100, weights="magnitude")
    own, baseline = EmbeddingNetwork(**SIZE, masks="soft"), NusslDeepClustering(**SIZE)
    Supervised(20, BATCH, ADAM).fit(own, DeepClustering(), data, None, tmp_path_factory.mktemp("own"), 0)
    NusslTrainer(20, BATCH, ADAM).fit(baseline, None, data, None, tmp_path_factory.mktemp("nussl"), 0)
    return own.eval(), baseline.eval()


def seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def compared(ours: Callable[[], Any], theirs: Callable[[], Any]) -> float:
    """How many times as fast `ours` is. The first call of each does not count."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(1 + ROUNDS)][1:]
    return min(peer for _, peer in pairs) / min(own for own, _ in pairs)


def test_training_from_wav_files(benchmark: Any, measured: Any, folder: Path, tmp_path: Path) -> None:
    """Both include everything from opening the files to the last step of Adam."""
    data = SpectrogramSegments(WSJ0Mix("tr", size=FILES), FRAMES, weights="magnitude")
    model, trainer = EmbeddingNetwork(**SIZE), Supervised(STEPS, BATCH, ADAM)
    unused = (tmp_path / str(number) for number in itertools.count())  # in a used one, the training would be over

    def ours() -> None:
        place = next(unused)
        place.mkdir()
        trainer.fit(model, DeepClustering(), data, None, place, 0)

    transforms, train = import_nussl().datasets.transforms, import_nussl().ml.train
    chain = [*(getattr(transforms, name)() for name in RECIPE), transforms.GetExcerpt(FRAMES)]
    items = import_nussl().datasets.MixSourceFolder(str(folder), transform=transforms.Compose(chain))
    network = NusslDeepClustering(**SIZE).network

    def theirs() -> None:
        closure = train.closures.TrainClosure({"DeepClusteringLoss": {}}, ADAM(network.parameters()), network)
        engine, _ = train.create_train_and_validation_engines(closure)
        engine.run(DataLoader(items, BATCH, sampler=RandomSampler(items)), max_epochs=STEPS * BATCH // FILES)

    ratio = compared(ours, theirs)
    benchmark.pedantic(ours, rounds=1)
    benchmark.extra_info["times_the_items_per_second_of_nussl"] = round(ratio, 2)
    measured("training steps from wav files", f"{ratio:.2f} times the items per second of nussl", "at least 1.5")


def test_separation_and_evaluation(
    benchmark: Any, measured: Any, trained: tuple[EmbeddingNetwork, NusslDeepClustering]
) -> None:
    """Four mixtures in turn. nussl's evaluation has SI-SDR and its relatives, ours has SI-SDR and SDR."""
    items = [WSJ0Mix("tr", size=FILES)[index] for index in range(4)]
    model, baseline = trained
    signal = functools.partial(import_nussl().AudioSignal, sample_rate=8000)

    def ours() -> None:
        for inputs, sources in items:
            estimate = model.estimate(inputs)
            for metric in (SISDR(), SDR()):
                metric(estimate, sources, inputs)

    def theirs() -> None:
        for inputs, sources in items:
            pair = ([signal(audio_data_array=one.numpy()) for one in x] for x in (sources, baseline.estimate(inputs)))
            import_nussl().evaluation.BSSEvalScale(*pair, compute_permutation=True).evaluate()

    def network() -> None:
        with torch.no_grad():
            for inputs, _ in items:
                model(model.stft(inputs["mixture"]).abs().unsqueeze(0))

    ratio, limit = compared(ours, theirs), compared(network, theirs)
    benchmark.pedantic(ours, rounds=1)
    benchmark.extra_info |= {"times_as_fast_as_nussl": round(ratio, 2), "limit": round(limit, 2)}
    said = f"{ratio:.2f} times as fast as nussl; {limit:.2f} if everything but our network took no time"
    measured("separation and evaluation of mixtures of 4 s", said, "at least 5")
