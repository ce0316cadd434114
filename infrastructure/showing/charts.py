"""Money by day and by name as one picture of stacked bars: the same series for the terminal and for a file of SVG.

rows ── series ──> Chart: days in order, the largest names, and `others` together ──┬── bars of characters
                                                                                    └── drawn: SVG, on its own
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from domain.money import Money

if TYPE_CHECKING:
    from projections.views.spend import SpendRow

MOST: Final = 6
OTHERS: Final = "others"
COLORS: Final = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Paul Tol's bright scheme, which colour-blind people tell apart; the last is for what is summed up."""
LONGEST: Final = 366
FONT: Final = 'font-family="sans-serif" font-size="13"'
WIDTH, HEIGHT, LEFT, TOP, BOTTOM, LEGEND = 960, 420, 90, 48, 36, 26


@dataclass(frozen=True, slots=True)
class Chart:
    """Amounts in micro-units: `parts` by name, the largest first, each with one amount a day."""

    title: str
    currency: str
    days: tuple[str, ...]
    parts: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """The sum of each day."""
        return tuple(map(sum, zip(*(amounts for _, amounts in self.parts), strict=True)))


def series(title: str, currency: str, amounts: Iterable[tuple[str, str, int]]) -> Chart:
    """The chart of (day, name, micro-units): every day from the first to the last, and at most seven names."""
    found: dict[str, Counter[str]] = {}
    sums: Counter[str] = Counter()
    for day, name, amount in amounts:
        found.setdefault(day, Counter())[name] += amount
        sums[name] += abs(amount)
    largest = [name for name, _ in sorted(sums.items(), key=lambda one: (-one[1], one[0]))]
    named = largest if len(largest) <= MOST + 1 else largest[:MOST]
    days = _every_day(sorted(found))
    parts = [(name, tuple(found.get(day, Counter())[name] for day in days)) for name in named]
    if rest := set(largest) - set(named):
        parts.append((OTHERS, tuple(sum(found.get(day, Counter())[name] for name in rest) for day in days)))
    return Chart(title, currency, days, tuple(parts))


def spend_charts(rows: Iterable[SpendRow], of: str) -> list[Chart]:
    """Spend by day and model, one chart for each currency."""
    by_currency: dict[str, list[tuple[str, str, int]]] = {}
    for row in rows:
        by_currency.setdefault(row.currency, []).append((row.day, row.model, row.price))
    return [
        series(f"Spend {of}, {currency} a day", currency, amounts) for currency, amounts in sorted(by_currency.items())
    ]


def _every_day(days: Sequence[str]) -> tuple[str, ...]:
    """The days with those between them, on which nothing was spent; of more than a year only those with something."""
    if not days:
        return ()
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    count = (last - first).days + 1
    return tuple(str(first + timedelta(step)) for step in range(count)) if count <= LONGEST else tuple(days)


def drawn(chart: Chart) -> str:
    """The chart as SVG that needs nothing else; corrections that give back more than was charged point down."""
    wide, high = WIDTH - LEFT - 20, HEIGHT - TOP - BOTTOM
    up = _round_above(max([1, *(sum(max(amount, 0) for amount in column) for column in _columns(chart))]))
    down = max([0, *(-sum(min(amount, 0) for amount in column) for column in _columns(chart))])
    scale = high / (up + down)
    zero = TOP + up * scale
    height = HEIGHT + LEGEND * ((len(chart.parts) + 2) // 3)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        f"<title>{escape(chart.title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="17" font-weight="bold">{escape(chart.title)}</text>',
        *_scale(chart.currency, up, zero, scale),
        *_bars(chart, zero, scale, wide / max(len(chart.days), 1)),
        *_legend(chart),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _columns(chart: Chart) -> list[tuple[int, ...]]:
    return list(zip(*(amounts for _, amounts in chart.parts), strict=True))


def _scale(currency: str, up: int, zero: float, scale: float) -> Iterable[str]:
    for quarter in range(5):
        amount = up * quarter // 4
        y = zero - amount * scale
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - 20}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{Money(amount, currency)}</text>'


def _bars(chart: Chart, zero: float, scale: float, step: float) -> Iterable[str]:
    every = -(-len(chart.days) // 10) or 1
    for place, (day, column) in enumerate(zip(chart.days, _columns(chart), strict=True)):
        x, above, below = LEFT + place * step, zero, zero
        for color, (name, _), amount in zip(_colors(chart), chart.parts, column, strict=True):
            tall = abs(amount) * scale
            y = above - tall if amount > 0 else below
            above, below = (y, below) if amount > 0 else (above, below + tall)
            if amount:
                told = escape(f"{day}, {name}: {Money(amount, chart.currency)}")
                yield (
                    f'<rect x="{x + step * 0.1:.1f}" y="{y:.1f}" width="{step * 0.8:.1f}" height="{tall:.1f}" '
                    f'fill="{color}"><title>{told}</title></rect>'
                )
        if place % every == 0:
            yield f'<text x="{x + step / 2:.1f}" y="{HEIGHT - 12}" text-anchor="middle">{day[5:]}</text>'


def _legend(chart: Chart) -> Iterable[str]:
    for place, (color, (name, amounts)) in enumerate(zip(_colors(chart), chart.parts, strict=True)):
        x, y = LEFT + place % 3 * 285, HEIGHT + LEGEND * (place // 3) + 6
        yield f'<rect x="{x}" y="{y}" width="12" height="12" fill="{color}"/>'
        yield f'<text x="{x + 18}" y="{y + 11}">{escape(name)}: {Money(sum(amounts), chart.currency)}</text>'


def _colors(chart: Chart) -> Sequence[str]:
    return [COLORS[-1] if name == OTHERS else COLORS[place] for place, (name, _) in enumerate(chart.parts)]


def _round_above(amount: int) -> int:
    """The next of 4, 8, 12, 20 and 40 times a power of ten, whose quarters are round as well."""
    power = 1
    while True:
        for factor in (4, 8, 12, 20):
            if factor * power >= amount:
                return factor * power
        power *= 10
