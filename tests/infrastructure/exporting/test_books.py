"""The books as other programs read them: beancount, hledger and CSV come to our totals, to the micro-unit."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core.data import Note, Open, Transaction
from beancount.scripts.check import main as bean_check
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from application.keeping.books import BookQuery
from domain.chart import Heading
from domain.ledger import CreditAdded
from infrastructure.exporting import FORMATS
from infrastructure.exporting.naming import ROOTS, account_name, component
from infrastructure.exporting.rows import csv_rows
from infrastructure.exporting.tally import ExportTally, six
from tests.domain.examples import CREDIT
from tests.infrastructure.exporting.shelf import ODD, Shelf

Totals = Counter[tuple[str, str]]


def expected(told: ExportTally) -> Totals:
    """Our own totals under the names of plain-text accounting."""
    found: Totals = Counter()
    for (customer, one, currency), balance in told.balances.items():
        found[account_name(one, customer), currency] += balance
    return Counter({key: balance for key, balance in found.items() if balance})


def micros(number: Decimal) -> int:
    scaled = number.scaleb(6)
    assert scaled == int(scaled)
    return int(scaled)


def off_by_one(text: str) -> str:
    """The text with another last digit in the first charge."""
    found = re.search(r"Income:Charges:\S+  -\d+\.\d{5}(\d)", text)
    assert found is not None
    return f"{text[: found.start(1)]}{(int(found[1]) + 1) % 10}{text[found.end(1) :]}"


# Beancount


def read_beancount(text: str) -> tuple[list[Any], Totals]:
    """The directives that beancount reads, and the sums of all postings; not one error."""
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    found: Totals = Counter()
    for entry in entries:
        for posting in entry.postings if isinstance(entry, Transaction) else ():
            assert posting.units is not None
            assert posting.units.number is not None
            found[posting.account, posting.units.currency] += micros(posting.units.number)
    return entries, Counter({key: balance for key, balance in found.items() if balance})


def test_bean_check_finds_nothing_and_the_totals_are_ours(shelf: Shelf, tmp_path: Path) -> None:
    text, told = shelf.export("beancount", assertions=True)
    file = tmp_path / "books.beancount"
    file.write_text(text, encoding="utf-8")
    checked = CliRunner().invoke(bean_check, ["--no-cache", str(file)])
    assert (checked.exit_code, checked.output) == (0, "")
    entries, totals = read_beancount(text)
    assert totals == expected(told)
    assert len([one for one in entries if isinstance(one, Transaction)]) == len(
        {one.meta["position"] for one in entries if isinstance(one, Transaction)}
    )


def test_bean_check_finds_a_micro_unit_that_is_missing(shelf: Shelf) -> None:
    text, _ = shelf.export("beancount", assertions=True)
    _, errors, _ = loader.load_string(off_by_one(text))
    assert errors
    wrong = re.sub(r"( balance Assets:\S+  \d+\.\d{5})(\d)( ~ 0 )", r"\g<1>7\g<3>", text, count=1)
    _, errors, _ = loader.load_string(wrong)
    assert bool(errors) == (wrong != text)


def test_beancount_keeps_what_a_fact_is(shelf: Shelf) -> None:
    text, _ = shelf.export("beancount", account=ODD)
    entries, _ = read_beancount(text)
    charged = next(one for one in entries if isinstance(one, Transaction) and one.narration == "operation.charged")
    assert charged.payee == ODD
    assert (charged.meta["operation"], sorted(charged.links)) == ("op-1", ["op-1"])
    assert [one.comment for one in entries if isinstance(one, Note)] == ["nobody knows what op-2 cost"]
    assert {one.account for one in entries if isinstance(one, Open)} >= {f"Liabilities:Wallet:Held:{component(ODD)}"}


# hledger


@pytest.fixture(scope="module")
def hledger() -> str:
    found = shutil.which("hledger")
    if found is None:
        pytest.skip("hledger is not installed: .ci/packages names it")
    return found


def test_hledger_checks_strictly_and_the_totals_are_ours(shelf: Shelf, hledger: str, tmp_path: Path) -> None:
    text, told = shelf.export("hledger")
    file = tmp_path / "books.journal"
    file.write_text(text, encoding="utf-8")
    run = partial(subprocess.run, check=True, capture_output=True, text=True, env={"LANG": "C.UTF-8"})
    run([hledger, "-f", str(file), "check", "--strict"])
    printed = csv.DictReader(StringIO(run([hledger, "-f", str(file), "print", "-O", "csv"]).stdout))
    found: Totals = Counter()
    for row in printed:
        found[row["account"], row["commodity"]] += micros(Decimal(row["amount"]))
    assert Counter({key: balance for key, balance in found.items() if balance}) == expected(told)
    balance = run([hledger, "-f", str(file), "balance", "--flat", "-N", "-O", "csv"]).stdout
    shown = {row["account"]: row["balance"] for row in csv.DictReader(StringIO(balance))}
    for (account, currency), amount in expected(told).items():
        assert f"{six(amount)} {currency}" in shown[account]


def test_hledger_finds_a_micro_unit_that_is_missing(shelf: Shelf, hledger: str, tmp_path: Path) -> None:
    text, _ = shelf.export("hledger")
    file = tmp_path / "books.journal"
    file.write_text(off_by_one(text), encoding="utf-8")
    done = subprocess.run([hledger, "-f", str(file), "check", "--strict"], check=False, capture_output=True)
    assert done.returncode != 0
    assert b"could not balance" in done.stderr


# Parts


TEXTS = sorted(name for name, one in FORMATS.items() if not one.binary)


@pytest.mark.parametrize("format", TEXTS)
def test_parts_one_after_the_other_are_the_whole(shelf: Shelf, format: str) -> None:
    whole, told = shelf.export(format)
    sums: Counter[Any] = Counter()
    parts = []
    for after in range(0, shelf.end, 150):
        text, part = shelf.export(format, after=after, upto=min(after + 150, shelf.end))
        sums.update(part.balances)
        parts.append(text)
    assert sums == told.balances
    assert lines_of_facts(format, "".join(parts)) == lines_of_facts(format, whole)
    if format == "beancount":
        _, totals = read_beancount("".join(parts))
        assert totals == expected(told)


def lines_of_facts(format: str, text: str) -> list[str]:
    """All lines but those that say what a file is."""
    headings = (";", "option ", "decimal-mark", "position,", "BilledCost,")
    return [line for line in text.splitlines() if line and not line.startswith(headings)]


def test_parts_are_included_in_one_book(shelf: Shelf, hledger: str, tmp_path: Path) -> None:
    middle = shelf.end // 2
    for format in ("beancount", "hledger"):
        for part, bounds in (("first", {"upto": middle}), ("second", {"after": middle})):
            (tmp_path / f"{part}.{format}").write_text(shelf.export(format, **bounds)[0], encoding="utf-8")
    book = tmp_path / "all.beancount"
    book.write_text('include "first.beancount"\ninclude "second.beancount"\n', encoding="utf-8")
    entries, errors, options = loader.load_file(str(book))
    assert (errors, len(entries) > 100) == ([], True)
    assert options["dcontext"].quantize(Decimal("0.045243"), "USD") == Decimal("0.045243")
    journal = tmp_path / "all.journal"
    journal.write_text("include first.hledger\ninclude second.hledger\n", encoding="utf-8")
    subprocess.run([hledger, "-f", str(journal), "check", "--strict"], check=True, env={"LANG": "C.UTF-8"})


def test_every_format_has_the_same_totals(shelf: Shelf) -> None:
    every = [shelf.export_bytes(format)[1] for format in FORMATS]
    assert all(one == every[0] for one in every)
    assert every[0].postings > 100
    assert {*every[0].sums()} == {"EUR", "JPY", "USD"}
    assert all(debits == credits > 0 for debits, credits in every[0].sums().values())


def test_days_are_the_first_and_the_last(shelf: Shelf) -> None:
    whole, told = shelf.export("csv")
    days = sorted({row["day"] for row in csv.DictReader(StringIO(whole))})
    middle = days[len(days) // 2]
    early, first = shelf.export("csv", days=("0000-00-00", middle))
    late, second = shelf.export("csv", days=(middle, "9999-99-99"))
    both = [row for row in csv.DictReader(StringIO(early)) if row["day"] == middle]
    assert both
    assert len(list(csv.DictReader(StringIO(early)))) + len(list(csv.DictReader(StringIO(late)))) - len(both) == len(
        list(csv.DictReader(StringIO(whole)))
    )
    assert first.facts + second.facts > told.facts


# CSV and JSON


def test_rows_have_the_same_amounts_as_numbers_and_as_text(shelf: Shelf) -> None:
    text, told = shelf.export("csv")
    rows = list(csv.DictReader(StringIO(text)))
    objects = [json.loads(line) for line in shelf.export("json")[0].splitlines()]
    assert len(rows) == len(objects) == told.postings + sum(row["amount"] == "" for row in rows)
    assert [row["micros"] for row in rows] == ["" if one["micros"] is None else str(one["micros"]) for one in objects]
    assert all(micros(Decimal(row["amount"])) == int(row["micros"]) for row in rows if row["amount"])
    assert {type(one["amount"]) for one in objects} == {str, type(None)}
    found: Counter[Any] = Counter()
    for one in objects:
        found[one["customer"], one["source"], one["currency"]] += one["micros"] or 0
        found[one["customer"], one["destination"], one["currency"]] -= one["micros"] or 0
    assert +found == +Counter({(who, one.name, of): balance for (who, one, of), balance in told.balances.items()})


def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(shelf: Shelf) -> None:
    fact = replace(CREDIT, account="=1+1")
    booked = next(one for one in shelf.books.read(BookQuery(), 0, shelf.end) if isinstance(one.fact, CreditAdded))
    told = ExportTally(0, shelf.end)
    text = "".join(csv_rows([replace(booked, fact=fact, account="=1+1")], told))
    assert next(csv.DictReader(StringIO(text)))["customer"] == "'=1+1"


# Names

IDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x250, exclude_categories=["Zs", "Cc"]), min_size=1, max_size=8
)


@given(st.lists(st.one_of(IDS, st.text("aZz-2e.", min_size=1, max_size=5)), min_size=2, max_size=30, unique=True))
def test_names_are_valid_and_no_two_alike(ids: Sequence[str]) -> None:
    names = [component(id) for id in ids]
    assert len({*names}) == len(ids)
    assert all(re.fullmatch(r"[A-Z0-9][A-Za-z0-9-]*", name) for name in names)


def test_every_heading_has_a_name_of_its_own() -> None:
    assert {*ROOTS} == {*Heading}
    assert len({*ROOTS.values()}) == len(ROOTS)


def test_a_name_is_readable() -> None:
    assert [component(id) for id in ("acme", "gpt-image-1.5", "Acme", "7up", "zoo", "@x")] == [
        "Acme",
        "Gpt-image-1Z2eZ5",
        "Z-Acme",
        "7up",
        "Z-zoo",
        "Z40Zx",
    ]


def test_amounts_are_written_in_full() -> None:
    assert [six(amount) for amount in (0, 1, -1, 1_500_000, -(10**15))] == [
        "0.000000",
        "0.000001",
        "-0.000001",
        "1.500000",
        "-1000000000.000000",
    ]
