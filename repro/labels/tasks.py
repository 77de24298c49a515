"""Suspects as tasks of Label Studio: a JSON file to import, the XML of its labelling interface, the files of sounds.

    [{"data": {"item": "7_theo_0", "paper": "...", "config": "...", "test": "test", "label": "7", "rank": 1,
               "classes": ["0", "1", ...], "image": "data:image/png;base64,..."},
      "predictions": [{"model_version": "...", "score": 0.98, "result": [
          {"id": "answer", "from_name": "new_label", "to_name": "shown", "type": "choices",
           "value": {"choices": ["1"]}}]}]}]

Label Studio exports `data` unchanged, but not the predictions. So `data` has everything that `repro.labels.answers`
needs. A picture is within the task. A sound is a file, because the player of Label Studio cannot play a sound within a
task; Label Studio serves it from its folder of local files.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from repro.errors import BadInput, where
from repro.files import disk, strict_json
from repro.labels import finding, shown
from repro.report.html.markup import tag

CHOICE, OBJECT = "new_label", "shown"
"""The names of the two tags in the labelling interface: the choice of a label, and what the annotator looks at."""
LOCAL = "/data/local-files/?d="
OF_ITEM = re.compile(r"[0-9]+[._-].*")  # the file of an item: its rank and the kind
MOST = 30_000_000  # bytes of a file of tasks or of an export
OBJECTS = {"text": "Text", "audio": "Audio", "image": "Image"}
ABOUT = ("paper", "config", "test", "item", "label")
"""The texts in the `data` of every task."""


@dataclass(frozen=True)
class Task:
    """A task as read from a file: its number in the file, from 1, and its `data`, checked."""

    number: int
    paper: str
    config: str
    test: str
    item: str
    label: str
    classes: list[str]
    row: dict[str, Any]

    @property
    def about(self) -> dict[str, Any]:
        """The `data` that an export must have: without the text, picture or sound."""
        return {**{name: getattr(self, name) for name in ABOUT}, "classes": self.classes}


def write(found: finding.Suspects, folder: Path) -> tuple[list[Path], list[shown.Shown]]:
    """Write `<name>.json`, `<name>.xml` and the files of the items into `folder`.

    Returns the two paths, and what to show of each suspect.
    """
    files = folder / found.name
    files.mkdir(parents=True, exist_ok=True)
    items = [shown.show(found.dataset, row.index, found.scores[row.index], files / f"{row.rank}") for row in found.rows]
    rows = [_task(found, row, item, folder) for row, item in zip(found.rows, items, strict=True)]
    text = json.dumps(rows, indent=1, ensure_ascii=False)
    written = [disk.write(folder / f"{found.name}.json", text + "\n")]
    kind = _kind(items[0]) if items else "text"
    written.append(disk.write(folder / f"{found.name}.xml", interface(kind, found.classes)))
    return written, items


def remove(found: finding.Suspects, folder: Path) -> int:
    """Remove the tasks and the files of items of an earlier command with the same name; how many tasks there were.

    Only files whose names begin with the rank of an item are removed. Raises BadInput if `<name>.json` has no tasks.
    """
    path = folder / f"{found.name}.json"
    if not path.exists():
        return 0
    number = len(read(path))
    for file in (folder / found.name).glob("[0-9]*"):
        if file.is_file() and OF_ITEM.fullmatch(file.name):
            file.unlink()
    path.unlink()
    return number


def interface(kind: str, classes: list[str]) -> str:
    """The labelling interface for items of a kind, "text", "audio" or "image", as the XML of Label Studio.

    >>> xml = interface("image", ["cat", "dog"])
    >>> xml[:49], xml.count("<Choice ")
    ('<View><Image name="shown" value="$image"></Image>', 2)
    """
    item = tag(OBJECTS[kind], name_=OBJECT, value=f"${kind}")
    choices = [tag("Choice", value=shown.visible(name)) for name in classes]
    answer = tag("Choices", *choices, name_=CHOICE, toName=OBJECT, choice="single-radio")
    return f"{tag('View', item, answer)}\n"


def _kind(item: shown.Shown) -> str:
    return "audio" if item.sound else "image" if item.image else "text"


def _task(found: finding.Suspects, row: finding.Suspect, item: shown.Shown, folder: Path) -> dict[str, Any]:
    about = {"paper": found.paper, "config": found.config, "test": found.test, "item": row.item, "label": row.label}
    data = {**about, "rank": row.rank, "classes": found.classes, **_media(item, folder)}
    value = {"id": "answer", "from_name": CHOICE, "to_name": OBJECT, "type": "choices"}
    prediction = {
        "model_version": f"{found.paper}/{found.config}-seed{found.seed}",
        "score": row.probability,
        "result": [{**value, "value": {"choices": [row.answer]}}],
    }
    return {"data": data, "predictions": [prediction]}


def _media(item: shown.Shown, folder: Path) -> dict[str, str]:
    if item.sound:
        return {"audio": LOCAL + quote(f"{folder.name}/{item.sound.relative_to(folder).as_posix()}")}
    return {"image": embedded(item.image)} if item.image else {"text": item.text}


def embedded(path: Path) -> str:
    """A PNG as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def read(path: Path) -> list[Task]:
    """The tasks in a file of tasks, in an export, or in an export as JSON-MIN. Raises BadInput with file and task."""
    rows = strict_json.load(path, "not tasks of Label Studio", MOST)
    if not isinstance(rows, list):
        raise BadInput(f"contains a {type(rows).__name__}", where(path), expected="a list of tasks (export: JSON)")
    return [_read(number, row, place(path, number)) for number, row in enumerate(rows, 1)]


def place(path: Path, number: int) -> str:
    """Where an error about task `number` is."""
    return f"{where(path)}: task {number}"


def _read(number: int, row: Any, at: str) -> Task:
    if not isinstance(row, dict):
        raise BadInput(f"is a {type(row).__name__}", at, expected="a task, which is an object")
    data = row.get("data", row)
    if not isinstance(data, dict):
        raise BadInput(f"its data is a {type(data).__name__}", at, expected="an object")
    for name in ABOUT:
        if name not in data:
            raise BadInput(f"its data has no '{name}'", at, expected="a task that `repro labels suspects` wrote")
        if not isinstance(data[name], str) or not 0 < len(data[name]) <= 300:
            raise BadInput(f"its '{name}' is {data[name]!r:.80}", at, expected="a text of at most 300 characters")
    classes = data.get("classes")
    if not isinstance(classes, list) or not all(isinstance(one, str) for one in classes) or len(classes) < 2:
        raise BadInput(f"its 'classes' is {classes!r:.80}", at, expected="a list with the names of the classes")
    if len(set(classes)) < len(classes):
        raise BadInput("its 'classes' has a name twice", at, expected="one name per class")
    if data["label"] not in classes:
        raise BadInput(f"its label is '{data['label']:.80}'", at, given=data["label"], known=classes)
    return Task(number=number, classes=classes, row=row, **{name: data[name] for name in ABOUT})
