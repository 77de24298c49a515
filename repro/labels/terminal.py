"""Ask for labels in the terminal: one line for each task. Each answer is written at once, so nothing is lost.

The answers are written as Label Studio exports them, so `repro labels import` reads both. They are next to the tasks,
in `<tasks>-by-<who>.json`, with `+` for each blank. The same command continues where you stopped.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from repro.data.panels import shortened
from repro.errors import BadInput
from repro.files import disk
from repro.labels import answers, shown, tasks
from repro.labels.tasks import Task

KEYS = "a class by name or number; Enter: the label is right; s: skip; b: back; q: stop"
TEXT = 4000  # characters of a text that are shown

Row = dict[str, Any]
Ask = Callable[[str], str]
"""Shows a text and returns the line that was typed. Raises EOFError at the end of the input."""


def annotate(path: Path, who: str, ask: Ask = input, say: Callable[[str], None] = print) -> Path:
    """Ask for the label of each task in the file `path`; returns the path of the answers.

    There is no such file if no task was answered or skipped, now or before.
    who: the name of the annotator. Tasks that were answered or skipped before are left out.
    Raises BadInput for a wrong name and for a file that has no tasks, and KeyboardInterrupt after Ctrl-C.
    """
    answers.refuse_who(who)
    every = tasks.read(path)
    if not every:
        raise BadInput("contains no task", str(path), expected="a file of `repro labels suspects`")
    target = path.with_name(f"{path.stem}-by-{who.replace(' ', '+')}.json")
    disk.refuse_unwritable(target.parent, target.name)
    done = _done(target)
    open_ones = [number for number, task in enumerate(every) if task.item not in done]
    say(f"{len(open_ones)} of {len(every)} tasks are open. Type {KEYS}.")
    at = 0
    while at < len(open_ones):
        task = every[open_ones[at]]
        typed = _asked(task, f"[{open_ones[at] + 1}/{len(every)}] ", path, ask, say)
        if typed == "q":
            break
        if typed != "b":
            done[task.item] = _written(_row(task, "" if typed == "s" else typed, who))
            disk.write(target, "[\n" + ",\n".join(done.values()) + "\n]\n")
        at = max(0, at - 1) if typed == "b" else at + 1
    return target


def _done(target: Path) -> dict[str, str]:
    """The rows of an earlier session as they are written, by item."""
    if not target.is_file():
        return {}
    answers.read(target)  # raises BadInput if somebody changed it
    return {task.item: _written(task.row) for task in tasks.read(target)}


def _written(row: Row) -> str:
    """One row of the file. It is made once, because making all rows again for each answer takes most of the time."""
    return json.dumps([row], indent=1, ensure_ascii=False)[2:-2]


def _asked(task: Task, head: str, path: Path, ask: Ask, say: Callable[[str], None]) -> str:
    """What the annotator says about a task: the name of a class, or one of the letters s, b and q."""
    for line in _lines(task, path):
        say(line)
    while True:
        try:
            typed = ask(f"{head}label [{_plain(task.label)}]: ").strip()
        except EOFError:
            say("")
            return "q"
        if typed in ("s", "b", "q") and typed not in task.classes:
            return typed
        if (name := named(typed, task)) is not None:
            return name
        say(f"{_plain(typed)!r} is not one of: {KEYS}. Classes: {_known(task)}")


def named(typed: str, task: Task) -> str | None:
    """The class that was typed: its name, its number, or nothing for the present label. None if it is not a class."""
    if not typed:
        return task.label
    if typed in task.classes:
        return typed
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 7 else -1
    return task.classes[number] if 0 <= number < len(task.classes) else None


def _lines(task: Task, path: Path) -> Iterator[str]:
    """The item as text. A terminal executes control characters, so they are replaced."""
    data = task.row.get("data", task.row)
    yield ""
    yield f"{_plain(task.item)}: label {_plain(task.label)}. Classes: {_known(task)}"
    if isinstance(text := data.get("text"), str):
        yield shown.visible(shortened(text, TEXT // 2, TEXT // 2))
    elif isinstance(rank := data.get("rank"), int):
        yield f"(look at it or listen to it: {path.with_suffix('.html')}, number {rank})"


def _known(task: Task) -> str:
    numbered = (f"{number} {_plain(name)}" if str(number) != name else name for number, name in enumerate(task.classes))
    return ", ".join(numbered)


def _plain(text: str) -> str:
    return shown.visible(text).replace("\n", " ")[:80]


def _row(task: Task, choice: str, who: str) -> Row:
    """A task with its annotation, as Label Studio exports it. choice: empty if the task was skipped."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    value = {"id": "answer", "from_name": tasks.CHOICE, "to_name": tasks.OBJECT, "type": "choices"}
    note = {
        "completed_by": who,
        "was_cancelled": not choice,
        "created_at": now,
        "updated_at": now,
        "result": [{**value, "value": {"choices": [choice]}}] if choice else [],
    }
    return {"id": task.number, "data": task.about, "annotations": [note]}
