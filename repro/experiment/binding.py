"""Read a config's statements, check them, bind them in gin, and build the experiment that they describe."""

from __future__ import annotations

import copy
import dis
import importlib
import io
import re
import sys
import tokenize
from pathlib import Path
from typing import Any

import gin
from gin import config_parser

from repro import untrusted
from repro.config import IMPORT, Config, read
from repro.errors import BadInput, DataMissing, where
from repro.experiment import Experiment, experiment, preflight
from repro.experiment.error_place import Caller, located
from repro.experiment.importing import imported
from repro.experiment.statements import Binding, Macro, Reference, atoms, check

CALLED = re.compile(
    r"\n  (No values supplied by Gin"
    r"|In call to configurable '(?P<name>[^']+)' \(.*?\)(?: in scope '(?P<scope>[^']+)')?)"
)


class _Delegate(config_parser.ParserDelegate):
    def configurable_reference(self, scoped_name: str, evaluate: bool) -> Reference:
        scope, _, selector = scoped_name.rpartition("/")
        return Reference(scope, selector, evaluate)

    def macro(self, name: str) -> Macro:
        return Macro(name)


def bind(config: Config, whole: bool = False) -> None:
    """Import the parts that `config` names, check every statement, and make it gin's only config.

    Raises BadInput for a wrong statement, and for a name that no config may use (see `repro.untrusted`). If `whole`
    is true, it also raises BadInput for a missing value.
    """
    rows = bindings(config)
    untrusted.refuse_links(config.folder)
    for module, place in config.modules:
        untrusted.refuse_module(module, place)
    _find_paper(config)
    for module, place in config.modules:
        _import(module, place)
    check(rows, where(config.path), whole)
    gin.clear_config()
    gin.parse_config(config.text)


def _find_paper(config: Config) -> None:
    """Make `papers.<name>` importable if the config is outside the installed source tree."""
    root = str(config.folder.parent.parent)
    if config.folder.parent.name == "papers" and root not in sys.path:
        sys.path.insert(0, root)


def build(config: Config) -> Experiment:
    """Bind `config` and build the experiment that it describes.

    If a part refuses a value while it is built, this raises BadInput with the file and line of the binding or part. A
    ValueError or TypeError from deeper code than a constructor, and not from a `raise`, is a bug: it is not converted.
    """
    bind(config, whole=True)
    try:
        return experiment()
    except BadInput as error:
        raise _refused(error, config, DataMissing if isinstance(error, DataMissing) else BadInput) from error
    except (ValueError, TypeError) as error:
        if not _meant(error):
            raise
        raise _refused(error, config) from error


def metrics(config: Config) -> list[str] | None:
    """Build the metrics of a config, and no other part; returns their names. None if a metric cannot be built."""
    bind(config)
    try:
        return [metric.identity.name for metric in copy.deepcopy(gin.query_parameter("experiment.metrics"))]
    except (BadInput, ValueError, TypeError):  # building the whole experiment reports what is wrong
        return None


def _meant(error: Exception) -> bool:
    """True if the error refuses a value: it comes from a constructor, or from a `raise` in code that one calls."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return False
    code = last.tb_frame.f_code
    raised: bool = code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raised or bool({"__init__", "__post_init__"} & set(code.co_qualname.split(".")))


def fingerprints(path: Path) -> dict[str, Any]:
    """The present fingerprint of each dataset of a config. Raises BadInput if a dataset cannot be read."""
    return preflight.data(build(read(path)))


def _refused(error: Exception, config: Config, kind: type[BadInput] = BadInput) -> BadInput:
    """`error` without the text that gin adds for each enclosing part, and with the file and line of its cause."""
    message = CALLED.split(str(error))[0]
    hit = next((hit for hit in CALLED.finditer(str(error)) if hit["name"]), None)
    caller = Caller(hit["name"], hit["scope"] or "") if hit else Caller()
    named, place = located(message, getattr(error, "value", None), bindings(config), where(config.path), caller)
    if place:
        return kind(named, place)
    lines = [
        row.place
        for row in bindings(config)
        for atom in atoms(row.value)
        if isinstance(atom, Reference) and atom.selector.rpartition(".")[2] == caller.name
    ]
    return kind(message, lines[-1] if lines else where(config.path))


def placed(error: BadInput, config: Config) -> BadInput:
    """`error` with the file and line of the binding that its first word names, if it names one."""
    message = str(error).rpartition("BadInput: ")[2]  # a DataLoader's worker sends its whole traceback
    named, place = located(message, error.value, bindings(config), where(config.path), Caller())
    kind = DataMissing if isinstance(error, DataMissing) else BadInput
    return kind(named or message, place)


def bindings(config: Config) -> list[Binding]:
    """Every statement of the config in order; a later one overrides an earlier one. Raises BadInput on bad syntax."""
    try:
        statements = list(config_parser.ConfigParser(config.text, _Delegate()))
    except SyntaxError as error:
        what = str(error.msg).partition("\n")[0]
        hint = "a value is a number, a text in quotes, a part with @ or a macro with %" if "ast." in what else what
        raise BadInput(f"cannot be read as gin: {hint}", config.place(error.lineno or 1)) from None
    except tokenize.TokenError:
        raise BadInput("a bracket or a quote is never closed", config.place(_unclosed(config.text))) from None
    except (TypeError, ValueError, RecursionError, MemoryError) as error:  # a list as a key; too many nested brackets
        raise BadInput(f"cannot be read as gin: {error or 'it is nested too deep'}", where(config.path)) from None
    for statement in statements:
        _refuse_foreign(statement, config)
    rows = (s for s in statements if isinstance(s, config_parser.BindingStatement))
    return [Binding(s.scope, s.selector, s.arg_name or "", s.value, config.place(s.location.line_num)) for s in rows]


def _unclosed(text: str) -> int:
    """The line number of the last bracket that is not closed, or of a string that does not end."""
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.string in ("(", "[", "{"):
                opened.append(token.start[0])
            elif token.string in (")", "]", "}"):
                opened[-1:] = []
    except tokenize.TokenError as error:
        return opened[-1] if opened else int(error.args[1][0])
    return 1


def _refuse_foreign(statement: Any, config: Config) -> None:
    """Refuse statements that gin can read, but that the text of a record or a digest cannot follow."""
    if isinstance(statement, config_parser.IncludeStatement):
        raise BadInput(
            "this form of include is not supported",
            config.place(statement.location.line_num),
            expected="include 'file' on a line of its own",
        )
    if isinstance(statement, config_parser.ImportStatement):
        number = statement.location.line_num
        if not IMPORT.match(config.lines[number - 1].text):
            raise BadInput(
                "this form of import is not supported",
                config.place(number),
                expected="import package.module, without from and as",
            )


def _import(module: str, place: str) -> None:
    try:
        imported(module, place)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # a module of `repro` needs a package that is not installed
        missing = str(error.name)
        raise BadInput(f"no module '{module}'", place, given=missing, known=_neighbours(missing)) from None


def _neighbours(module: str) -> list[str]:
    """The modules in the package in which `module` was looked for."""
    parent = module.rpartition(".")[0]
    try:
        roots = importlib.import_module(parent).__path__
    except (ImportError, ValueError, AttributeError):
        return ["papers", "repro"]
    entries = [entry for root in map(Path, roots) if root.is_dir() for entry in root.iterdir()]
    return [
        f"{parent}.{entry.stem}"
        for entry in entries
        if entry.stem.isidentifier() and not entry.stem.startswith("_") and entry.suffix in ("", ".py")
    ]
