"""A parser for the text of a config. It gives the same result as gin's parser, but imports neither gin nor the parts.

`tests/config/test_syntax.py` compares the two parsers.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

NAME = re.compile(r"[a-zA-Z_]\w*")
SELECTOR = re.compile(r"[a-zA-Z_]\w*(\.[a-zA-Z_]\w*)*")
BASIC = (tokenize.NAME, tokenize.NUMBER, tokenize.STRING)
ENDS = (tokenize.NEWLINE, tokenize.DEDENT, tokenize.ENDMARKER)
CLOSES = {"{": "}", "(": ")", "[": "]"}


class Unreadable(Exception):
    """The text is not a valid config. The user sees a better message later, when gin reads the config."""


@dataclass(frozen=True)
class Reference:
    """A value such as `@scope/losses.DeepClustering()`. `called`: whether it has parentheses."""

    scope: str
    selector: str
    called: bool


@dataclass(frozen=True)
class Macro:
    """A value such as `%NAME`."""

    name: str


@dataclass(frozen=True)
class Statement:
    """A line `scope/selector.parameter = value`. `written`: the value as text.

    For `train/datasets.NoisyLine.size = 200`: scope `train`, selector `datasets.NoisyLine`, parameter `size`.
    In the definition of a macro, `NAME = value`, the selector is NAME and the parameter is "".
    """

    scope: str
    selector: str
    parameter: str
    value: Any
    written: str

    @property
    def name(self) -> str:
        """The left side of the line: `scope/selector.parameter`."""
        return "/".join(part for part in (self.scope, f"{self.selector}.{self.parameter}".rstrip(".")) if part)


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """The Python tokens of a text. Raises Unreadable if a bracket or a quote is not closed."""
    try:
        return list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise Unreadable(str(error)) from None


@functools.lru_cache(maxsize=4096)
def read(text: str) -> tuple[tuple[str, ...], tuple[Statement, ...]]:
    """(imported modules, statements) of a config's text, in their order. Raises Unreadable if it is not valid.

    >>> modules, statements = read("import repro.datasets.idx\\nlosses.L1.weight = 2.0")
    >>> modules, statements[0].name, statements[0].value
    (('repro.datasets.idx',), 'losses.L1.weight', 2.0)
    """
    try:
        reader = _Reader(tokens(text))
        rows = list(reader.statements())
    except (StopIteration, ValueError, TypeError, RecursionError, MemoryError) as error:  # TypeError: a list as a key
        raise Unreadable(str(error)) from None
    return tuple(reader.modules), tuple(rows)


class _Reader:
    """A recursive descent parser, with one method for each rule of the grammar."""

    def __init__(self, found: list[tokenize.TokenInfo]) -> None:
        self.tokens, self.at, self.in_block = found, 0, False
        self.modules: list[str] = []

    @property
    def token(self) -> tokenize.TokenInfo:
        if self.at >= len(self.tokens):
            raise Unreadable("unexpected end of the text")
        return self.tokens[self.at]

    def step(self) -> str:
        """Return the text of this token and go to the next one. Blanks that Python reports as tokens are skipped."""
        taken = self.token.string
        self.at += 1
        while self.token.type == tokenize.ERRORTOKEN and self.token.string in " \t":
            self.at += 1
        return taken

    def skip(self) -> None:
        apart = (tokenize.COMMENT, tokenize.NL, *(() if self.in_block else (tokenize.INDENT, tokenize.DEDENT)))
        while self.token.type in apart:
            self.step()

    def expect(self, good: bool) -> None:
        if not good:
            raise Unreadable(f"unexpected {self.token.string!r} in line {self.token.start[0]}")

    def statements(self) -> Iterator[Statement]:
        while True:
            self.skip()
            if self.token.type == tokenize.ENDMARKER:
                return
            key = self.selector()
            if self.token.string == "=":
                yield self.binding(*_split(key))
            elif self.token.string == ":":
                yield from self.block(key)
            else:
                self.expect(key == "import")
                self.modules.append(self.selector(scoped=False))
            self.expect(self.token.type in ENDS)
            if self.token.type != tokenize.ENDMARKER:
                self.step()

    def binding(self, scope: str, selector: str, parameter: str) -> Statement:
        self.step()
        first = self.at
        value = self.value()
        return Statement(scope, selector, parameter, value, _written(self.tokens[first : self.at]))

    def block(self, key: str) -> Iterator[Statement]:
        """`scope/part:`, followed by an indented line for each parameter."""
        scope, _, selector = key.rpartition("/")
        self.step()
        self._pass(tokenize.COMMENT)
        self.expect(self.token.type == tokenize.NEWLINE)
        self.step()
        self._pass(tokenize.COMMENT, tokenize.NL)
        self.expect(self.token.type == tokenize.INDENT)
        self.step()
        self._pass(tokenize.COMMENT, tokenize.NL)
        self.in_block = True
        while self.token.type != tokenize.DEDENT:
            parameter = self.token.string
            self.expect(NAME.fullmatch(parameter) is not None)
            self.step()
            self.skip()
            self.expect(self.token.string == "=")
            yield self.binding(scope, selector, parameter)
            self.expect(self.token.type == tokenize.NEWLINE)
            self.step()
            self.skip()
        self.in_block = False

    def _pass(self, *kinds: int) -> None:
        while self.token.type in kinds:
            self.step()

    def selector(self, scoped: bool = True, dotted_scope: bool = False) -> str:
        """A name such as `scope/module.Name`, without blanks."""
        self.expect(self.token.type == tokenize.NAME)
        text, end = "", self.token.start
        while self.token.string in ("/", ".") if text and text[-1] not in "/." else self.token.type == tokenize.NAME:
            self.expect(self.token.start == end)
            end = self.token.end
            text += self.step()
        self.skip()
        *scopes, name = text.split("/")
        rule = SELECTOR if dotted_scope else NAME
        self.expect(all(rule.fullmatch(scope) for scope in scopes) and SELECTOR.fullmatch(name) is not None)
        self.expect(scoped or not scopes)
        return text

    def value(self) -> Any:
        sign = self.token.string
        if sign in CLOSES:
            return self.container(sign, CLOSES[sign])
        if sign == "@":
            return self.reference()
        if sign == "%":
            self.step()
            return Macro(self.selector(dotted_scope=True))
        return self.basic()

    def container(self, opening: str, closing: str) -> Any:
        self.step()
        self.skip()
        items, comma = [], False
        while self.token.string != closing:
            items.append(self.pair() if opening == "{" else self.value())
            if self.token.string == ",":
                comma = True
                self.step()
                self.skip()
            else:
                self.expect(self.token.string == closing)
        self.step()
        self.skip()
        if opening == "{":
            return dict(items)
        if opening == "[":
            return items
        return items[0] if len(items) == 1 and not comma else tuple(items)

    def pair(self) -> tuple[Any, Any]:
        key = self.value()
        self.expect(self.token.string == ":")
        self.step()
        self.skip()
        return key, self.value()

    def reference(self) -> Reference:
        self.step()
        scope, _, selector = self.selector(dotted_scope=True).rpartition("/")
        called = self.token.string == "("
        if called:
            self.step()
            self.skip()
            self.expect(self.token.string == ")")
            self.step()
        self.skip()
        return Reference(scope, selector, called)

    def basic(self) -> Any:
        """A number with its sign, True, False, None, or one or several strings."""
        text = ""
        if self.token.string == "-":
            text = self.step()
            self.skip()
        self.expect(self.token.type in BASIC)
        while True:
            text_before = self.token.type == tokenize.STRING
            text += self.step()
            value = _literal(text)
            self.skip()
            if not (text_before and self.token.type == tokenize.STRING):
                return value


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError) as error:
        raise Unreadable(str(error)) from None


def _split(key: str) -> tuple[str, str, str]:
    scope, _, rest = key.rpartition("/")
    if "." not in rest:
        return scope, rest, ""
    selector, _, parameter = rest.rpartition(".")
    return scope, selector, parameter


def _written(found: Iterable[tokenize.TokenInfo]) -> str:
    """A value as text on one line, without comments."""
    apart = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    kept = [token.string for token in found if token.type not in apart and token.string.strip()]
    text = ""
    for one, after in zip(kept, [*kept[1:], "]"], strict=True):
        texts = one[-1] in "'\"" and after[0] in "'\"rRbBuU"
        text += f"{one} " if texts or (one == "," and after not in ("]", ")", "}")) else one
    return text


def atoms(value: Any) -> Iterator[Any]:
    """All elements of a value, at any depth, including the keys of dicts."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from atoms(item)
    else:
        yield value
