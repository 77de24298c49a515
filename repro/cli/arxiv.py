"""`repro new --arxiv ID`: the title, authors and year of a paper, from the public API of arXiv."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree  # nosec B405  # expat limits the expansion of entities; the answer is at most LARGEST

from repro.errors import BadInput

API = "https://export.arxiv.org/api/query"
PAGE = re.compile(r"(?:https?://arxiv\.org/(?:abs|pdf)/|arxiv:)?(.*?)(?:\.pdf)?", re.IGNORECASE)
ID = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?")
ATOM = "{http://www.w3.org/2005/Atom}"
LARGEST = 1_000_000  # bytes of an answer
SECONDS = 30
INSTEAD = "; without --arxiv, you fill in the citation in paper.toml"


def facts(given: str) -> dict[str, Any]:
    """The keys of `[paper]` for one paper. `given`: its arXiv identifier, or the address of its page.

    Raises BadInput if this is no identifier, if arXiv has no such paper, or if arXiv cannot be reached.
    """
    number = PAGE.fullmatch(given.strip())
    if not number or not ID.fullmatch(number[1]):
        raise BadInput(f"'{given:.60}' is not an arXiv identifier", expected="one such as 1412.6572")
    return _read(_answer(number[1]), number[1])


def _answer(number: str) -> bytes:
    """What the API answers. Raises BadInput if it does not."""
    import requests

    try:
        with requests.get(API, {"id_list": number}, timeout=SECONDS, stream=True) as answer:
            if answer.status_code == requests.codes.bad_request:
                raise _unknown(number)
            answer.raise_for_status()
            content = answer.raw.read(LARGEST + 1, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise BadInput(f"arXiv did not answer: {_short(error)}", API, expected=f"a connection{INSTEAD}") from None
    if len(content) > LARGEST:
        raise BadInput(f"the answer of arXiv has more than {LARGEST:,} bytes", API, expected=f"one paper{INSTEAD}")
    return bytes(content)


def _read(answer: bytes, number: str) -> dict[str, Any]:
    """Title, authors, year, venue and address, from an Atom feed with one entry."""
    try:
        entry = ElementTree.fromstring(answer).find(f"{ATOM}entry")  # nosec B314  # as above
    except ElementTree.ParseError as error:
        raise BadInput(f"the answer of arXiv is not XML: {error}", API, expected=f"an Atom feed{INSTEAD}") from None
    authors = [] if entry is None else [_text(one) for one in entry.iterfind(f"{ATOM}author/{ATOM}name")]
    if entry is None or not authors or "/api/errors" in _text(entry.find(f"{ATOM}id")):
        raise _unknown(number)
    year = _text(entry.find(f"{ATOM}published"))[:4]
    if not year.isdecimal():
        raise BadInput("the answer of arXiv has no date", API, expected=f"`published` in the entry{INSTEAD}")
    short = re.sub(r"v\d+$", "", number)
    named = {"title": _text(entry.find(f"{ATOM}title")), "authors": authors, "year": int(year)}
    return {**named, "venue": f"arXiv:{short}", "url": f"https://arxiv.org/abs/{short}"}


def _text(element: ElementTree.Element | None) -> str:
    """The text of an element in one line. Signs that are not shown are left out."""
    text = "" if element is None else element.text or ""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _unknown(number: str) -> BadInput:
    return BadInput(f"arXiv has no paper '{number}'", expected=f"the identifier of a paper{INSTEAD}")


def _short(error: Exception) -> str:
    """The reason in a few words: the last part of what the libraries say."""
    return re.sub(r"<[^>]*>|[()'\"]", "", str(error)).rpartition(": ")[2][:120] or type(error).__name__
