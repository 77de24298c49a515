"""Read the answers of annotators from exports of Label Studio (JSON or JSON-MIN) and of `repro labels annotate`.

A JSON export is a list of tasks, each with all its `annotations`. JSON-MIN is a list of annotations, each with the
`data` of its task. Skipped tasks are left out. E-mail addresses are not copied: an annotator of Label Studio is called
`annotator-N` by number, unless you give a name.

Everything in such a file was typed by others, so each value is checked.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import config as configs
from repro.claim import paper
from repro.config import names
from repro.datasets import label_table
from repro.datasets.label_table import WHO, Answer
from repro.errors import BadInput, where
from repro.experiment import binding
from repro.files import disk, regular
from repro.labels import tasks
from repro.labels.tasks import CHOICE, Task

NAME = re.compile(r"\w[\w.-]{0,80}")
EARLIEST = 2000  # the first year in which an answer can have been given; an earlier one is a clock that was not set


@dataclass(frozen=True)
class Given:
    """An answer as it is in a file: the task, the name of the chosen class, by whom, when, and where it was read."""

    task: Task
    choice: str
    by: int | str
    when: str
    place: str


@dataclass(frozen=True)
class Imported:
    """The result of an import: the table, all its answers, and the number of those that these files gave."""

    table: Path
    answers: list[Answer]
    given: int


def bring_in(files: Sequence[Path], name: str = "", who: str = "") -> Imported:
    """Read answers from exports, check them with the data, and add them to the table of their paper.

    The table is `papers/<paper>/labels/<name>.csv`, by default `<config>-<test set>.csv`. A newer answer of an
    annotator about an item replaces an older one. who: the name of the only annotator in these files.
    Raises BadInput, with file and task, if a file is not such an export, if a value in it is wrong, if the tasks are
    not of one paper, config, test set and list of classes, or if the data have no such item, another label, or no such
    class.
    """
    _refuse_names(name, who)
    found = [one for path in files for one in read(path)]
    if not found:
        raise BadInput("contains no answer", where(files[0]), expected="an export with annotations")
    _refuse_several(found)
    _refuse_people(found, who)
    answers = [_answer(one, who) for one in found]
    task = found[0].task
    dataset = dataset_of(task, found[0].place)
    _refuse_classes(found[0], dataset)
    label_table.indices(answers, dataset, [one.place for one in found])
    table = _table(task, name)
    before = label_table.read(table) if regular.present(table) else []
    kept = newest([*before, *answers])
    disk.refuse_unwritable(table.parent, table.name)
    table.parent.mkdir(exist_ok=True)
    label_table.write(table, kept)
    return Imported(table, kept, len(newest(answers)))


def read(path: Path) -> list[Given]:
    """The answers in an export, in its order. Raises BadInput, with file and task, if a value is wrong."""
    return [one for task in tasks.read(path) for one in _of_task(task, tasks.place(path, task.number))]


def _of_task(task: Task, place: str) -> Iterator[Given]:
    if "annotations" not in task.row:  # JSON-MIN
        yield from _given(task, task.row.get(CHOICE), task.row.get("annotator"), task.row, place)
        return
    notes = task.row["annotations"]
    if not isinstance(notes, list) or not all(isinstance(note, dict) for note in notes):
        raise BadInput("its 'annotations' is not a list of objects", place, expected="an export of Label Studio")
    for note in notes:
        if note.get("was_cancelled") is not True:
            yield from _given(task, _choice(note.get("result"), place), note.get("completed_by"), note, place)


def _choice(result: Any, place: str) -> Any:
    """The value of the choice in the result of an annotation; None if the result is empty."""
    if not isinstance(result, list) or not all(isinstance(part, dict) for part in result):
        raise BadInput("an annotation has a 'result' that is not a list of objects", place, expected="a choice")
    found = [part for part in result if part.get("from_name") == CHOICE]
    if result and not found:
        raise BadInput(f"its tag is {str(result[0].get('from_name'))!r:.80}", place, expected=f"'{CHOICE}'")
    return found[0].get("value") if found else None


def _given(task: Task, value: Any, by: Any, row: dict[str, Any], place: str) -> Iterator[Given]:
    """The answer of one annotation; nothing if it has no choice."""
    if value is None:
        return
    chosen = value.get("choices") if isinstance(value, dict) else [value]
    if not isinstance(chosen, list) or len(chosen) != 1 or not isinstance(chosen[0], str):
        raise BadInput(f"its choice is {value!r:.80}", place, expected="one class")
    if chosen[0] not in task.classes:
        raise BadInput(f"its choice is '{chosen[0]:.80}'", place, given=chosen[0], known=task.classes)
    who = by.get("id") if isinstance(by, dict) else by
    if isinstance(who, bool) or not isinstance(who, (int, str)) or (isinstance(who, int) and who < 0):
        raise BadInput(f"it was completed by {by!r:.80}", place, expected="the number or name of an annotator")
    yield Given(task, chosen[0], who, _when(row, place), place)


def _when(row: dict[str, Any], place: str) -> str:
    """The time of an annotation in UTC, in seconds."""
    given = row.get("updated_at") or row.get("created_at")
    try:
        found = _time(given).astimezone(datetime.UTC)
        if found.year < EARLIEST:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        expected = f"updated_at or created_at, a time after {EARLIEST}-01-01"
        raise BadInput(f"its time is {given!r:.80}", place, expected=expected) from None
    return found.isoformat(timespec="seconds")


def _time(text: Any) -> datetime.datetime:
    """The time in a text, of UTC if it names no zone. Raises TypeError for what is not a text, and ValueError."""
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _answer(one: Given, who: str) -> Answer:
    classes = one.task.classes
    name = who or (f"annotator-{one.by}" if isinstance(one.by, int) else one.by)
    if not WHO.fullmatch(name):
        raise BadInput(f"its annotator is {name!r:.80}", one.place, expected="a name; --who NAME gives one")
    return Answer(one.task.item, classes.index(one.task.label), classes.index(one.choice), name, one.when)


def _refuse_several(found: Sequence[Given]) -> None:
    """Raise BadInput if the tasks are not all of one paper, config, test set and list of classes."""
    first = found[0]
    for one in found:
        for name in ("paper", "config", "test"):
            if (other := getattr(one.task, name)) != (wanted := getattr(first.task, name)):
                what = f"it is of the {name} '{other:.80}', but {first.place} is of '{wanted:.80}'"
                raise BadInput(what, one.place, expected=f"tasks of one {name}")
        if one.task.classes != first.task.classes:
            what = f"its 'classes' are not those of {first.place}"
            raise BadInput(what, one.place, expected=f"{', '.join(first.task.classes):.120}")


def _refuse_people(found: Sequence[Given], who: str) -> None:
    people = sorted({str(one.by) for one in found})
    if who and len(people) > 1:
        what = f"--who is given, and the files have answers of {len(people)} annotators"
        raise BadInput(what, expected="files of one annotator, or no --who")


def _refuse_names(name: str, who: str) -> None:
    """Raise BadInput if --name or --who cannot be a name. Empty: not given."""
    if name and not NAME.fullmatch(name):
        raise BadInput(f"--name is {name!r:.80}", expected="letters, digits, _, . and -")
    if who:
        refuse_who(who)


def refuse_who(who: str) -> None:
    """Raise BadInput if `--who` is not the name of an annotator."""
    if not WHO.fullmatch(who):
        raise BadInput(f"--who is {who!r:.80}", expected="a name of letters, digits, blanks, '.', '_' and '-'")


def _refuse_classes(first: Given, dataset: Any) -> None:
    """Raise BadInput if the tasks have the names or numbers of the data's classes in another order.

    The names in the tasks may be others: `repro labels suspects --classes` gives them.
    """
    known = label_table.classes(dataset, [len(first.task.classes) - 1])
    if sorted(known) == sorted(first.task.classes) and known != first.task.classes:
        raise BadInput(
            "its 'classes' are in another order than in the data", first.place, expected=f"{', '.join(known):.120}"
        )


def _table(task: Task, name: str) -> Path:
    """The path of the table, by default of the config and the test set of a task."""
    file = name or re.sub(r"[^\w.-]", "_", f"{task.config}-{task.test}")
    if not NAME.fullmatch(file):
        raise BadInput(f"the table would be called {file!r:.80}", expected="a shorter name, with --name")
    return paper.folder_of(task.paper) / label_table.FOLDER / f"{file}.csv"


def dataset_of(task: Task, place: str) -> Any:
    """The test set that a task is about. Raises BadInput, with the place, if there is no such config or test set."""
    name, known = f"{task.paper}/{task.config}", names.every()
    if task.paper not in paper.folders():
        raise BadInput(f"no paper '{task.paper:.80}'", place, given=task.paper, known=paper.folders())
    if name not in known:
        raise BadInput(f"no config '{name:.160}'", place, given=name, known=known)
    tests = binding.build(configs.read(known[name])).test
    if task.test not in tests:
        raise BadInput(f"{name} has no test set '{task.test:.80}'", place, given=task.test, known=tests)
    return tests[task.test]


def newest(answers: Iterable[Answer]) -> list[Answer]:
    """The newest answer of each annotator about each item; of two at the same time the later one in the list."""
    found: dict[tuple[str, str], Answer] = {}
    for one in answers:
        before = found.get((one.item, one.who))
        if before is None or _time(before.when) <= _time(one.when):
            found[one.item, one.who] = one
    return list(found.values())
