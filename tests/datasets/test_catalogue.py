"""What stands in the catalogue can be used; what cannot is refused with file, line and the nearest right name."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from repro.data import catalogue
from repro.errors import BadInput
from repro.registry import DATASETS

SHIPPED = catalogue.every()
MD5 = 'checksum = "md5:00112233445566778899aabbccddeeff"'
GOOD = f"""[digits]
title = "Digits"
homepage = "https://example.org"
licence = "CC0"
citation = "Someone 2000"
reader = "somewhere:Digits"
urls = ["https://example.org/files/"]

[digits.variants.train]
items = 3
arguments = {{ split = "train" }}
fingerprint = "0123456789abcdef"

[digits.variants.test]
items = 2

[digits.files."a.gz"]
size = 10
{MD5}

[digits.files."b.gz"]
size = 20
{MD5}
urls = ["https://example.org/b?download=1"]
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The data sets of a text; the file is called `data.toml`, and the working directory is its own."""
    monkeypatch.chdir(tmp_path)

    def call(text: str) -> list[catalogue.DataSet]:
        path = tmp_path / "data.toml"
        path.write_text(text, encoding="utf-8")
        catalogue._read.cache_clear()  # two texts within the clock's resolution
        return catalogue.read(path)

    return call


def test_a_data_set_is_what_its_file_says(read: Any) -> None:
    (one,) = read(GOOD)
    assert (one.name, one.licence, one.bytes, list(one.variants)) == ("digits", "CC0", 30, ["train", "test"])
    assert one.variant("train") == catalogue.Variant("train", 3, {"split": "train"}, "0123456789abcdef")
    assert one.addresses(one.files["a.gz"]) == ["https://example.org/files/a.gz"]
    assert one.addresses(one.files["b.gz"]) == ["https://example.org/b?download=1"]
    assert one.parts("") == one.parts("test") == [[["a.gz", "b.gz"]]], "without layouts, its files make it whole"


FAULTS = {
    "a missing key": ('licence = "CC0"', "", "1: missing key 'licence'"),
    "an empty one": ('"CC0"', '" "', "4: 'licence' is empty"),
    "a misspelt key": ("homepage", "homepaeg", "3: unknown key 'homepaeg'; did you mean 'homepage'?"),
    "a number for a text": ('"CC0"', "3", "4: 'licence' is 3; expected a string in quotes"),
    "a reader without a class": ("somewhere:Digits", "somewhere.Digits", "6: 'somewhere.Digits' is not a reader"),
    "an address that is none": ("https://example.org/files/", "ftp://x/", "7: 'ftp://x/' is not a URL"),
    "a folder without its slash": ("org/files/", "org/files", "7: each of 'urls' must end with /"),
    "a misspelt key of a variant": ("items = 2", "item = 2", "15: unknown key 'item'; did you mean 'items'?"),
    "no items": ("items = 2", "items = 0", "15: 'items' is 0; expected the number of items"),
    "a short fingerprint": ("0123456789abcdef", "0123", "12: '0123' is not a fingerprint"),
    "a variant of no name": ("variants.test", 'variants."a/b"', "14: 'a/b' is not a valid name of a"),
    "a misspelt file": ("items = 2", 'items = 2\nfiles = ["a.zg"]', "16: no file 'a.zg'; did you mean 'a.gz'?"),
    "a size below zero": ("size = 20", "size = -1", "22: 'size' is -1; expected a number of bytes"),
    "a size of no disk": ("size = 20", "size = 1" + "0" * 400, "22: 'size' has a number of more than 18 digits"),
    "a number of 5,000 digits": ("size = 20", "size = 1" + "0" * 5000, " not TOML: Exceeds the limit"),
    "brackets without end": ("items = 2", "items = " + "[" * 5000, " not TOML: it is nested"),
    "an address with a space": ("org/files/", "org/fi les/", "7: 'https://example.org/fi les/' is not a URL"),
    "the name of the cache": ("[digits]", "[features]", "1: 'features' is not a data set"),
    "a name that no disk takes": ("[digits]", f"[{'d' * 300}]", "1: 'ddd"),
    "a size that is no number": ("size = 20", 'size = "20"', "22: 'size' is '20'; expected a whole number"),
    "a missing checksum": (f'{MD5}\nurls', "urls", "21: missing key 'checksum'"),
    "a checksum of no kind": (f"{MD5}\nurls", 'checksum = "00"\nurls', "23: '00' is not a checksum; expected"),
    "a file elsewhere": ('files."a.gz"', 'files."../a.gz"', "17: '../a.gz' is not a valid file name"),
    "a file without address": ('urls = ["https://example.org/files/"]\n', "", "16: no URL of a.gz"),
    "a path above": ("\n[digits.v", '\nlayouts = [["../x"]]\n[digits.v', "9: '../x' is not a path below the folder"),
    "an absolute path": ("\n[digits.v", '\nlayouts = [["/x"]]\n[digits.v', "9: '/x' is not a path below the folder"),
    "an empty layout": ("\n[digits.v", "\nlayouts = [[]]\n[digits.v", "9: '' is not a path below the folder"),
    "a size twice": ("\n[digits.v", "\nsize = 3\n[digits.v", "9: 'size' is given, but so are files"),
    "two ways to get it": ("\n[digits.v", '\nobtain = "ask"\n[digits.v', "9: it has both or neither of files and"),
    "no table": ("[digits]", "stray = 3\n[digits]", "1: 'stray' is not a data set; expected [name] with its keys"),
    "no TOML": ("[digits]", "[digits", "1: not TOML"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_one_line_with_its_place(read: Any, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput) as caught:
        read(GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(f"data.toml:{said}") and "\n" not in str(caught.value)


def test_a_data_set_needs_variants_and_files_or_a_way(read: Any) -> None:
    head = GOOD[: GOOD.index("[digits.variants")]
    with pytest.raises(BadInput, match=r"data\.toml:1: .* files and 'obtain'; expected exactly one"):
        read(head + "[digits.variants.all]\nitems = 1\n")
    with pytest.raises(BadInput, match=r"data\.toml:9: .* files and 'obtain'; expected exactly one"):
        read(f'{head}obtain = " "\n[digits.variants.all]\nitems = 1\n')
    with pytest.raises(BadInput, match=r"data\.toml:10: 'size' is -5; expected a number of bytes"):
        read(f'{head}obtain = "ask"\nsize = -5\n[digits.variants.all]\nitems = 1\n')
    with pytest.raises(BadInput, match=r"data\.toml:1: no variants; expected \[digits\.variants\.NAME\]"):
        read(head + GOOD[GOOD.index("[digits.files") :])
    with pytest.raises(BadInput, match=r"data\.toml:1: missing key 'layouts': it says which files"):
        read(GOOD.replace("size", "unpack = true\nsize"))


def test_fingerprints_have_names_and_names_fingerprints() -> None:
    known = {
        f"{one.name}/{variant.name}": variant.fingerprint
        for one in SHIPPED.values()
        for variant in one.variants.values()
        if variant.fingerprint
    }
    assert known and {name: catalogue.fingerprint(name) for name in known} == known
    assert {print_: catalogue.named(print_) for print_ in known.values()} == {
        value: key for key, value in known.items()
    }
    assert catalogue.named("0" * 16) is None


@pytest.mark.parametrize(("name", "said"), [
    ("mnits/test", "no data set 'mnits' in the catalogue; did you mean 'mnist'?"),
    ("mnist/tets", "mnist has no variant 'tets'; did you mean 'test'?"),
    ("mnist", "mnist has no variant ''; known: test, train"),
    ("librispeech/dev-clean", "the catalogue has no fingerprint of librispeech/dev-clean; to compute it: repro"),
])  # fmt: skip
def test_a_name_that_has_no_fingerprint_is_refused(name: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        catalogue.fingerprint(name)
    assert str(caught.value).startswith(said)


def test_the_catalogue_of_a_paper_joins_that_of_the_core(study: Any) -> None:
    assert catalogue.every() == SHIPPED
    study.add("tables", table_csv=b"x")
    assert set(catalogue.every()) == {*SHIPPED, "tables"} and catalogue.find("tables").title == "a title"


def test_one_broken_file_does_not_hide_the_rest(study: Any) -> None:
    study.catalogue.write_text("[tables]\ntitel = 'x'\n")
    found, (fault,) = catalogue.readable()
    assert found == SHIPPED and catalogue.find("mnist") == SHIPPED["mnist"]
    assert "study/data.toml:2: unknown key 'titel'; did you mean 'title'?" in str(fault)
    for call in (catalogue.every, lambda: catalogue.find("tables")):
        with pytest.raises(BadInput, match="unknown key 'titel'"):
            call()


def test_a_second_data_set_of_one_name_is_refused(study: Any) -> None:
    study.add("mnist", table_csv=b"x")
    with pytest.raises(BadInput, match=r"study/data\.toml: a data set 'mnist' is already in the catalogue"):
        catalogue.every()


@pytest.mark.parametrize("one", SHIPPED.values(), ids=SHIPPED)
def test_the_reader_of_each_data_set_exists_and_takes_the_arguments_of_each_variant(one: catalogue.DataSet) -> None:
    module, _, name = one.reader.partition(":")
    reader = getattr(importlib.import_module(module), name)
    assert DATASETS[name] is reader, "a config can name it"
    for variant in one.variants.values():
        inspect.signature(reader).bind(**variant.arguments)
