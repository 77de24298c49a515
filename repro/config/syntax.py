"""Reads the statements of a config from its text, as gin's own parser does, without gin and without the parts.

`tests/test_syntax.py` compares this parser with gin's.
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
    """A text that this parser cannot read. Binding it says what is wrong."""


@dataclass(frozen=True)
class Reference:
    """`@scope/losses.DeepClustering()` in a value."""

    scope: str
    selector: str
    called: bool


@dataclass(frozen=True)
class Macro:
    """`%NAME` in a value."""

    name: str


@dataclass(frozen=True)
class Statement:
    """`scope/selector.parameter = value`; the definition of a macro has no parameter. `written`: the value as text."""

    scope: str
    selector: str
    parameter: str
    value: Any
    written: str

    @property
    def name(self) -> str:
        return "/".join(part for part in (self.scope, f"{self.selector}.{self.parameter}".rstrip(".")) if part)


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """Python's tokens of a text. Raises Unreadable for a bracket or a quote that is never closed."""
    try:
        return list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError) as error:
        raise Unreadable(str(error)) from None


@functools.lru_cache(maxsize=4096)
def read(text: str) -> tuple[tuple[str, ...], tuple[Statement, ...]]:
    """The modules that a text imports, and its bindings in their order. Raises Unreadable."""
    try:
        reader = _Reader(tokens(text))
        rows = list(reader.statements())
    except (StopIteration, ValueError, TypeError, RecursionError, MemoryError) as error:  # a key that is a list
        raise Unreadable(str(error)) from None
    return tuple(reader.modules), tuple(rows)


class _Reader:
    """Recursive descent over the tokens: a method per rule of the grammar."""

    def __init__(self, found: list[tokenize.TokenInfo]) -> None:
        self.tokens, self.at, self.in_block = found, 0, False
        self.modules: list[str] = []

    @property
    def token(self) -> tokenize.TokenInfo:
        if self.at >= len(self.tokens):
            raise Unreadable("it ends too early")
        return self.tokens[self.at]

    def step(self) -> str:
        """The text of the token, and on to the next; blanks before an odd sign are tokens too, and are passed over."""
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
        """`scope/part:` with a line for each parameter below it."""
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
        """`scope/module.Name`, without a blank inside."""
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
        """A number with its sign, True, False, None, or texts one after the other."""
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
    """The value as it is written, on one line, without comments."""
    apart = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    kept = [token.string for token in found if token.type not in apart and token.string.strip()]
    text = ""
    for one, after in zip(kept, [*kept[1:], "]"], strict=True):
        texts = one[-1] in "'\"" and after[0] in "'\"rRbBuU"
        text += f"{one} " if texts or (one == "," and after not in ("]", ")", "}")) else one
    return text


def atoms(value: Any) -> Iterator[Any]:
    """Everything that a value is made of, the keys of a dict included."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from atoms(item)
    else:
        yield value
