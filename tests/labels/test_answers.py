"""Exports of Label Studio are read as its documentation describes them; what does not fit is named by file and task."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from repro.datasets import label_table
from repro.datasets.digits import Digits
from repro.errors import BadInput
from repro.labels import answers
from tests.labels import study

WHEN = "2026-01-02T03:04:05.678901Z"
DIGITS = Digits("test", size=8)
IDS = label_table.ids(DIGITS)


def task(paper: str, index: int, *people: tuple[Any, str], **data: Any) -> dict[str, Any]:
    """A task of a JSON export with one annotation for each of `people`: who, and the chosen class."""
    about = {"paper": paper, "config": "digits", "test": "right", "item": IDS[index], "label": str(DIGITS[index][1])}
    return {
        "id": index + 1,
        "data": {
            **about,
            "classes": [str(number) for number in range(10)],
            "image": "data:image/png;base64,AA",
            **data,
        },
        "annotations": [annotation(number, who, choice) for number, (who, choice) in enumerate(people)],
        "predictions": [],
        "project": 1,
        "created_at": WHEN,
    }


def annotation(number: int, who: Any, choice: str) -> dict[str, Any]:
    value = {"id": "abc", "from_name": "new_label", "to_name": "shown", "type": "choices", "origin": "manual"}
    return {
        "id": number,
        "completed_by": who,
        "result": [{**value, "value": {"choices": [choice]}}],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": WHEN,
        "updated_at": WHEN,
        "lead_time": 1.25,
    }


def smallest(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the same task in a JSON-MIN export: one for each annotation, with the data of the task."""
    return [
        {
            **row["data"],
            "id": row["id"],
            "new_label": note["result"][0]["value"]["choices"][0],
            "annotator": note["completed_by"],
            "annotation_id": note["id"],
            "created_at": note["created_at"],
            "updated_at": note["updated_at"],
            "lead_time": note["lead_time"],
        }
        for note in row["annotations"]
    ]


def write(rows: Any, name: str = "export.json") -> Path:
    path = Path(name)
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


@pytest.fixture
def digits(paper: Any) -> str:
    """The name of a paper on digits, in the working directory."""
    study.digits(paper)
    return str(paper.name)


def test_json_and_json_min_say_the_same(digits: str) -> None:
    rows = [task(digits, 3, (1, "9"), (2, "8")), task(digits, 5, (2, "0"))]
    full = answers.bring_in([write(rows)], "full")
    small = answers.bring_in([write([one for row in rows for one in smallest(row)])], "small")
    assert full.answers == small.answers and full.given == small.given == 3
    found = [(one.item, one.old, one.new, one.who, one.when) for one in full.answers]
    when = "2026-01-02T03:04:05+00:00"
    assert sorted(found) == sorted(
        [
            (IDS[3], DIGITS[3][1], 9, "annotator-1", when),
            (IDS[3], DIGITS[3][1], 8, "annotator-2", when),
            (IDS[5], DIGITS[5][1], 0, "annotator-2", when),
        ]
    )
    assert label_table.read(full.table) == sorted(full.answers, key=lambda one: (one.item, one.who))
    assert full.table == Path("papers", digits, "labels", "full.csv").absolute()


def test_skipped_and_empty_annotations_are_no_answers(digits: str) -> None:
    row = task(digits, 3, (1, "9"), (2, "8"), (3, "7"))
    row["annotations"][0]["was_cancelled"] = True
    row["annotations"][1]["result"] = []
    assert [one.choice for one in answers.read(write([row]))] == ["7"]


def test_another_annotator_adds_and_a_newer_answer_replaces(digits: str) -> None:
    answers.bring_in([write([task(digits, 3, ({"id": 1, "email": "a@b.c"}, "9"))])])
    answers.bring_in([write([task(digits, 3, (1, "8"))])], who="ben")
    newer = task(digits, 3, (1, "7"))
    newer["annotations"][0]["updated_at"] = "2026-01-03T00:00:00Z"
    answers.bring_in([write([newer])])
    found = answers.bring_in([write([task(digits, 3, (1, "5"))])])
    assert {(one.who, one.new) for one in found.answers} == {("annotator-1", 7), ("ben", 8)}
    assert "@" not in found.table.read_text()


def test_the_command_lists_ties_and_the_table_keeps_them(digits: str, repro: Any) -> None:
    path = write([task(digits, 3, (1, "9"), (2, "8")), task(digits, 5, (1, "0"), (2, "0"))])
    code, out, err = repro("labels", "import", path, "--name", "first")
    assert (code, out.strip()) == (0, f"papers/{digits}/labels/first.csv")
    assert IDS[3] in err and IDS[5] not in err
    found = label_table.read(Path(out.strip()))
    assert label_table.ties(found) == [IDS[3]] and label_table.decided(found) == {IDS[5]: 0}


def changed(row: dict[str, Any], *keys: Any, value: Any) -> dict[str, Any]:
    """A copy of a task with another value at a path of keys; None removes it."""
    found = copy.deepcopy(row)
    place = found
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return found


CHOICE = ("annotations", 0, "result", 0, "value")


@pytest.mark.parametrize(("keys", "value"), [
    (("data", "item"), None), (("data", "item"), "no such item"), (("data", "item"), 3), (("data", "item"), "x" * 301),
    (("data", "paper"), "no_such_paper"), (("data", "paper"), "../template"), (("data", "config"), "digit"),
    (("data", "config"), "../../x"), (("data", "test"), "rihgt"), (("data", "label"), "11"), (("data", "label"), "0"),
    (("data", "classes"), None), (("data", "classes"), "0123456789"), (("data", "classes"), ["0", "0"]),
    (("data",), []), (("annotations",), {}), (("annotations", 0), 3), (("annotations", 0, "result"), "9"),
    (("annotations", 0, "completed_by"), None), (("annotations", 0, "completed_by"), "a@b.c"),
    (("annotations", 0, "completed_by"), True), (("annotations", 0, "updated_at"), "yesterday"),
    (("annotations", 0, "result", 0, "from_name"), "choice"), (("annotations", 0, "completed_by"), -3),
    (("annotations", 0, "updated_at"), 20260102), (("annotations", 0, "updated_at"), "0001-01-01"),
    (("data", "classes"), ["1", "0", *"23456789"]),
    ((*CHOICE, "choices"), ["9", "8"]), ((*CHOICE, "choices"), ["11"]), ((*CHOICE, "choices"), 9), (CHOICE, 9),
])  # fmt: skip
def test_what_is_wrong_is_named_by_file_and_task(keys: tuple[Any, ...], value: Any, digits: str) -> None:
    """Task 2 is changed; no table is written."""
    row = task(digits, 3, (1, "9"))
    path = write([task(digits, 5, (1, "0")), changed(row, *keys, value=value)])
    with pytest.raises(BadInput) as error:
        answers.bring_in([path])
    assert error.value.where == "export.json: task 2" and error.value.code == 2
    assert not Path("papers", digits, "labels").exists()


def test_a_class_that_the_data_do_not_have_is_refused(digits: str) -> None:
    row = task(digits, 3, (1, "10"), classes=[str(number) for number in range(11)])
    with pytest.raises(BadInput) as error:
        answers.bring_in([write([row])])
    assert error.value.where == "export.json: task 1"


def test_tasks_of_another_paper_are_refused(digits: str) -> None:
    rows = [task(digits, 3, (1, "9")), task("template", 5, (1, "9"))]
    with pytest.raises(BadInput) as error:
        answers.bring_in([write(rows)])
    assert "template" in error.value.what and error.value.where == "export.json: task 2"


@pytest.mark.parametrize("content", [
    b"", b"{}", b"[", b"3", b"[3]", b"[]", b"\xff", b'[{"data": {"a": 1, "a": 2}}]', b"[" * 100_000,
    b"item,old\n", '[{"data": "\u202e"}]'.encode(), b"[NaN]",
])  # fmt: skip
def test_a_file_that_is_no_export_is_one_line(content: bytes, refused: Any, digits: str) -> None:
    Path("export.json").write_bytes(content)
    assert "export.json" in refused("labels", "import", "export.json")


@pytest.mark.parametrize(("key", "value"), [("paper", "digist"), ("classes", ["1", "0", *"23456789"])])
def test_what_is_wrong_in_every_task_is_named_at_the_first(key: str, value: Any, digits: str) -> None:
    rows = [changed(task(digits, at, (1, "9")), "data", key, value=value) for at in (3, 5)]
    with pytest.raises(BadInput) as error:
        answers.bring_in([write(rows)])
    assert error.value.where == "export.json: task 1" and error.value.code == 2
    assert not Path("papers", digits, "labels").exists()


def test_names_that_suspects_was_given_are_read_by_their_numbers(digits: str) -> None:
    named = {"classes": [*"abcdefghij"], "label": "abcdefghij"[DIGITS[3][1]]}
    (found,) = answers.bring_in([write([task(digits, 3, (1, "j"), **named)])]).answers
    assert (found.old, found.new) == (DIGITS[3][1], 9)


def test_a_wrong_name_is_refused_as_an_option_and_not_as_a_fault_of_the_file(digits: str) -> None:
    path = write([task(digits, 3, (1, "9"))])
    for names in ({"who": "a@b"}, {"name": "../a"}):
        with pytest.raises(BadInput) as error:
            answers.bring_in([path], **names)
        assert error.value.where == "" and error.value.what.startswith(f"--{next(iter(names))} ")


def test_a_name_for_several_annotators_and_a_path_as_name_are_refused(digits: str, refused: Any) -> None:
    path = write([task(digits, 3, (1, "9"), (2, "8"))])
    assert "--who" in refused("labels", "import", path, "--who", "ann")
    assert "--name" in refused("labels", "import", path, "--name", "../a")
    assert "cannot be read" in refused("labels", "import", "no_such_file.json")
