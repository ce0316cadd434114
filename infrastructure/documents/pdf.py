"""A paper as a PDF: A4, text that can be selected and searched, its fonts embedded, and the same bytes each time.

Needs the extra `documents`: fpdf2, and Roboto for Latin, Greek, Cyrillic and Vietnamese. Other scripts are drawn from
fonts that are named; a character that no font has is written as its code point, and never left out.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import font_roboto
from fontTools.ttLib import TTFont, TTLibError
from fpdf import FPDF
from fpdf.fonts import FontFace, TTFFont

from domain.errors import InvalidInput
from infrastructure.documents.brand import Brand
from infrastructure.documents.paper import Paper, PaperTable
from infrastructure.documents.plots import Plot

FONT: Final = "paper"
BLACK, GREY, RED = (0, 0, 0), (90, 90, 90), (163, 0, 0)
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The date in a draft's file, which has none of its own."""
MILLION: Final = 1_000_000
LARGE: Final = 10
"""Points of a letter from which on a figure is one that is looked for."""
MARGIN, LINE = 16, 4.6
"""Millimetres."""


def pdf_of(paper: Paper, fonts: Sequence[Path] = ()) -> bytes:
    """The document. Raises InvalidInput for a font that cannot be read."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells of each table that it leaves out
    sheet = PaperSheet(paper.title, paper.brand)
    sheet.set_creation_date(EPOCH if paper.issued is None else datetime.fromtimestamp(paper.issued // MILLION, UTC))
    try:
        sheet.use(fonts)
        sheet.draw(paper)
        return bytes(sheet.output())
    finally:
        sheet.close_fonts()


class PaperSheet(FPDF):
    """Draws a paper on as many pages as it needs."""

    def __init__(self, title: str, brand: Brand | None = None) -> None:
        super().__init__(format="A4")
        self.known: set[int] = set()
        self.accent = BLACK if brand is None else brand.red_green_blue
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, MARGIN)
        self.set_title(title)
        self.set_creator("Image Studio" if brand is None else brand.name)
        self.set_lang("en")

    def footer(self) -> None:
        """Which page of how many, of what: called by the library at the end of each."""
        self.set_y(-MARGIN + 4)
        self._font(7.5, color=GREY)
        self.cell(0, LINE, self._drawable(str(self.title)))
        self.set_x(MARGIN)
        self.cell(0, LINE, f"{self.page_no()} / {{nb}}", align="R")

    def use(self, fonts: Sequence[Path]) -> None:
        """Draw with Roboto, and whatever that has no letters for with these fonts."""
        for style, file in (("", font_roboto.Roboto), ("B", font_roboto.RobotoBold)):
            self.add_font(FONT, style, file)
        self.known |= _coverage(Path(font_roboto.Roboto))
        for font in fonts:
            try:
                self.known |= _coverage(font)
                self.add_font(font.stem.lower(), "", font)
            except (OSError, TTLibError) as error:
                hint = "name a TrueType or OpenType font"
                raise InvalidInput("font", f"{font} cannot be read: {error}", hint=hint) from error
        self.set_fallback_fonts([font.stem.lower() for font in fonts], exact_match=False)

    def close_fonts(self) -> None:
        """Close their files, which the library leaves open."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def draw(self, paper: Paper) -> None:
        self.add_page()
        if paper.brand is not None:
            self._brand(paper.brand)
        self._head(paper)
        self._figures(paper.figures)
        for plot in paper.plots:
            self._plot(plot)
        for table in paper.tables:
            self._table(table)
        for sums in (paper.sums, paper.balance):
            self._sums(sums)
        self._font(7.5, color=GREY)
        self.ln(LINE)
        for note in paper.notes:
            self._lines(note)

    def _brand(self, brand: Brand) -> None:
        top = self.get_y()
        if brand.logo is not None:
            self.image(io.BytesIO(brand.logo.content), x=self.w - MARGIN - 40, y=top, w=40, h=9, keep_aspect_ratio=True)
        self._font(11, bold=True)
        self.set_y(top + 2)
        self._lines(brand.name, 6)
        self.set_draw_color(*self.accent)
        self.set_line_width(0.5)
        self.line(MARGIN, top + 11, self.w - MARGIN, top + 11)
        self.set_y(top + 15)

    def _figures(self, figures: Sequence[tuple[str, str, str]]) -> None:
        """Side by side, as wide as each other."""
        if not figures:
            return
        self.ln(2)
        top, wide = self.get_y(), (self.w - 2 * MARGIN) / len(figures)
        for place, parts in enumerate(figures):
            self.set_y(top)
            for text, size, height in zip(parts, (8, 15, 7.5), (LINE, 8, LINE), strict=True):
                self._font(size, bold=size > LARGE, color=BLACK if size > LARGE else GREY)
                self.set_x(MARGIN + place * wide)
                self.cell(wide, height, self._drawable(text), new_x="LMARGIN", new_y="NEXT")
        self.ln(2)

    def _plot(self, plot: Plot) -> None:
        self._room(plot.height + 10)
        self._font(11, bold=True)
        self._lines(plot.title, 7)
        left, top = MARGIN, self.get_y()
        self.set_draw_color(220)
        self.set_line_width(0.1)
        for rule in plot.rules:
            self.line(left + rule.x, top + rule.y, left + rule.x + rule.width, top + rule.y)
        with self.local_context(fill_color=self.accent):
            for bar in plot.bars:
                self.rect(left + bar.x, top + bar.y, bar.width, bar.height, style="F")
        self._font(7.5, color=GREY)
        for mark in plot.marks:
            text = self._drawable(mark.text)
            back = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor] * self.get_string_width(text)
            self.text(left + mark.x - back, top + mark.y, text)
        self.set_y(top + plot.height + 3)

    def _head(self, paper: Paper) -> None:
        self._font(20, bold=True)
        self._lines(paper.title, 9)
        if paper.warning:
            self._font(10, bold=True, color=RED)
            self._lines(paper.warning)
        self.ln(2)
        top = self.get_y()
        for label, value in paper.facts:
            self._font(9, color=GREY)
            self.cell(30, LINE, label)
            self._font(9)
            self.multi_cell(
                self.w / 2 - MARGIN - 26, LINE, self._drawable(value), align="L", new_x="LMARGIN", new_y="NEXT"
            )
        bottom = self.get_y()
        self.set_y(top)
        for party in (paper.issuer, paper.customer):
            for line in party:
                self.set_x(self.w / 2 + 8)
                self._lines(line)
            self.ln(2)
        self.set_y(max(bottom, self.get_y()) + 2)

    def _table(self, table: PaperTable) -> None:
        self.ln(2)
        self._room(5 * LINE)
        self._font(11, bold=True)
        self._lines(table.title, 6)
        self._font(7.5)
        self.set_draw_color(190)
        self.set_line_width(0.1)
        with self.table(
            col_widths=tuple(column.share for column in table.columns),
            text_align=tuple("RIGHT" if column.number else "LEFT" for column in table.columns),
            v_align="TOP",
            headings_style=FontFace(emphasis="BOLD", size_pt=7.5),
            borders_layout="HORIZONTAL_LINES",
            line_height=LINE - 0.6,
            padding=(0.5, 0.6),
        ) as drawn:
            for cells in ([column.title for column in table.columns], *table.rows):
                row = drawn.row()
                for cell in cells:
                    row.cell(self._drawable(cell))

    def _sums(self, sums: Sequence[tuple[str, str]]) -> None:
        if not sums:
            return
        self.ln(2)
        self._room(len(sums) * (LINE + 1))
        left, right = self.w - MARGIN - 80, self.w - MARGIN
        for place, (label, value) in enumerate(sums, 1):
            last = place == len(sums)
            self._font(10 if last else 9, bold=last)
            if last:
                self.set_draw_color(60)
                self.line(left, self.get_y(), right, self.get_y())
            self.set_x(left)
            self.cell(40, LINE + 1, label)
            self.cell(40, LINE + 1, value, align="R", new_x="LMARGIN", new_y="NEXT")

    def _room(self, height: float) -> None:
        """Go on to the next page if that much does not fit on this one."""
        if self.will_page_break(height):
            self.add_page()

    def _font(self, size: float, *, bold: bool = False, color: tuple[int, int, int] = BLACK) -> None:
        self.set_font(FONT, "B" if bold else "", size)
        self.set_text_color(*color)

    def _lines(self, text: str, height: float = LINE) -> None:
        self.multi_cell(0, height, self._drawable(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def _drawable(self, text: str) -> str:
        """The text with the code point of each character that no font has."""
        return "".join(one if ord(one) in self.known or one.isspace() else f"[U+{ord(one):04X}]" for one in text)


def _coverage(font: Path) -> set[int]:
    """The characters that a font has. Raises OSError, TTLibError."""
    with font.open("rb") as stream, TTFont(stream, lazy=True, fontNumber=0) as opened:
        return set(opened.getBestCmap())
