"""A price as WaveSpeed writes it, an expression of JSONata, evaluated exactly: never with binary fractions.

    {"total_price": base_price * $max([5, $ceil(get_duration_v3(audio))]) / 5 * (resolution = "720p" ? 2 : 1)}

    text ── tokens ── nested tuples of operators ── price_of(values, seconds) ──> dollars

Amounts in a formula are millionths of a dollar, and so is `base_price` there, which the list itself tells in dollars:
one was "75000 * …" beside a base price of 0.75 on 2026-07-16. Only what such formulas use is understood; all else is
Unknown, and so the price is. A variable that is not given is nothing, as JSONata has it: nothing times two is nothing,
equal to nothing and not unequal to anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from math import ceil, floor
from typing import Final

LONGEST: Final = 8_000
MOST_TOKENS: Final = 400
DEEPEST: Final = 40
LARGEST: Final = 10**30
TOTAL: Final = "total_price"
BASE: Final = "base_price"
LENGTH: Final = "get_duration"
"""Beginning of the names of functions that measure a file, in seconds."""
MICROS: Final = 1_000_000
PLACES: Final = 12

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>\d{1,30}(?:\.\d{1,30})?)|(?P<text>"[^"\\]*"|'[^'\\]*')|(?P<name>\$?[A-Za-z_]\w*)"""
    r"""|(?P<sign>:=|!=|<=|>=|[-+*/%=<>?:,;(){}\[\]&]))"""
)
_LEVELS: Final = (("or",), ("and",), ("=", "!=", "<", "<=", ">", ">=", "in"), ("+", "-", "&"), ("*", "/", "%"))
_WORDS: Final = {"true": True, "false": False, "null": None}

Value = Fraction | str | bool | list["Value"] | dict[str, "Value"] | None
Node = tuple[object, ...]


class NotUnderstood(ValueError):
    """A formula, or a value in it, that is not understood."""


@dataclass(frozen=True, slots=True)
class PriceFormula:
    """A formula that was read; `names` are the inputs that it asks for, in their order."""

    tree: Node
    names: tuple[str, ...]

    def price(self, base: Decimal, values: Mapping[str, object], seconds: Mapping[str, Decimal]) -> Decimal:
        """US dollars for these inputs, of which files are among the `seconds` as well. Raises NotUnderstood."""
        given = {name: _value(value) for name, value in values.items()}
        given |= {name: name for name in seconds}
        given[BASE] = Fraction(base) * MICROS
        total = _Evaluation(given, seconds).of(self.tree)
        if isinstance(total, dict):
            total = total.get(TOTAL)
        if not isinstance(total, Fraction) or total < 0:
            raise NotUnderstood("the formula comes to no price")
        digits = str(round(total * 10**PLACES / MICROS))
        return Decimal((0, tuple(map(int, digits)), -PLACES))


def read_formula(text: str) -> PriceFormula:
    """Raises NotUnderstood."""
    tokens = list(islice(_tokens(text[:LONGEST]), MOST_TOKENS + 1))
    if len(text) > LONGEST or len(tokens) > MOST_TOKENS:
        raise NotUnderstood("the formula is too long")
    parser = _Parser(tokens)
    tree = parser.expression()
    if parser.rest:
        raise NotUnderstood("the formula goes on where it should end")
    return PriceFormula(tree, tuple(dict.fromkeys(_names(tree, frozenset()))))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, text = 0, text.strip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise NotUnderstood("the formula holds signs that are not known")
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


class _Parser:
    """Reads tokens into nested tuples, each with its operator first."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.rest = tokens[::-1]
        self.depth = 0

    def expression(self) -> Node:
        """One expression, a choice with "?" being the loosest."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotUnderstood("the formula is nested too deeply")
        found = self.binary(0)
        if self.take("?"):
            then = self.expression()
            found = ("if", found, then, self.expression() if self.take(":") else ("value", None))
        self.depth -= 1
        return found

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while (sign := self.peek()) in _LEVELS[level]:
            self.rest.pop()
            left = (sign, left, self.binary(level + 1))
        return left

    def unary(self) -> Node:
        if self.take("-"):
            return ("negative", self.unary())
        return self.primary()

    def primary(self) -> Node:
        kind, text = self.rest.pop() if self.rest else ("end", "")
        match kind, text:
            case "number", _:
                return ("value", Fraction(text))
            case "text", _:
                return ("value", text[1:-1])
            case "name", _ if self.take("("):
                return ("call", text, *self.several(")"))
            case "name", _ if text.startswith("$") and self.take(":="):
                return ("let", text, self.expression())
            case "name", _:
                return ("value", _WORDS[text]) if text in _WORDS else ("name", text)
            case "sign", "(":
                return ("block", *self.several(")", ";"))
            case "sign", "[":
                return ("list", *self.several("]"))
            case "sign", "{":
                return ("object", *self.pairs())
        raise NotUnderstood("the formula cannot be read")

    def several(self, end: str, between: str = ",") -> list[Node]:
        found: list[Node] = []
        while not self.take(end):
            if found and not self.take(between):
                raise NotUnderstood(f"the formula misses {end!r}")
            if self.take(end):
                break
            found.append(self.expression())
        return found

    def pairs(self) -> list[Node]:
        found: list[Node] = []
        while not self.take("}"):
            if found and not self.take(","):
                raise NotUnderstood("the formula misses '}'")
            key = self.primary()
            if key[0] != "value" or not isinstance(key[1], str) or not self.take(":"):
                raise NotUnderstood("the formula names no key")
            found.append(("pair", key[1], self.expression()))
        return found

    def peek(self) -> str:
        return self.rest[-1][1] if self.rest and self.rest[-1][0] != "text" else ""

    def take(self, sign: str) -> bool:
        if self.peek() != sign:
            return False
        self.rest.pop()
        return True


def _names(tree: Node, bound: frozenset[str]) -> Iterator[str]:
    if tree[0] == "name" and tree[1] not in (BASE, *bound) and not str(tree[1]).startswith("$"):
        yield str(tree[1])
    for part in tree[1:]:
        if isinstance(part, tuple):
            yield from _names(part, bound)


class _Evaluation:
    """One evaluation, with what is given and what it binds itself."""

    def __init__(self, given: Mapping[str, Value], seconds: Mapping[str, Decimal]) -> None:
        self.given = dict(given)
        self.seconds = seconds

    def of(self, node: Node) -> Value:
        match node:
            case "value", value:
                return value  # type: ignore[return-value]
            case "name", str(name):
                return self.given.get(name)
            case "let", str(name), tuple(bound):
                self.given[name] = self.of(bound)
                return self.given[name]
            case "if", tuple(what), tuple(then), tuple(other):
                return self.of(then if _true(self.of(what)) else other)
            case "negative", tuple(what):
                return _minus(self.of(what))
            case "block", *parts:
                return [self.of(part) for part in parts if isinstance(part, tuple)][-1] if parts else None
            case "list", *parts:
                return _flat([self.of(part) for part in parts if isinstance(part, tuple)])
            case "object", *pairs:
                return {pair[1]: self.of(pair[2]) for pair in pairs}  # type: ignore[index]
            case "call", str(name), *parts:
                return self.call(name, [self.of(part) for part in parts if isinstance(part, tuple)])
            case "or" | "and" as sign, tuple(left), tuple(right):
                first = _true(self.of(left))
                return first if first == (sign == "or") else _true(self.of(right))
            case str(sign), tuple(left), tuple(right):
                return _joined(sign, self.of(left), self.of(right))
        raise NotUnderstood("the formula cannot be evaluated")

    def call(self, name: str, values: list[Value]) -> Value:
        if name.startswith(LENGTH):
            return self.length(values)
        if name not in _FUNCTIONS:
            raise NotUnderstood(f"the formula calls {name!r}")
        return _FUNCTIONS[name](values)

    def length(self, values: list[Value]) -> Value:
        """A file that is not given lasts no time, so that a price falls to its least."""
        lengths = [self.seconds.get(one) for one in _flat(values) if isinstance(one, str)]
        return sum((_bounded(Fraction(one)) for one in lengths if one is not None), Fraction(0))


def _value(value: object) -> Value:
    match value:
        case bool() | str():
            return value
        case int() | Decimal():
            return _bounded(Fraction(value))
        case list() | tuple():
            return [_value(one) for one in value]
    return None


def _bounded(number: Fraction) -> Fraction:
    if abs(number.numerator) > LARGEST or number.denominator > LARGEST:
        raise NotUnderstood("a number in the formula is beyond all bounds")
    return number


def _true(value: Value) -> bool:
    return any(map(_true, value)) if isinstance(value, list) else bool(value)


def _minus(value: Value) -> Value:
    return -value if isinstance(value, Fraction) else None


def _flat(values: list[Value]) -> list[Value]:
    found: list[Value] = []
    for one in values:
        found += one if isinstance(one, list) else [] if one is None else [one]
    return found


def _joined(sign: str, left: Value, right: Value) -> Value:
    match sign:
        case "=" | "!=":
            return None not in (left, right) and (left == right) == (sign == "=")
        case "in":
            return left in (right if isinstance(right, list) else [right])
        case "&":
            return f"{_text(left)}{_text(right)}"
    if left is None or right is None:
        return None
    if sign in _ORDERS and isinstance(left, str) and isinstance(right, str):
        return _ORDERS[sign](_order(left, right))
    if not isinstance(left, Fraction) or not isinstance(right, Fraction):
        raise NotUnderstood(f"the formula has {sign!r} between values that are not numbers")
    if sign in _ORDERS:
        return _ORDERS[sign](_order(left, right))
    if sign in ("/", "%") and not right:
        raise NotUnderstood("the formula divides by nothing")
    return _bounded(_NUMBERS[sign](left, right))


def _order(left: str | Fraction, right: str | Fraction) -> int:
    return (left > right) - (left < right)  # type: ignore[operator]


_ORDERS: Final[Mapping[str, Callable[[int], bool]]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
_NUMBERS: Final[Mapping[str, Callable[[Fraction, Fraction], Fraction]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": lambda left, right: left % right,
}


def _text(value: Value) -> str:
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator)
    if value is None or isinstance(value, str):
        return value or ""
    raise NotUnderstood("the formula joins values that are not text")


def _numbers(values: list[Value]) -> list[Fraction]:
    found = _flat(values)
    if not all(isinstance(one, Fraction) for one in found):
        raise NotUnderstood("the formula counts values that are not numbers")
    return [one for one in found if isinstance(one, Fraction)]


def _of_one(function: Callable[[Fraction], int | Fraction]) -> Callable[[list[Value]], Value]:
    def call(values: list[Value]) -> Value:
        numbers = _numbers(values[:1])
        return Fraction(function(numbers[0])) if numbers else None

    return call


def _of_all(function: Callable[[list[Fraction]], Fraction | int]) -> Callable[[list[Value]], Value]:
    def call(values: list[Value]) -> Value:
        numbers = _numbers(values)
        return Fraction(function(numbers)) if numbers else None

    return call


def _number(values: list[Value]) -> Value:
    match values[:1]:
        case [str(text)] if re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", text):
            return Fraction(text)
        case [bool(flag)]:
            return Fraction(int(flag))
        case [Fraction() as number]:
            return number
        case [None] | []:
            return None
    raise NotUnderstood("the formula reads a number where there is none")


def _rounded(values: list[Value]) -> Value:
    """Half to even, as JSONata rounds."""
    numbers = _numbers(values)
    if not numbers:
        return None
    places = int(numbers[1]) if len(numbers) > 1 else 0
    if not 0 <= places <= PLACES:
        raise NotUnderstood("the formula rounds in a way that is not known")
    return Fraction(round(numbers[0] * 10**places), 10**places)


_FUNCTIONS: Final[Mapping[str, Callable[[list[Value]], Value]]] = {
    "$max": _of_all(max),
    "$min": _of_all(min),
    "$sum": _of_all(lambda numbers: sum(numbers, Fraction(0))),
    "$ceil": _of_one(ceil),
    "$floor": _of_one(floor),
    "$abs": _of_one(abs),
    "$round": _rounded,
    "$number": _number,
    "$count": lambda values: Fraction(len(_flat(values))),
    "$length": lambda values: Fraction(len(_text(values[0]))) if values and values[0] is not None else None,
    "$exists": lambda values: bool(values) and values[0] is not None,
    "$boolean": lambda values: bool(values) and _true(values[0]),
    "$not": lambda values: not (values and _true(values[0])),
}
