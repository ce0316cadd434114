"""Pages: nothing is cut, nothing is wider than the terminal unless an id is, and money stands on its point."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as some
from rich.cells import cell_len
from rich.console import Console

from domain.money import Money
from infrastructure.cli.rendering import Page, PageColumn, amounts, on_the_point, printable

WORDS = some.text("abcdefgh", min_size=1, max_size=12)


def printed(width: int, *columns: PageColumn) -> list[str]:
    """The lines of a table on a page of this width."""
    console = Console(file=io.StringIO(), width=10_000, soft_wrap=True)
    Page(console, width).table(*columns)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().splitlines()


@given(some.lists(some.integers(-(10**12), 10**12), min_size=1))
def test_amounts_of_one_currency_stand_on_one_point(micros: list[int]) -> None:
    column = amounts("PRICE", [Money(one, "USD") for one in micros])
    lines = printed(200, column)[1:]
    assert column.title == "PRICE USD"
    assert len({cell_len(line.split(".")[0]) for line in lines}) == 1
    assert [line.strip() for line in lines] == [str(Money(one, "USD")).split()[0] for one in micros]


def test_amounts_of_several_currencies_each_name_theirs() -> None:
    column = amounts("PRICE", [Money(10_000, "USD"), Money(5_000_000, "JPY"), None])
    assert (column.title, list(column.cells)) == ("PRICE", ["0.01 USD", "5 JPY", ""])


def test_whole_numbers_stand_on_the_point_too() -> None:
    assert on_the_point(["1", "0.25", "", "10.5"]) == ["1   ", "0.25", "", "10.5 "]


@given(some.lists(some.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=5), some.integers(20, 90))
def test_columns_that_do_not_fit_are_left_out_and_no_cell_is_cut(rows: list[tuple[str, str, str]], width: int) -> None:
    first, second, third = ([row[place] for row in rows] for place in range(3))
    lines = printed(width, PageColumn("A", first), PageColumn("B", second, drop=1), PageColumn("C", third, drop=2))
    titles = lines[0].split()
    assert titles in (["A"], ["A", "B"], ["A", "B", "C"])
    table, told = lines[: len(rows) + 1], " ".join(lines[len(rows) + 1 :]).split()
    assert all(len(line) <= width for line in table)
    assert [line.split() for line in table[1:]] == [list(row[: len(titles)]) for row in rows]
    left_out = ["A", "B", "C"][len(titles) :]
    assert " ".join(told) == (f"not shown, as there is no room: {', '.join(left_out)}" if left_out else "")


def test_an_id_wider_than_the_terminal_is_printed_whole() -> None:
    id = "x" * 200
    assert printed(80, PageColumn("ID", [id]), PageColumn("B", ["y"], drop=1))[1].strip() == id


def test_a_column_that_says_nothing_is_left_out() -> None:
    assert printed(80, PageColumn("A", ["x"]), PageColumn("B", [""], drop=1))[0].split() == ["A"]


@given(some.lists(WORDS, min_size=1, max_size=30), some.integers(40, 90))
def test_words_wrap_below_themselves(words: list[str], width: int) -> None:
    _, *lines = printed(width, PageColumn("ID", ["0123456789"]), PageColumn("", [" ".join(words)], wrap=12))
    assert all(len(line) <= width for line in lines)
    assert " ".join(" ".join(line[14:] for line in lines).split()) == " ".join(words)
    assert {line[:14].strip() for line in lines} <= {"0123456789", ""}


def test_a_wide_character_takes_its_two_columns() -> None:
    lines = printed(80, PageColumn("USER", ["日本", "ann"]), PageColumn("N", ["1", "2"]))
    assert len({cell_len(line) for line in lines[1:]}) == 1


def test_nothing_that_is_printed_can_steer_the_terminal() -> None:
    assert printable("\x1b[2Jhello\r\n") == "�[2Jhello��"
    assert "\x1b" not in "".join(printed(80, PageColumn("A", ["\x1b[31mred"])))


def test_markup_in_names_is_printed_as_it_is() -> None:
    assert printed(80, PageColumn("USER", ["[bold]ann[/]"]))[1].strip() == "[bold]ann[/]"
