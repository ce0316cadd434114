"""Plots as shapes in millimetres, drawn alike in SVG and in PDF: no script, no picture, and exact amounts beside them.

amounts ── bars_by_day, bars_across ──> Plot ──┬─ svg_of ──> in HTML
                                               └─ PaperSheet ──> in PDF
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

WIDTH: Final = 178.0
"""Of A4 without its margins."""
HEIGHT: Final = 48.0
LEFT: Final = 20.0
"""Room for the amounts beside bars."""
BASE: Final = 41.0
"""The line that bars by day stand on."""
ROW: Final = 7.0
NAMES: Final = 52.0
"""Room for the names beside bars across."""
AMOUNTS: Final = 30.0
LINES: Final = 4
"""Lines of a grid at most."""
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, of the accent's colour."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Hairline:
    """A thin line across."""

    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class PlotText:
    """A short text; `y` is its base line."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"


@dataclass(frozen=True, slots=True)
class Plot:
    """Shapes under a title; `words` say what is seen, for whoever sees nothing."""

    title: str
    words: str
    height: float
    bars: Sequence[Bar]
    rules: Sequence[Hairline]
    marks: Sequence[PlotText]


def bars_by_day(title: str, words: str, days: Sequence[tuple[str, int]], told: Callable[[int], str]) -> Plot:
    """A bar for each day, whose amount is not negative; `told` writes an amount."""
    step = grid_step(max((amount for _, amount in days), default=0))
    top = max(step, -(-max((amount for _, amount in days), default=0) // step) * step)
    wide, high = (WIDTH - LEFT) / max(len(days), 1), BASE - 4
    bars = [
        Bar(LEFT + place * wide + wide * 0.18, BASE - high * amount / top, wide * 0.64, high * amount / top)
        for place, (_, amount) in enumerate(days)
        if amount > 0
    ]
    levels = range(0, top + 1, step)
    rules = [Hairline(LEFT, BASE - high * level / top, WIDTH - LEFT) for level in levels]
    marks = [PlotText(LEFT - 2, BASE - high * level / top + 1, told(level), "end") for level in levels]
    shown = [(place, day) for place, (day, _) in enumerate(days) if place % 7 == 0]
    marks += [PlotText(LEFT + (place + 0.5) * wide, BASE + 4.5, day[5:], "middle") for place, day in shown]
    return Plot(title, words, HEIGHT, bars, rules, marks)


def bars_across(title: str, words: str, rows: Sequence[tuple[str, int]], told: Callable[[int], str]) -> Plot:
    """A bar for each name, the largest first, as they come."""
    top = max((amount for _, amount in rows), default=0) or 1
    room = WIDTH - NAMES - AMOUNTS
    bars, marks = list[Bar](), list[PlotText]()
    for place, (name, amount) in enumerate(rows):
        y, width = place * ROW + 1.2, room * max(amount, 0) / top
        bars.append(Bar(NAMES, y, width, ROW - 2.4))
        marks.append(PlotText(NAMES - 2.5, y + 3.4, name if len(name) <= MOST_LETTERS else f"{name[:27]}…", "end"))
        marks.append(PlotText(NAMES + width + 2, y + 3.4, told(amount)))
    return Plot(title, words, len(rows) * ROW, bars, (), marks)


MOST_LETTERS: Final = 28


def grid_step(most: int) -> int:
    """A round step, 1, 2 or 5 times a power of ten, of which at most LINES come to the most."""
    step = 1
    while True:
        for one in (1, 2, 5):
            if one * step * LINES >= most:
                return one * step
        step *= 10


def svg_of(plot: Plot) -> str:
    """The plot as a figure of an HTML page, which styles `.bar`, `.rule` and `text`."""
    shapes = [
        f'<line class="rule" x1="{one.x:.2f}" x2="{one.x + one.width:.2f}" y1="{one.y:.2f}" y2="{one.y:.2f}"/>'
        for one in plot.rules
    ]
    shapes += [
        f'<rect class="bar" x="{one.x:.2f}" y="{one.y:.2f}" width="{one.width:.2f}" height="{one.height:.2f}"/>'
        for one in plot.bars
    ]
    shapes += [
        f'<text x="{one.x:.2f}" y="{one.y:.2f}" text-anchor="{one.anchor}">{escape(one.text)}</text>'
        for one in plot.marks
    ]
    svg = "\n".join(shapes)
    return (
        f'<figure>\n<h2>{escape(plot.title)}</h2>\n<svg viewBox="0 0 {WIDTH:g} {plot.height:g}" role="img"'
        f' aria-label="{escape(plot.words)}">\n{svg}\n</svg>\n</figure>'
    )
