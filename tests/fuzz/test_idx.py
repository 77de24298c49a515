"""The gzipped idx files of MNIST: images and their classes."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from hypothesis import strategies as st

from repro.datasets.idx import Mnist
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import spoilt
from tests.fuzz.referee import Referee

SIZES = [0, 1, 2, 28, 784, 2**16, 2**31, 2**32 - 1]


def idx(content: bytes, *sizes: int) -> bytes:
    return bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + content


IMAGES, LABELS = idx(bytes(range(256)) * 6 + bytes(32), 2, 28, 28), idx(b"\1\2", 2)


@st.composite
def files(draw: st.DrawFn, original: bytes, dimensions: int) -> bytes:
    """An idx file, spoilt in what it says, in its bytes, and in how it is packed."""
    content = original
    if draw(st.integers(0, 3)) == 3:
        sizes = draw(st.lists(st.sampled_from(SIZES), min_size=dimensions, max_size=dimensions))
        content = idx(original[4 + 4 * dimensions :], *sizes)
    if draw(st.integers(0, 3)) == 3:
        content = draw(spoilt([content]))
    packed = gzip.compress(content, 1, mtime=0)
    return draw(spoilt([packed])) if draw(st.integers(0, 3)) == 3 else packed


def test_any_images_are_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_MIRROR", str(fuzzed.resolve()))
    empty = {f"mnist/t10k-{name}.gz": b"" for name in ("images-idx3-ubyte", "labels-idx1-ubyte")}

    def read() -> None:
        found = Mnist("train")
        found[len(found) - 1]
        found.fingerprint()

    def case(referee: Referee, given: tuple[bytes, bytes]) -> None:
        images, labels = given
        names = {"mnist/train-images-idx3-ubyte.gz": images, "mnist/train-labels-idx1-ubyte.gz": labels}
        referee.judge(read, {**empty, **names})

    fuzz(st.tuples(files(IMAGES, 3), files(LABELS, 1)), case)
