"""One content as CSV, HTML and PDF: it adds up in each, holds every word that was given, and is the same each time."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import font_roboto
import pypdfium2
import pytest

from application.keeping.forms import content_digest, content_of
from application.keeping.statements import StatementView
from domain.booking import GoodwillGiven
from domain.errors import InvalidInput
from domain.operation import Adjusted
from domain.statement import StatementFold
from infrastructure.documents.drawing import FORMATS, Letterhead, written_as
from tests.domain.examples import (
    APRIL,
    APRIL_BOOK,
    CENT,
    CHARGED,
    CREDIT,
    IN_MAY,
    LATER,
    MARCH,
    OPERATION,
)

USERS = ("ann", "Κώστας", "Юлия", "王小明", "m.schröder@example.com")
HEAD = Letterhead(("Example Studio Ltd", "VAT GB 123 456 789"), ("Acme Inc.",))
SPOILT = "=1+1 the picture was <b>spoilt</b> & dull"


def statement(lines: int = 12, status: str = "issued") -> StatementView:
    """A statement with every kind of line, and users of several scripts."""
    fold = StatementFold(APRIL)
    for fact in (replace(APRIL_BOOK, balance=0), CREDIT):
        fold.add(fact)
    for number in range(lines):
        who = replace(OPERATION, user=USERS[number % len(USERS)], model=f"model-{number}")
        fold.add(replace(CHARGED, operation=who, price=4 * CENT + 333 * number))
    fold.add(Adjusted(OPERATION, LATER, APRIL, "2026-04-10", -CENT, 0, "USD", SPOILT, "ticket-1"))
    fold.add(GoodwillGiven("acme", LATER, APRIL, MARCH, 2 * CENT, "USD", "an outage", "ticket-2"))
    read = fold.finish("acme", "Europe/Berlin", 12, "a7" * 32, 50 * CENT)
    content = content_of(read, 1)
    if status == "draft":
        return StatementView(read, content, content_digest(content), "draft")
    told = StatementView(read, content, content_digest(content), status, "acme-0007", IN_MAY, "acme-0006")
    return replace(told, voided=IN_MAY, reason="a wrong name", voided_by="operator:eve") if status == "voided" else told


class Cells(HTMLParser):
    """The text of a page, and whatever tags were left open."""

    VOID = frozenset({"meta"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def pages(content: bytes) -> Iterator[str]:
    """The text that can be selected on each page."""
    document = pypdfium2.PdfDocument(content)
    try:
        for page in document:
            yield page.get_textpage().get_text_range()
    finally:
        document.close()


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_statement_is_the_same_bytes(format: str) -> None:
    assert written_as(statement(), format, HEAD) == written_as(statement(), format, HEAD)


def test_the_rows_of_a_table_add_up_and_none_is_a_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(written_as(statement(), "csv", HEAD).decode(), newline="")))
    lines = [row for row in rows if row["line"] in ("usage", "refund", "goodwill", "rounding")]
    (total,) = [row for row in rows if row["line"] == "total"]
    assert sum(Decimal(row["rounded"]) for row in lines) == Decimal(total["rounded"])
    assert sum(Decimal(row["amount"] or 0) for row in lines) == Decimal(total["amount"])
    assert [row["reason"] for row in rows if row["line"] == "refund"] == [f"'{SPOILT}"]
    assert {row["user"] for row in rows if row["line"] == "usage"} == {*USERS}
    assert {row["class"] for row in rows if row["line"] == "goodwill"} == {"Correction"}


def test_a_page_is_whole_and_shows_words_as_they_were_given() -> None:
    one = statement()
    page = Cells(written_as(one, "html", HEAD).decode())
    assert page.open == []
    wanted = {"Statement acme-0007", SPOILT, *USERS, one.content["totals"]["total"] + " USD", "acme-0006"}
    assert wanted <= {*page.text}
    assert "Example Studio Ltd\nVAT GB 123 456 789" in page.text


def test_a_pdf_has_text_that_can_be_selected_in_embedded_fonts_on_numbered_pages() -> None:
    one = statement(lines=80)
    content = written_as(one, "pdf", HEAD)
    found = list(pages(content))
    assert len(found) >= 3
    assert [f"{number} / {len(found)}" in page for number, page in enumerate(found, 1)] == [True] * len(found)
    whole = "\n".join(found)
    for text in ("Statement acme-0007", "Κώστας", "Юлия", "Acme Inc.", one.content["balance"]["closing"], one.digest):
        assert text in whole
    assert all("Model" in page for page in found[:2]), "titles are repeated"
    assert content.count(b"/FontFile2") >= 2
    assert b"/BaseFont /Helvetica" not in content


def test_letters_that_no_font_has_are_code_points_and_never_left_out() -> None:
    (page, *_) = pages(written_as(statement(lines=5), "pdf", HEAD))
    assert "[U+738B]" in page.replace("\r\n", "")


def test_another_font_is_read_or_told_to_be_none(tmp_path: Path) -> None:
    light = Path(font_roboto.RobotoLight)
    assert written_as(statement(), "pdf", replace(HEAD, fonts=(light,))).startswith(b"%PDF")
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    for wrong in (broken, tmp_path / "none.ttf"):
        with pytest.raises(InvalidInput, match=f"font: {wrong} cannot be read"):
            written_as(statement(), "pdf", replace(HEAD, fonts=(wrong,)))


@pytest.mark.parametrize(("status", "told"), [("draft", "Draft: nothing is recorded"), ("voided", "Voided: this")])
def test_what_does_not_hold_says_so_at_its_head(status: str, told: str) -> None:
    one = statement(status=status)
    assert told in written_as(one, "html", HEAD).decode()
    assert told in next(pages(written_as(one, "pdf", HEAD)))


@pytest.mark.parametrize("format", FORMATS)
def test_a_voided_statement_says_who_voided_it_and_why(format: str) -> None:
    content = written_as(statement(status="voided"), format, HEAD)
    text = " ".join("".join(pages(content)).split()) if format == "pdf" else content.decode()
    assert "operator:eve" in text
    assert "a wrong name" in text


def test_an_unknown_format_and_a_library_that_is_missing_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="'docx' is none"):
        written_as(statement(), "docx", HEAD)
    monkeypatch.setitem(sys.modules, "fpdf", None)
    monkeypatch.delitem(sys.modules, "infrastructure.documents.pdf", raising=False)
    with pytest.raises(InvalidInput, match="needs the extra 'documents'") as raised:
        written_as(statement(), "pdf", HEAD)
    assert "image-studio[documents]" in str(raised.value.advice)
