"""The columns of a view, told by the annotations of its row class; nothing is told by a column's name.

account: Key[Text]          which row: a part of its key
price: Sum[Money]           a measure: what facts bring is added up
made_by: First[Text | None] the first that a fact told
plan: Note[Text | None]     the newest that a fact told
held: Asked[Money]          not stored: the view's query works it out

@property
def gross(self) -> Money:   worked out from the row
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from enum import Enum, auto
from typing import Annotated, Any, TypeVar, get_args, get_type_hints


class ColumnKind(Enum):
    """The sort of a value, by which it is stored and shown."""

    TEXT = auto()
    ACCOUNT = auto()
    """The id of the account whose row it is."""
    USER = auto()
    """The id of a user of that account, or the pseudonym of one who was erased."""
    CURRENCY = auto()
    """The code of the currency of the row's money."""
    COUNT = auto()
    UNITS = auto()
    """Millionths of a unit."""
    MONEY = auto()
    """Micro-units of the row's currency."""
    COST = auto()
    """Micro-units of the currency of the row's costs."""
    COST_CURRENCY = auto()
    """The code of the currency of the row's costs, empty or None if it is that of its money."""
    INSTANT = auto()
    """Epoch microseconds, UTC."""
    WORDS = auto()
    """Several texts; worked out, never stored."""

    @property
    def is_whole(self) -> bool:
        """Whether it is stored as a 64-bit number; the others are text."""
        return self in (ColumnKind.COUNT, ColumnKind.UNITS, ColumnKind.MONEY, ColumnKind.COST, ColumnKind.INSTANT)


class Role(Enum):
    """The part that a column plays in its row."""

    KEY = auto()
    SUM = auto()
    FIRST = auto()
    NOTE = auto()
    ASKED = auto()
    WORKED_OUT = auto()


STORED = (Role.KEY, Role.SUM, Role.FIRST, Role.NOTE)

Holds = TypeVar("Holds")

Text = Annotated[str, ColumnKind.TEXT]
Account = Annotated[str, ColumnKind.ACCOUNT]
User = Annotated[str, ColumnKind.USER]
Currency = Annotated[str, ColumnKind.CURRENCY]
Count = Annotated[int, ColumnKind.COUNT]
Units = Annotated[int, ColumnKind.UNITS]
Money = Annotated[int, ColumnKind.MONEY]
Cost = Annotated[int, ColumnKind.COST]
CostCurrency = Annotated[str, ColumnKind.COST_CURRENCY]
Instant = Annotated[int, ColumnKind.INSTANT]
Words = Annotated[tuple[str, ...], ColumnKind.WORDS]

Key = Annotated[Holds, Role.KEY]
Sum = Annotated[Holds, Role.SUM]
First = Annotated[Holds, Role.FIRST]
Note = Annotated[Holds, Role.NOTE]
Asked = Annotated[Holds, Role.ASKED]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it is in the row, and what it holds."""

    name: str
    role: Role
    kind: ColumnKind


class ViewRow:
    """The base of all views' row classes: frozen dataclasses whose annotations declare the columns."""

    __slots__ = ()

    def unknown(self) -> Collection[str]:
        """The columns whose value nobody knows, though a number is stored: they are shown as null, never as zero."""
        return ()


def columns_of_row(row: type[ViewRow]) -> tuple[Column, ...]:
    """All columns of a row class, those worked out last. Raises TypeError if they are not in the order of `Role`."""
    hints = get_type_hints(row, include_extras=True)
    found = [_column(row, field.name, hints[field.name]) for field in fields(row)]  # type: ignore[arg-type]
    if found != sorted(found, key=lambda column: column.role.value):
        raise TypeError(f"{row.__name__}: write keys, then sums, then firsts, then notes, then what is asked")
    return (*found, *_worked_out(row))


def _column(row: type[ViewRow], name: str, hint: Any) -> Column:
    told = {type(one): one for one in _told(hint)}
    if told.keys() != {ColumnKind, Role}:
        raise TypeError(f"{row.__name__}.{name} must say what it is and what it holds, such as Sum[Money]")
    return Column(name, told[Role], told[ColumnKind])


def _worked_out(row: type[ViewRow]) -> Iterator[Column]:
    for owner in reversed(row.__mro__):
        for name, value in vars(owner).items():
            if isinstance(value, property):
                told = _told(get_type_hints(value.fget, include_extras=True)["return"])
                yield from (Column(name, Role.WORKED_OUT, one) for one in told if isinstance(one, ColumnKind))


def _told(hint: Any) -> Iterator[Any]:
    """The kinds and roles in an annotation, also behind `| None`."""
    for one in get_args(hint):
        yield from [one] if isinstance(one, ColumnKind | Role) else _told(one)
