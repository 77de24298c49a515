"""Wav and FLAC, as a corpus reads them: from a folder and from a tar, at their own rate and at another."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from hypothesis import strategies as st

from repro.datasets.recordings import Piece, source, waveforms
from tests.fuzz.conftest import Fuzz
from tests.fuzz.mutations import spoilt
from tests.fuzz.referee import Referee


def sound(kind: str, subtype: str = "PCM_16", rate: int = 8000, length: int = 400, channels: int = 1) -> bytes:
    samples = np.random.default_rng(length).normal(0, 0.1, (length, channels))
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


ORIGINALS = [
    *(sound("WAV"), sound("FLAC"), sound("FLAC", rate=16000, length=5000), sound("WAV", rate=44100)),
    *(sound("WAV", "FLOAT"), sound("WAV", "PCM_24"), sound("WAV", "ULAW"), sound("WAV", "IMA_ADPCM")),
    *(sound("WAVEX"), sound("RF64"), sound("W64"), sound("FLAC", channels=2), sound("OGG", "VORBIS"), sound("AIFF")),
]
NAMES = ["a.wav", "a.flac", "a.raw", "a.mp3", "a"]  # some readers go by the name
RATES = [0, 1, 7, 2047, 8000, 11025, 65537, 2**31 - 1, 2**32 - 1]


@st.composite
def sounds(draw: st.DrawFn) -> tuple[str, bytes, int]:
    """A file, its name, and the rate that it is wanted at."""
    content = bytearray(draw(spoilt(ORIGINALS)))
    if draw(st.integers(0, 4)) == 4 and content[:4] == b"RIFF":
        content[24:28] = struct.pack("<I", draw(st.sampled_from(RATES)))
    if draw(st.integers(0, 4)) == 4 and content[:4] == b"fLaC":
        content[18:26] = draw(st.binary(min_size=8, max_size=8))  # rate, channels, bits, number of samples
    return draw(st.sampled_from(NAMES)), bytes(content), draw(st.sampled_from([8000, 16000]))


def test_any_sound_is_read_or_refused_in_a_line(fuzz: Fuzz, fuzzed: Path) -> None:
    def case(referee: Referee, given: tuple[str, bytes, int]) -> None:
        name, content, rate = given

        def read() -> Any:
            return waveforms(fuzzed, Piece(0, [name], source(fuzzed, [name])), rate)

        referee.judge(read, {name: content})

    fuzz(sounds(), case)
