"""An example model as pricing sees one, and short ways to write its rules and ask for quotes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from domain.inputs import FileInfo, Scalar
from domain.pricing import PriceBook, PriceRule, Quote, Unit, Unpriced, quote

NOW = 1_800_000_000_000_000
BOOK = PriceBook("0123456789ab", "USD")
CLIP = FileInfo("video/mp4", 900, 640, 480, 12_345)
PICTURE = FileInfo("image/png", 900, 640, 480)


@dataclass(frozen=True)
class Example:
    """A model as pricing sees one."""

    prices: tuple[PriceRule, ...]
    unit: Unit = Unit.IMAGE
    id: str = "aurora"
    provider: str = "acme"
    class_: str = "real"


def rule(rate: str, unit: Unit = Unit.IMAGE, **when: Scalar) -> PriceRule:
    return PriceRule(unit=unit, rate=Decimal(rate), when={name: frozenset([value]) for name, value in when.items()})


def quoted(model: Example, outputs: int = 1, at: int = NOW, **inputs: Scalar) -> Quote:
    return quoted_for(model, inputs, outputs, at)


def quoted_for(model: Example, inputs: Mapping[str, Scalar], outputs: int = 1, at: int = NOW) -> Quote:
    found = quote(model, BOOK, inputs, outputs, at, {"video": (CLIP,), "image": (PICTURE,)})
    assert isinstance(found, Quote), found
    return found


def unpriced(model: Example, **inputs: Scalar) -> Unpriced:
    found = quote(model, BOOK, inputs, 3, NOW, {"video": (replace(CLIP, duration_ms=None),)})
    assert isinstance(found, Unpriced), found
    return found
