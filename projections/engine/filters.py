"""Which rows are wanted: what every view's filter is made of."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from domain.errors import InvalidInput

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, Table


class ViewFilter:
    """The base of all views' filters: frozen dataclasses, whose fields are None for any.

    `conditions` are made once for all filters with the same fields given. A field then stands for its value to come,
    and can only be compared with columns, as the parts of a tuple can. Fields in WORDING are read as they are:
    conditions are made once for each of their values. Those of a filter that is `alone` are of its own.
    """

    __slots__ = ()
    WORDING: ClassVar[frozenset[str]] = frozenset()

    @property
    def alone(self) -> bool:
        """Whether no other filter asks so, and nothing is kept for the next one."""
        return False

    def check(self) -> None:
        """Refuse a word that there is not, as it would find nothing. Raises InvalidInput."""

    def conditions(self, table: Table) -> Iterable[ColumnElement[bool]]:  # noqa: ARG002
        """The conditions that must hold of a row."""
        return ()

    def missed(self) -> None:
        """Nothing was found: refuse a word that is neither in the log nor in the catalogue. Raises UnknownKind."""


def same(table: Table, **wanted: str | None) -> Iterable[ColumnElement[bool]]:
    """Conditions that columns have these values, None for any."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def one_of(column: Column[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a column has one of these values, which are the same whenever it is asked."""
    from sqlalchemy import or_

    return or_(*(column == value for value in values))


def containing(start: Column[Any], end: Column[Any], at: int | None) -> Iterable[ColumnElement[bool]]:
    """Conditions that the span [start, end) contains an instant, None for any."""
    return [] if at is None else [start <= at, end > at]


def check_word(name: str, word: str | None, known: Iterable[str]) -> None:
    """A filter names something that there is, as one that is misspelt would find nothing. Raises InvalidInput."""
    words = list(known)
    if word is not None and word not in words:
        close = get_close_matches(str(word), words, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(words)}"
        raise InvalidInput(name, f"there is no {name} {word!r}", hint=hint)


def check_kind_named(kind: str | None) -> None:
    """The kind that was asked for is one that there is. Raises UnknownKind."""
    if kind is not None:
        from domain.catalogue import Catalogue

        Catalogue.family(kind)
