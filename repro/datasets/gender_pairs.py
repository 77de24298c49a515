"""Mixtures of two speakers that are chosen by the genders of the speakers.

Separation is harder if both voices have the same gender, so papers list the improvement for each pair.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from torch.utils.data import Dataset

from repro.data import store
from repro.datasets import tables
from repro.datasets.mixtures import Item
from repro.errors import BadInput
from repro.registry import DATASETS, wrong_value

LINE = re.compile(r"\s*(\w+)\s*[\s,|]\s*([FM])\b", re.IGNORECASE)  # "14 | F | train-clean-360 | 25.03 | ..."
LIBRI = re.compile(r"(\d+)-\d+-\d+")  # a file of LibriSpeech or LibriMix
WSJ = re.compile(r"([0-9a-z]{3})[0-9a-z]{5}")  # a file of WSJ0

Pair = Literal["FF", "FM", "MM"]


@DATASETS.register
class GenderPair(Dataset[Item]):
    """The mixtures of two speakers with the genders `pair`: "FF", "FM" (in either order) or "MM".

    Item: as of `mixtures`, in the same order. `mixtures` are made from a corpus (`datasets.SpeechMixtures`,
    `datasets.ListedMixtures`), or read from files that name their speakers (`datasets.WSJ0Mix`, `datasets.LibriMix`).

    speakers: a file `<data set>/<file>` in the data folder or the mirror that lists the gender of each speaker, F or M.
    Either it is a csv file with the columns `speaker` and `sex`, or each line begins with a speaker and a gender, as in
    LibriSpeech's SPEAKERS.TXT; lines that do not are ignored.

    All mixtures are drawn when the dataset is built, because their speakers are random.

    Raises BadInput if mixtures have more than two sources, if a speaker is not in the list, or if no mixture has this
    pair.

    Example: three voices, two of which are called female.

        >>> import os
        >>> from repro.datasets.mixtures import SpeechMixtures
        >>> from repro.datasets.voices import SyntheticVoices
        >>> os.environ["REPRO_DATA"] = str(Path.cwd())
        >>> Path("voices").mkdir()
        >>> size = Path("voices/SPEAKERS.TXT").write_text("0 | F |\\n1 | F |\\n2 | M |\\n")
        >>> voices = SyntheticVoices("test", speakers=3, utterances=1, seconds=0.5)
        >>> mixtures = SpeechMixtures(voices, size=9, seconds=0.5)
        >>> [len(GenderPair(mixtures, pair, "voices/SPEAKERS.TXT")) for pair in ("FF", "FM")]
        [3, 6]
    """

    def __init__(self, mixtures: Annotated[Any, DATASETS], pair: Pair, speakers: str) -> None:
        if mixtures.num_sources != 2:
            raise wrong_value(mixtures, "num_sources", mixtures.num_sources, "2")
        self.mixtures = self.source = mixtures
        self.illustrate, self.sample_rate, self.num_sources = mixtures.illustrate, mixtures.sample_rate, 2
        name, _, inside = speakers.partition("/")
        path = store.folder(name) / inside
        genders = genders_in(path)
        self.chosen = [index for index in range(len(mixtures)) if _pair(mixtures, index, genders, path) == pair]
        if hasattr(mixtures, "names"):
            self.names = [mixtures.names[index] for index in self.chosen]
        if not self.chosen:
            raise BadInput(f"none of the {len(mixtures)} mixtures has speakers with the genders {pair}", str(path))

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Item:
        item: Item = self.mixtures[self.chosen[index]]
        return item

    def fingerprint(self) -> str:
        """Digest of the mixtures and of which ones are chosen."""
        return hashlib.sha256(f"{self.mixtures.fingerprint()} {self.chosen}".encode()).hexdigest()[:16]


def genders_in(path: Path) -> dict[str, str]:
    """The gender, "F" or "M", of each speaker that a list names. Raises BadInput if it names none."""
    if path.suffix == ".csv":
        pairs = [(row["speaker"], row["sex"].upper()) for row in tables.read(path, ["speaker", "sex"])]
    else:
        pairs = [(found[1], found[2].upper()) for found in map(LINE.match, _lines(path)) if found]
    if not pairs:
        raise BadInput("lists the gender of no speaker", str(path), expected="lines such as '14 | F'")
    return dict(pairs)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {getattr(error, 'strerror', None) or error}", str(path)) from None


def _pair(mixtures: Any, index: int, genders: dict[str, str], path: Path) -> str:
    """The genders of mixture `index` in alphabetical order, for example "FM"."""
    found = speakers_of(mixtures, index)
    if unknown := [speaker for speaker in found if speaker not in genders]:
        raise BadInput(f"does not list speaker {unknown[0]}", str(path), given=unknown[0], known=genders)
    return "".join(sorted(genders[speaker] for speaker in found))


def speakers_of(mixtures: Any, index: int) -> list[str]:
    """The two speakers of mixture `index`: from its corpus, or from the name of its file."""
    if hasattr(mixtures, "corpus"):
        parts = mixtures.rows[index].parts if hasattr(mixtures, "rows") else mixtures.parts(index)
        return [str(mixtures.corpus.speaker_of[part.utterance]) for part in parts]
    name = mixtures.names[index].removesuffix(".wav")
    found = [match[1] for match in map(LIBRI.fullmatch, name.split("_")) if match]
    found = found or [match[1] for match in map(WSJ.fullmatch, name.split("_")) if match]
    if len(found) != 2:
        raise BadInput(f"the file name {name} does not say who speaks", expected="one of WSJ0 or LibriSpeech")
    return found
