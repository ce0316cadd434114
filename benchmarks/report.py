"""The results of a run: everything as JSON, and what people want to see as a short page of tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.asking import Asked
from benchmarks.bars import Bar, of_growth, of_lifecycles, of_rebuilds
from benchmarks.growth import Grown
from benchmarks.lifecycles import Measured
from benchmarks.rebuilding import Rebuilt

RESULTS = Path(__file__).parent / "results"


@dataclass(slots=True)
class Report:
    """What one run found, as it is found."""

    machine: dict[str, str]
    lifecycles: list[Measured] = field(default_factory=list)
    rebuilds: list[Rebuilt] = field(default_factory=list)
    growth: list[Grown] = field(default_factory=list)
    queries: list[Asked] = field(default_factory=list)

    @property
    def bars(self) -> list[Bar]:
        return [*of_lifecycles(self.lifecycles), *of_rebuilds(self.rebuilds), *of_growth(self.growth)]

    def write(self, name: str) -> Path:
        """Write NAME.json and NAME.md; the path of the latter."""
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(self.document(), indent=1, ensure_ascii=False)
        (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        page = RESULTS / f"{name}.md"
        page.write_text(self.page(), encoding="utf-8")
        return page

    def document(self) -> dict[str, Any]:
        """All figures, as JSON knows them."""
        return {
            "machine": self.machine,
            "bars": [_bar(one) for one in self.bars],
            "lifecycles": [_measured(one) for one in self.lifecycles],
            "rebuilds": [_rebuilt(one) for one in self.rebuilds],
            "growth": [_grown(one) for one in self.growth],
            "queries": [_asked(one) for one in self.queries],
        }

    def page(self) -> str:
        """The tables, as Markdown."""
        parts = [
            "# Benchmarks\n",
            _table(("", ""), self.machine.items()),
            "\n## Bars\n",
            _table(("", "what", "ratio", "bar", "aim", ""), map(_bar_row, self.bars)),
        ]
        for title, heads, rows in self._sections():
            parts += [f"\n## {title}\n", _table(heads, rows)]
        return "\n".join(parts)

    def _sections(self) -> Iterator[tuple[str, Sequence[str], Iterable[Sequence[str]]]]:
        if self.lifecycles:
            heads: Sequence[str] = (
                "database",
                "load",
                "contender",
                "operations/s",
                "p50 ms",
                "p99 ms",
                "cpu us",
                "updates lost",
            )
            yield "Full life cycles", heads, map(_measured_row, self.lifecycles)
        if self.rebuilds:
            heads = ("database", "events", "way", "seconds", "events/s", "peak MiB")
            yield "Rebuild of all views", heads, map(_rebuilt_row, self.rebuilds)
        if self.growth:
            heads = (
                "database",
                "what grows",
                "load",
                "us an operation",
                "ratio",
                "of cpu",
                "statements",
                "rows (SQLite: written)",
            )
            yield "An operation's cost as the account grows", heads, map(_grown_row, self.growth)
        if self.queries:
            heads = ("database", "events", "query", "p50 ms", "p99 ms")
            yield "Queries of the views", heads, map(_asked_row, self.queries)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _bar(one: Bar) -> dict[str, Any]:
    return {
        "part": one.part,
        "name": one.name,
        "ratio": round(one.value, 3),
        "bar": one.bar,
        "is": "at most" if one.at_most else "at least",
        "aim": one.aim,
        "met": one.met,
    }


def _bar_row(one: Bar) -> Sequence[str]:
    sign = "≤" if one.at_most else "≥"
    aim = "" if one.aim is None else f"{one.aim:g}"
    return (one.part, one.name, f"{one.value:.2f}", f"{sign} {one.bar:g}", aim, "met" if one.met else "missed")


def _measured(one: Measured) -> dict[str, Any]:
    return {
        "database": one.database,
        "load": one.load.name,
        "contender": one.contender,
        "rates": [round(timed.rate, 1) for timed in one.rounds],
        "p50_ms": round(one.waiting(50), 3),
        "p99_ms": round(one.waiting(99), 3),
        "cpu_us": round(one.cpu, 1),
        "recorded": one.recorded,
        "lost": one.lost,
    }


def _measured_row(one: Measured) -> Sequence[str]:
    lost = f"{one.lost:,} of {one.recorded:,}" if one.lost else "0"
    waits = (f"{one.waiting(50):.1f}", f"{one.waiting(99):.1f}", f"{one.cpu:.0f}")
    return (one.database, one.load.name, one.contender, f"{one.rate:,.0f}", *waits, lost)


def _rebuilt(one: Rebuilt) -> dict[str, Any]:
    seconds = [round(took, 3) for took in one.seconds]
    return {
        "database": one.database,
        "events": one.events,
        "way": one.way,
        "seconds": seconds,
        "peak_mib": round(one.peak, 1),
    }


def _rebuilt_row(one: Rebuilt) -> Sequence[str]:
    rate = f"{one.events / one.typical:,.0f}"
    return (one.database, f"{one.events:,}", one.way, f"{one.typical:.2f}", rate, f"{one.peak:.0f}")


def _grown(one: Grown) -> dict[str, Any]:
    return {
        "database": one.database,
        "what": one.pair.name,
        "load": one.load.name,
        "less_us": [round(1e6 / timed.rate, 1) for timed in one.less],
        "more_us": [round(1e6 / timed.rate, 1) for timed in one.more],
        "ratio": round(one.ratio, 3),
        "cpu_ratio": round(one.cpu_ratio, 3),
        "statements": one.statements,
        "rows": one.rows,
    }


def _grown_row(one: Grown) -> Sequence[str]:
    costs = "{:,.0f} → {:,.0f}".format(*one.costs)
    ratios = (f"{one.ratio:.2f}", f"{one.cpu_ratio:.2f}")
    counts = (f"{side[0]:.1f} → {side[1]:.1f}" for side in (one.statements, one.rows))
    return (one.database, one.pair.name, one.load.name, costs, *ratios, *counts)


def _asked(one: Asked) -> dict[str, Any]:
    return {
        "database": one.database,
        "events": one.events,
        "query": one.query,
        "p50_ms": round(one.p50, 3),
        "p99_ms": round(one.p99, 3),
    }


def _asked_row(one: Asked) -> Sequence[str]:
    return (one.database, f"{one.events:,}", one.query, f"{one.p50:.2f}", f"{one.p99:.2f}")
