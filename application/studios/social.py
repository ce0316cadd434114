"""Social: one picture in the sizes of many platforms at once, admitted together or not at all.

picture ── formats ──> one request, a variation a format: its pixels, its bytes, cut about a point or shown whole
        └─ guides ──> and a copy of each that shows what the platform lays over it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import sorted_out
from application.studios.finishing import Piece
from application.studios.platforms import ForPlatforms, PlatformFormat, chosen_among
from domain.errors import InvalidInput
from domain.inputs import plain, shortened

KIND: Final = "image-social-optimize"
TYPES: Final = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialFormat(PlatformFormat):
    """A place for pictures, and the types that it takes, the usual one first."""

    WORD: ClassVar[str] = "format"
    types: tuple[str, ...]

    def __post_init__(self) -> None:
        PlatformFormat.__post_init__(self)
        if not self.types or not set(self.types) <= set(TYPES.values()):
            raise ValueError(f"types: {', '.join(self.types)} are not jpeg, png or webp")

    def inputs(self, wish: str, *, guides: bool) -> dict[str, Scalar]:
        """The inputs for it; `wish` is a type, empty for the usual one. Raises InvalidInput."""
        width, height = self.pixels()
        chosen = TYPES.get(wish, wish) or self.types[0]
        if chosen not in self.types:
            told = f"{self.id} takes {', '.join(self.types)}, not {shortened(wish)}"
            raise InvalidInput("format", told, hint=f"choose one of: {', '.join(self.types)}")
        own: dict[str, Scalar] = {"width": width, "height": height, "max_bytes": self.max_bytes}
        lines: dict[str, Scalar] = {"guides": True, **self.safe_lines()} if guides else {}
        return {**own, "output_format": chosen, **lines}


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialBrief:
    """The formats or whole platforms, how the picture is fitted (crop, center, pad, blur), and the point to keep.

    A text names several with commas between them.
    `focus` is a share of width and of height, such as {"x": 0.5, "y": 0.3} or "0.5,0.3". `format` is jpg, png or webp.
    """

    platforms: Sequence[str] | str = ()
    fit: str = "crop"
    focus: Any = None
    guides: bool = False
    format: str = ""
    background: str = ""


class Social(ForPlatforms[SocialFormat]):
    """The service."""

    __slots__ = ()

    @property
    def known(self) -> Mapping[str, SocialFormat]:
        """Every format of pictures by id."""
        return self.desk.presets.of(SocialFormat)

    def draft(self, file: File, account: str, options: Mapping[str, Any]) -> Piece:
        """One request for all formats. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, SocialBrief, account, options, KIND)
        brief = SocialBrief(**own)
        wanted = chosen_among(self.known, brief.platforms)
        copies = (False, True) if brief.guides else (False,)
        each = [one.inputs(brief.format, guides=guides) for one in wanted for guides in copies]
        names = tuple(f"{one.id}{'-guides' if guides else ''}" for one in wanted for guides in copies)
        shared: dict[str, Scalar] = {"fit": brief.fit, **focus_inputs(brief.focus)}
        if brief.background:
            shared["background"] = brief.background
        request = caller.request(KIND, shared, {"image": [file]}, n=1, each=each)
        return Piece(request, names, file, (f"{len(wanted)} of the formats, admitted together",))


def focus_inputs(focus: object) -> dict[str, Scalar]:
    """The point to keep as inputs; none if it is to be looked for. Raises InvalidInput."""
    if focus in (None, ""):
        return {}
    if isinstance(focus, Mapping):
        x, y = focus.get("x"), focus.get("y")
    else:
        x, _, y = str(focus).partition(",")
    return {"focus_x": _share(x), "focus_y": _share(y)}


def _share(text: object) -> str:
    try:
        number = Decimal(str(text).strip())
    except InvalidOperation as error:
        hint = 'write shares of width and height, such as "0.5,0.3"'
        raise InvalidInput("focus", f"{shortened(text)} is not a number", hint=hint) from error
    if not 0 <= number <= 1:
        raise InvalidInput("focus", f"{plain(number)} is outside of the picture", hint="write shares from 0 to 1")
    return plain(round(number, 6))
