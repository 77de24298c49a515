"""Sound that ends before its header says so is refused, wherever it was cut; so is sound of an unknown length."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from repro.audio.files import decode

SAMPLES = np.random.default_rng(0).normal(0, 0.1, 8001).astype(np.float32)
KINDS = [
    *(("WAV", subtype) for subtype in ("PCM_16", "PCM_24", "FLOAT", "DOUBLE", "IMA_ADPCM", "MS_ADPCM", "GSM610")),
    *(("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"), ("AU", "PCM_16")),
    *(("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("NIST", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")),
]


def sound(kind: str, subtype: str = "PCM_16", copies: int = 1) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.tile(SAMPLES, copies), 8000, format=kind, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "subtype"), KINDS)
@pytest.mark.parametrize("opened", [False, True])
def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path, kind: str, subtype: str, opened: bool) -> None:
    if kind == "MP3" and opened:
        pytest.skip("libsndfile needs the name of an mp3 file")
    path, whole = tmp_path / f"a.{kind.lower()}", sound(kind, subtype, copies=6)

    def read(content: bytes) -> int:
        path.write_bytes(content)
        return len(decode(io.BytesIO(content) if opened else path)[0])

    assert read(whole) >= 6 * len(SAMPLES)  # some codecs fill their last block
    cuts = np.random.default_rng(1).integers(1, len(whole) - 2, 40).tolist()
    for cut in (*cuts, 0, len(whole) // 2, len(whole) - 2):  # the last byte may be a pad byte
        with pytest.raises(ValueError, match=r"ends early|cannot read audio|contains no samples|format RAW"):
            read(whole[:cut])


def test_a_pad_byte_that_is_missing_is_no_sound() -> None:
    whole = sound("WAV", "PCM_U8")
    assert len(decode(io.BytesIO(whole[:-1]))[0]) == len(SAMPLES)
    with pytest.raises(ValueError, match="ends early"):
        decode(io.BytesIO(whole[:-2]))


def wav(data_size: int, riff_size: int | None = None, behind: bytes = b"") -> io.BytesIO:
    """A whole wav file whose header has these sizes."""
    whole = bytearray(sound("WAV") + behind)
    whole[4:8] = struct.pack("<I", len(whole) - 8 if riff_size is None else riff_size)
    at = whole.index(b"data") + 4
    whole[at : at + 4] = struct.pack("<I", data_size)
    return io.BytesIO(whole)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 2 * len(SAMPLES) + 2])
@pytest.mark.parametrize("riff", [None, 0xFFFFFFFF, 0, 8])
def test_a_length_that_is_unknown_or_too_long_is_refused(size: int, riff: int | None) -> None:
    """As ffmpeg and sox write it to a pipe: such a file may have been cut, and nobody can see it."""
    with pytest.raises(ValueError, match="ends early, or was written without its length: it contains 8001 samples"):
        decode(wav(size, riff))


@pytest.mark.parametrize("riff", [None, 8])
def test_a_file_that_was_not_closed_is_refused(riff: int | None) -> None:
    for size in (0, 100):  # what was known of the length when the program was killed
        with pytest.raises(ValueError, match="contains more bytes than its header says"):
            decode(wav(size, riff))


@pytest.mark.parametrize("riff", [None, 0, 8, 0xFFFFFFFF])
@pytest.mark.parametrize("behind", [b"", b"LIST\4\0\0\0INFO", b"LIST\xff\0\0\0INFO", bytes(6), b"TAG" + b"x" * 125])
def test_the_size_of_the_whole_and_what_follows_the_sound_do_not_count(riff: int | None, behind: bytes) -> None:
    assert len(decode(wav(2 * len(SAMPLES), riff, behind))[0]) == len(SAMPLES)


def test_an_unknown_length_of_au_is_refused() -> None:
    whole = sound("AU")
    with pytest.raises(ValueError, match="written without its length"):
        decode(io.BytesIO(whole[:8] + b"\xff" * 4 + whole[12:]))


def test_a_flac_of_unknown_length_is_refused() -> None:
    whole = bytearray(sound("FLAC", copies=6))
    whole[21], whole[22:26] = whole[21] & 0xF0, bytes(4)  # the number of samples in STREAMINFO
    with pytest.raises(ValueError, match=r"the file object has \d+"):
        decode(io.BytesIO(bytes(whole)))


@pytest.mark.parametrize("kind", ["PVF", "CAF", "IRCAM"])
def test_a_format_that_does_not_say_how_long_it_is_is_refused(kind: str) -> None:
    with pytest.raises(
        ValueError, match=f"has the format {kind}, which does not state its length; expected wav or flac"
    ):
        decode(io.BytesIO(sound(kind)))
