"""A page of text: aligned pairs and tables that fit the terminal, exact money on its decimal point, few colours."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from domain.money import Money
from infrastructure.showing.formats import TOGETHER

PIPED: Final = 200
"""Columns where there is no terminal to fit."""

GAP: Final = "  "
NARROWEST: Final = 24
WIDEST_BAR: Final = 72
STYLES: Final = {
    "charged": "green",
    "intact": "green",
    "equal": "green",
    "up to date": "green",
    "answers": "green",
    "matched": "green",
    "same": "green",
    "rejected": "yellow",
    "released": "yellow",
    "refused": "yellow",
    "not set up": "yellow",
    "cannot list": "yellow",
    "does not answer": "red",
    "failed": "red",
    "differs": "red",
    "damaged": "red",
    "stopped": "red",
    "unreadable": "red",
    "missing here": "red",
    "missing there": "red",
    "adjusted": "magenta",
    "dispatched": "cyan",
    "submitted": "cyan",
    "open": "cyan",
}
"""The colour of a word that says how something stands."""


PARTS: Final = tuple(zip("█▓▒░▚▞▤", ("blue", "red", "green", "yellow", "cyan", "magenta", "white"), strict=True))
"""The sign and colour of each part of a bar: signs tell parts apart in a file or without colours."""


def state_style(word: str) -> str:
    return STYLES.get(word, "")


def no_style(word: str) -> str:  # noqa: ARG001
    return ""


@dataclass(frozen=True, slots=True)
class PageColumn:
    """Cells of one kind. Of columns that do not fit, the one of the highest `drop` goes first; 0 always stays.

    A column that may `wrap` takes what it needs of what is left of the line, at least that many characters, and goes on
    below itself.
    """

    title: str
    cells: Sequence[str]
    right: bool = False
    drop: int = 0
    wrap: int = 0
    style: Callable[[str], str] = no_style

    @property
    def widest(self) -> int:
        """The width of its widest cell, or of its title."""
        return max(map(cell_len, (self.title, *self.cells)))

    @property
    def width(self) -> int:
        """The width that it needs: all of its widest cell, or as much as lets it wrap."""
        return min(self.widest, self.wrap) if self.wrap else self.widest

    @property
    def is_needed(self) -> bool:
        return self.drop == 0 or any(self.cells)


def amounts(title: str, moneys: Sequence[Money | None], drop: int = 0) -> PageColumn:
    """A column of money on its decimal points; the currency is in the title where it is the same in all rows."""
    currencies = {money.currency for money in moneys if money is not None}
    if len(currencies) != 1:
        return PageColumn(title, ["" if money is None else str(money) for money in moneys], right=True, drop=drop)
    digits = ["" if money is None else str(money).split(" ")[0] for money in moneys]
    return PageColumn(f"{title} {currencies.pop()}", on_the_point(digits), right=True, drop=drop)


def on_the_point(numbers: Sequence[str]) -> list[str]:
    """Decimals filled up with spaces, so that set to the right they stand on their points."""
    deepest = max(len(_fraction(number)) for number in numbers)
    return [number + " " * (deepest - len(_fraction(number))) if number else "" for number in numbers]


def _fraction(digits: str) -> str:
    whole, point, fraction = digits.partition(".")
    return point + fraction if whole else ""


def printable(text: str) -> str:
    """Text that cannot steer a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


class _Console(Console):
    """Leaves it to the command line what to do when nobody reads on."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Page:
    """Writes to one console, never beyond its width but for ids and paths, which are never broken."""

    def __init__(self, console: Console, width: int) -> None:
        self._console = console
        self.width = width

    @classmethod
    def on_stdout(cls) -> Page:
        """As wide as the terminal or COLUMNS; wide where the text goes to a file or a program."""
        console = _Console(highlight=False, soft_wrap=True)
        return cls(console, shutil.get_terminal_size((PIPED, 24)).columns)

    def line(self, text: str = "", style: str = "") -> None:
        """One line, not broken."""
        self._put(Text(printable(text), style))

    def document(self, document: object) -> None:
        """JSON that is to be handed on, as it is."""
        for line in json.dumps(document, indent=2).splitlines():
            self.line(line)

    def title(self, text: str) -> None:
        self.line(text, "bold")

    def prose(self, text: str, style: str = "", indent: int = 0) -> None:
        """Text broken between words."""
        for line in self._wrapped(text, self.width - indent):
            self.line(" " * indent + line, style)

    def pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values, aligned; values are broken between words."""
        widest = max(len(name) for name, _ in rows)
        for name, value in rows:
            room = max(self.width - widest - 2 * len(GAP), NARROWEST)
            for number, part in enumerate(self._wrapped(value, room) or [""]):
                label = name if number == 0 else ""
                style = state_style(part) if part == value else ""
                self._put(Text.assemble(GAP, (label.ljust(widest), "dim"), GAP, (printable(part), style)))

    def table(self, *columns: PageColumn) -> None:
        """Rows under dim titles; nothing is cut, and columns that do not fit are left out and named below."""
        shown = self._fitting(columns)
        fixed = [column.width for column in shown if not column.wrap]
        room = self.width - sum(fixed) - len(GAP) * len(shown)
        widths = [min(max(room, column.width), column.widest) if column.wrap else column.width for column in shown]
        aligned = zip(shown, widths, strict=True)
        self._put(_row([(_aligned(column.title, width, column), "dim") for column, width in aligned]))
        for cells in zip(*(column.cells for column in shown), strict=True):
            self._entry(shown, widths, cells)
        left_out = [column.title for column in columns if column not in shown and any(column.cells)]
        if left_out:
            self.prose(f"not shown, as there is no room: {', '.join(left_out)}", "dim", indent=2)

    def bars(self, rows: Sequence[tuple[str, Sequence[int], str]]) -> None:
        """A bar for each row between its name and its value, to one scale; each part in a sign and a colour of its own.

        Parts below zero take no room: the value tells them.
        """
        names, values = max(cell_len(row[0]) for row in rows), max(cell_len(row[2]) for row in rows)
        room = min(max(self.width - names - values - 3 * len(GAP), NARROWEST), WIDEST_BAR)
        longest = max([1, *(sum(max(part, 0) for part in parts) for _, parts, _ in rows)])
        for name, parts, value in rows:
            signs = zip(PARTS, _lengths(parts, room, longest), strict=False)
            bar = [(sign * length, color) for (sign, color), length in signs]
            self._put(Text.assemble(GAP, (name.ljust(names), "dim"), GAP, *bar, GAP, value))

    def legend(self, names: Sequence[str]) -> None:
        """Which part of the bars is which."""
        for (sign, color), name in zip(PARTS, names, strict=False):
            self._put(Text.assemble(GAP, (sign * 2, color), GAP, printable(name)))

    def _entry(self, columns: Sequence[PageColumn], widths: Sequence[int], cells: Sequence[str]) -> None:
        parts = [
            self._wrapped(cell, width) if column.wrap else [cell]
            for column, width, cell in zip(columns, widths, cells, strict=True)
        ]
        for number in range(max(map(len, parts))):
            line = []
            for column, width, part in zip(columns, widths, parts, strict=True):
                text = printable(part[number]) if number < len(part) else ""
                line.append((_aligned(text, width, column), column.style(text)))
            self._put(_row(line))

    def _fitting(self, columns: Sequence[PageColumn]) -> list[PageColumn]:
        shown = [column for column in columns if column.is_needed]
        while sum(len(GAP) + column.width for column in shown) > self.width:
            least = max(shown, key=lambda column: column.drop)
            if least.drop == 0:
                break
            shown.remove(least)
        return shown

    def _wrapped(self, text: str, width: int) -> list[str]:
        lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        return [line.replace(TOGETHER, " ") for line in lines]

    def _put(self, text: Text) -> None:
        text.rstrip()
        self._console.print(text)


def _lengths(parts: Sequence[int], room: int, longest: int) -> list[int]:
    """The characters of each part, which together are those of the sum; what is not nothing has one at least."""
    ends, total = [0], 0
    for part in parts:
        total += max(part, 0)
        ends.append(max(total * room // longest, ends[-1] + (part > 0)))
    return [end - start for start, end in pairwise(ends)]


def _row(cells: Sequence[tuple[str, str]]) -> Text:
    return Text.assemble(*(part for cell in cells for part in (GAP, cell)))


def _aligned(text: str, width: int, column: PageColumn) -> str:
    space = " " * max(width - cell_len(text), 0)
    return space + text if column.right else text + space


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[float, str], None]]:
    """A bar on stderr that leaves nothing behind."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.fields[what]}"), BarColumn(24), TextColumn("{task.fields[doing]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0, what=what, doing="")

        def report(fraction: float, message: str) -> None:
            bar.update(task, completed=fraction, doing=printable(message))

        yield report
