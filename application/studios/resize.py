"""Resize: pictures in another number of pixels, or as large as they are to be printed; never larger in silence.

width, height ── fit within · fill all of it · exact, stretched       percent ── of both sides
print 10x15cm at 300 dpi ──> 1181 x 1772 pixels, filled, and the dpi written into the file
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import sorted_out
from application.studios.finishing import Finishing, Piece, given_inputs, pieces_of, type_named
from application.studios.social import focus_inputs
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.shapes import pair

KIND: Final = "image-resize"
USUAL_DPI: Final = 300
_INCH: Final = {"mm": Fraction(10, 254), "cm": Fraction(100, 254), "in": Fraction(1)}
"""One of each unit in inches."""
_PRINT: Final = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*[x×]\s*(\d{1,4}(?:\.\d{1,3})?)\s*(mm|cm|in)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeBrief:
    """How large: `size` such as "800x600", "800x" or "x600"; or `percent`; or `print`, such as "10x15cm", at `dpi`.

    `mode` is fit, fill or exact; `focus` is the point that fill keeps. `enlarge` lets it invent pixels.
    """

    size: str = ""
    percent: str = ""
    print: str = ""
    mode: str = ""
    dpi: int | None = None
    enlarge: bool = False
    focus: Any = None
    format: str = ""
    quality: int | None = None
    background: str = ""


@dataclass(frozen=True, slots=True)
class Resize(Finishing):
    """The service."""

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """A request a file. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, ResizeBrief, account, options, KIND)
        brief = ResizeBrief(**own)
        inputs = given_inputs(
            **_how_large(brief),
            **focus_inputs(brief.focus),
            dpi=brief.dpi or (USUAL_DPI if brief.print else None),
            enlarge=brief.enlarge or None,
            output_format=type_named(brief.format),
            quality=brief.quality,
            background=brief.background,
        )
        return pieces_of(caller, KIND, inputs, images)


def _how_large(brief: ResizeBrief) -> dict[str, Scalar | None]:
    """Mode, width and height, or percent. Raises InvalidInput."""
    given = [name for name in ("size", "percent", "print") if getattr(brief, name)]
    if len(given) != 1:
        told = "is missing" if not given else "exclude each other"
        raise InvalidInput(" and ".join(given) or "size", told, hint="give one of size, percent and print")
    if brief.percent:
        return {"mode": "percent", "percent": brief.percent.removesuffix("%").strip()}
    if brief.print:
        width, height = printed_pixels(brief.print, brief.dpi or USUAL_DPI)
        return {"mode": brief.mode or "fill", "width": width, "height": height}
    wide, cross, high = brief.size.lower().replace("×", "x").partition("x")
    if cross and (not wide.strip() or not high.strip()) and (wide + high).strip().isdecimal():
        side = "width" if wide.strip() else "height"
        return {"mode": brief.mode or "fit", side: int((wide + high).strip())}
    width, height = pair("size", brief.size)
    return {"mode": brief.mode or "fit", "width": width, "height": height}


def printed_pixels(size: str, dpi: int) -> tuple[int, int]:
    """The pixels of a print of that size at so many an inch. Raises InvalidInput."""
    written = _PRINT.fullmatch(size.strip().lower())
    if written is None:
        hint = 'write width and height with their unit: "10x15cm", "100x150mm" or "4x6in"'
        raise InvalidInput("print", f"{shortened(size)} is no size of a print", hint=hint)
    inch = _INCH[written[3]]
    wide, high = (round(Fraction(Decimal(written[place])) * inch * dpi) for place in (1, 2))
    if not wide or not high:
        raise InvalidInput("print", f"{shortened(size)} has no pixels at {dpi} dpi", hint="ask for more of them")
    return wide, high
