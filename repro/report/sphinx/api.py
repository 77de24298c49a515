"""Settings for sphinx.ext.autodoc: docstrings are Markdown, and signatures show types without their annotations."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from typing import Any, get_type_hints

from repro.report.html.markup import markdown, tag


def add_to(app: Any) -> None:
    """Connect to autodoc's events."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", docstring)
    app.connect("autodoc-process-signature", signature)


def docstring(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Replace the Markdown `lines` by raw HTML, because autodoc expects reStructuredText."""
    text = "\n".join(lines).strip()
    if text:
        html = tag("div", markdown(text), class_="repro-doc")
        lines[:] = [".. raw:: html", "", *(f"   {line}" for line in html.splitlines()), ""]


def signature(
    app: Any, what: str, name: str, found: Any, options: Any, said: str | None, returns: str
) -> tuple[str, str] | None:
    """The signature that Sphinx shows for `found`. Returns None to keep Sphinx's own.

    - Dataclasses: `Annotated[str, "..."]` becomes `str`.
    - Classes whose parent was replaced by a mock (`autodoc_mock_imports`): the parameters of their own `__init__`,
      instead of `(*args, **kwargs)`.
    """
    if what == "class" and is_dataclass(found):
        return _own(found, _types(found)), returns
    if what == "class" and (said or "").startswith("(*args") and "__init__" in vars(found):
        return _own(found, inspect.get_annotations(found.__init__, eval_str=True)), returns
    return None


def _types(found: Any) -> dict[str, Any]:
    """The types of a dataclass; {} if one of them is a mock, which has no `|`."""
    try:
        return get_type_hints(found)
    except TypeError:
        return {}


def _own(found: Any, hints: dict[str, Any]) -> str:
    """The parameters of a class's `__init__` with these types, in Python syntax, so that Sphinx can break the line."""
    given = list(inspect.signature(found.__init__).parameters.values())[1:]
    bare = [one.replace(annotation=hints.get(one.name, one.annotation)) for one in given]
    return str(inspect.Signature(bare)).replace("<factory>", "...")
