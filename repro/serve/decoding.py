"""Files and numbers of strangers, decoded: an error is one line, and a small file cannot need much memory.

Letters: C channels, H rows and W columns of an image, T samples of a sound.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from typing import Any

import numpy as np
import soundfile
import torch
from PIL import Image
from torch import Tensor

from repro.audio.files import read_audio
from repro.errors import BadInput
from repro.files.strict_json import DECODER

MODES = {1: "L", 3: "RGB"}
"""Pillow's mode of an image by its number of channels. An image is never converted: this changes its numbers."""
FORMATS = ("PNG", "JPEG", "BMP")  # Pillow reads other formats too, some of them with other programs
PIXELS = 16_000_000
SECONDS = 60  # of a sound
NUMBERS = 4_000_000  # in a request
ORIENTATION = 0x112  # the tag of EXIF
LOUDEST = 10.0  # times full scale
JSON = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # the number of pixels is checked here
WORD = re.compile(r"\w")
FILE_OBJECT = re.compile(r"the file object|<_io\.BytesIO object at \w+>")


def text(content: bytes) -> str:
    """The text of a request. Raises BadInput if it is not UTF-8, or has no letter and no digit.

    >>> text("Très bien.".encode())
    'Très bien.'
    """
    try:
        found = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"the text is not UTF-8 ({error.reason} at byte {error.start})") from None
    if not WORD.search(found):
        raise BadInput("the text has no word", expected="a text with at least one letter or digit")
    return found


def image(content: bytes, shape: tuple[int, int, int]) -> Tensor:
    """The pixels (C, H, W) of an image file, float32 in [0, 1]. shape: (C, H, W); H and W of 0 are any size.

    Raises BadInput if the file is not an image, is damaged, or has another size or number of channels.

    >>> file = io.BytesIO()
    >>> Image.new("L", (3, 2), 255).save(file, format="PNG")
    >>> image(file.getvalue(), (1, 2, 3)).tolist()
    [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            _refuse_other(opened, shape)
            opened.load()
            pixels = np.array(opened)
    except BadInput:
        raise
    except Image.DecompressionBombError:
        raise BadInput("the image has too many pixels", expected=f"at most {PIXELS:,}") from None
    except Exception as error:  # Pillow raises errors of many kinds for damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = f"it is not one of {', '.join(FORMATS)}" if "cannot identify" in reason else f"{reason:.80}"
        what = f"the image cannot be decoded: {reason}"
        raise BadInput(what, expected="a complete file") from None
    return torch.from_numpy(pixels).reshape(*pixels.shape[:2], -1).permute(2, 0, 1).contiguous() / 255


def _refuse_other(opened: Image.Image, shape: tuple[int, int, int]) -> None:
    """Raise BadInput before the pixels are decoded."""
    channels, rows, columns = shape
    width, height = opened.size
    if rows and (height, width) != (rows, columns):
        raise BadInput(f"the image has {height} x {width} pixels", expected=f"{rows} x {columns}, rows x columns")
    if width * height > PIXELS:
        raise BadInput(f"the image has {width * height:,} pixels", expected=f"at most {PIXELS:,}")
    if opened.mode != MODES[channels]:
        names = {"L": "L (grey, 8 bits)", "RGB": "RGB (three times 8 bits)"}
        raise BadInput(f"the image has the mode {opened.mode}", expected=names[MODES[channels]])
    _refuse_altered(opened)


def _refuse_altered(opened: Image.Image) -> None:
    """Raise BadInput for a file that other programs show differently from its pixels: they would send another image."""
    if getattr(opened, "n_frames", 1) > 1:
        raise BadInput("the image is a film", expected="one image")
    if (turned := opened.getexif().get(ORIENTATION, 1)) != 1:
        raise BadInput(f"the image is stored turned (EXIF orientation {turned})", expected="pixels as they are shown")
    if "transparency" in opened.info:
        raise BadInput("the image has a transparent colour", expected="an image without transparency")


def sound(content: bytes, sample_rate: int) -> Tensor:
    """The samples (T,) of a sound file, at `sample_rate` Hz. Raises BadInput if it is not mono, damaged or too long."""
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as opened:
            seconds = opened.frames / opened.samplerate
        if seconds > SECONDS:
            raise BadInput(f"the sound has {seconds:,.0f} s", expected=f"at most {SECONDS} s")
        samples = read_audio(io.BytesIO(content), sample_rate)
    except BadInput:
        raise
    except Exception as error:  # libsndfile raises errors of several kinds for damaged files
        reason = FILE_OBJECT.sub("the sound", " ".join(str(error).split())).partition(", expected")[0]
        raise BadInput(f"the sound cannot be decoded: {reason:.160}", expected="a mono file: wav or flac") from None
    if (peak := float(samples.abs().max())) > LOUDEST:
        raise BadInput(
            f"the sound has samples of size {peak:,.6g}", expected=f"at most {LOUDEST:g}, where 1 is full scale"
        )
    return samples


def numbers(content: Any, dtype: torch.dtype, shape: tuple[int, ...], exactly: bool) -> Tensor:
    """Nested lists of numbers as a tensor. shape: of a test item; not `exactly`: only its number of dimensions counts.

    >>> numbers([[1, 2.5]], torch.float32, (1, 2), exactly=True)
    tensor([[1.0000, 2.5000]])
    """
    expected = f"numbers of the shape {shape}" if exactly else f"numbers in {len(shape)} dimensions, such as {shape}"
    try:
        found = torch.tensor(content, dtype=torch.float64)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise BadInput(
            f"not an array of numbers: {str(error).splitlines()[0].removeprefix('new(): '):.80}", expected=expected
        ) from None
    if found.ndim != len(shape) or (exactly and tuple(found.shape) != shape) or not 0 < found.numel() <= NUMBERS:
        raise BadInput(f"the numbers have the shape {tuple(found.shape)}", expected=expected)
    held = found.to(dtype)
    if not held.isfinite().all() or (not dtype.is_floating_point and not torch.equal(held.double(), found)):
        raise BadInput("a number is too large or is not whole", expected=f"numbers of the type {dtype}")
    return held


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises BadInput if it is not one.

    >>> json_object(b'{"text": "good"}')
    {'text': 'good'}
    """
    try:
        found = DECODER.decode(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise BadInput(f"not valid JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise BadInput("the JSON is nested too deep") from None
    except ValueError as error:  # not UTF-8, a key twice, a number with too many digits
        raise BadInput(f"not valid JSON: {error!s:.120}") from None
    if not isinstance(found, dict):
        raise BadInput(f"the JSON is {kind_of(found)}", expected="an object, with the key that names the input")
    return found


def kind_of(value: Any) -> str:
    """What a value of JSON is, for a message.

    >>> kind_of(None), kind_of(2.5)
    ('null', 'a number')
    """
    return JSON.get(type(value), "a number")
