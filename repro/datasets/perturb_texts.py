"""Perturbations of texts: typing errors, other names, negation, and an added sentence.

A text is a str. A text to which a perturbation does not apply, such as a text without a name, stays as it is;
`datasets.BeforeAndAfter` leaves it out. `repro.datasets.perturb_images` says what a perturbation is. The kinds of
changes follow Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList".
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from repro.registry import PERTURBATIONS, wrong_value

WORD = re.compile(r"(?<![^\W_])[A-Za-z]{4,}(?![^\W_])")
VERB = re.compile(r"\b(is|was|are|were)\b(?! not\b|n't|n’t)")
NAMES = (
    ("James", "John", "Robert", "Michael", "David", "William", "Richard", "Joseph", "Thomas", "Charles", "Daniel"),
    ("Mary", "Patricia", "Jennifer", "Linda", "Elizabeth", "Barbara", "Susan", "Jessica", "Sarah", "Karen", "Nancy"),
)
"""First names that are no other English word, of men and of women; a name is only replaced by one of the same row."""


@PERTURBATIONS.register
class Typos:
    """Typing errors: in `words` random words, two neighbouring letters change places.

    Only words of at least four letters are changed, and not their first and last letter. So the number of words and
    all letters stay the same. If a text has fewer such words, all of them are changed. words: at least 1.

    Example:

        >>> Typos(words=1)("a dull film", np.random.default_rng(0)) in ("a dull flim", "a dull film", "a dlul film")
        True
    """

    def __init__(self, words: int) -> None:
        if words < 1:
            raise wrong_value(self, "words", words, "a whole number from 1")
        self.words = words

    def __call__(self, text: str, random: np.random.Generator) -> str:
        places = [found.start() for found in WORD.finditer(text) if _swaps(found[0])]
        chosen = random.permutation(len(places))[: self.words]
        letters = list(text)
        for start in sorted(places[number] for number in chosen):
            found = WORD.match(text, start)
            assert found is not None  # the place is the start of such a word
            first = start + int(random.choice(_swaps(found[0])))
            letters[first : first + 2] = letters[first + 1], letters[first]
        return "".join(letters)


def _swaps(word: str) -> list[int]:
    """The first indices of two neighbouring inner letters that differ."""
    return [index for index in range(1, len(word) - 2) if word[index] != word[index + 1]]


@PERTURBATIONS.register
class OtherNames:
    """Other people: each first name in `NAMES` becomes another name of the same row, the same one in the whole text.

    Two names never become one. So the number of words and the rest of the text stay the same.

    Example:

        >>> changed = OtherNames()("John loves Mary. John sings.", np.random.default_rng(0)).split()
        >>> changed[0] == changed[3] != "John", changed[1:3:2]
        (True, ['loves'])
    """

    def __call__(self, text: str, random: np.random.Generator) -> str:
        becomes: dict[str, str] = {}
        for row in NAMES:
            order = random.permutation(len(row))
            becomes |= {row[now]: row[then] for now, then in zip(order, np.roll(order, 1), strict=True)}
        return re.sub(rf"\b({'|'.join(becomes)})\b", lambda found: becomes[found[0]], text)


@PERTURBATIONS.register
class Negation:
    """The opposite: `not` after each "is", "was", "are" and "were" that has none. Nothing is random.

    All other words stay the same.

    Example:

        >>> Negation()("The film is good. It was not long.", np.random.default_rng(0))
        'The film is not good. It was not long.'
    """

    def __call__(self, text: str, random: np.random.Generator) -> str:
        return VERB.sub(r"\1 not", text)


@PERTURBATIONS.register
class Added:
    """One more sentence, at the start or at the end of the text. Nothing is random. The text itself stays the same.

    `sentence` must not be empty. For a model that reads only the first words of a text, add it at the start.

    Example:

        >>> Added("I saw it on Monday.", at="start")("A dull film.", np.random.default_rng(0))
        'I saw it on Monday. A dull film.'
    """

    def __init__(self, sentence: str, at: Literal["start", "end"] = "start") -> None:
        if not sentence.strip():
            raise wrong_value(self, "sentence", repr(sentence), "a sentence")
        self.sentence, self.at = sentence, at

    def __call__(self, text: str, random: np.random.Generator) -> str:
        return f"{self.sentence} {text}" if self.at == "start" else f"{text} {self.sentence}"
