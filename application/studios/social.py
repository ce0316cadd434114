"""Social: one picture in the sizes of many platforms at once, admitted together or not at all.

picture ── formats ──> one request, a variation a format: its pixels, its bytes, cut about a point or shown whole
        └─ guides ──> and a copy of each that shows what the platform lays over it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, Protocol, TypeVar

from application.asking.requests import File
from application.ports import Progress, Scalar, silent
from application.studios.desk import ServiceDesk, sorted_out
from application.studios.finishing import AdvisedSet, FinishedSet, Piece, advise_all, finish
from application.studios.presets import Presets
from domain.catalogue import meant
from domain.errors import InvalidInput
from domain.inputs import plain, shortened
from domain.shapes import pair

KIND: Final = "image-social-optimize"
TYPES: Final = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp"}
SAFE_SIDES: Final = ("safe_top", "safe_right", "safe_bottom", "safe_left")


class OnPlatform(Protocol):
    """A format of a platform."""

    @property
    def platform(self) -> str: ...


F = TypeVar("F", bound=OnPlatform)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialFormat:
    """A place on a platform: its pixels, the most bytes of a file, and the types that it takes, the usual one first.

    `safe` are the pixels that the platform may lay something over: at the top, right, bottom and left. `source` is
    the page where that was read, on the day `checked`.
    """

    WORD: ClassVar[str] = "format"
    id: str
    name: str
    platform: str
    size: str
    max_bytes: int
    types: tuple[str, ...]
    source: str
    checked: str
    safe: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        try:
            width, height = pair("size", self.size)
        except InvalidInput as error:
            raise ValueError(error.message) from error
        top, right, bottom, left = self.safe
        if min(self.safe) < 0 or top + bottom >= height or left + right >= width:
            raise ValueError(f"safe: {self.safe} leaves nothing of {self.size}")
        if not self.types or not set(self.types) <= set(TYPES.values()):
            raise ValueError(f"types: {', '.join(self.types)} are not jpeg, png or webp")

    def inputs(self, wish: str, *, guides: bool) -> dict[str, Scalar]:
        """The inputs for it; `wish` is a type, empty for the usual one. Raises InvalidInput."""
        width, height = pair("size", self.size)
        chosen = TYPES.get(wish, wish) or self.types[0]
        if chosen not in self.types:
            told = f"{self.id} takes {', '.join(self.types)}, not {shortened(wish)}"
            raise InvalidInput("format", told, hint=f"choose one of: {', '.join(self.types)}")
        own: dict[str, Scalar] = {"width": width, "height": height, "max_bytes": self.max_bytes}
        lines: dict[str, Scalar] = {"guides": True, **dict(zip(SAFE_SIDES, self.safe, strict=True))} if guides else {}
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


@dataclass(frozen=True, slots=True)
class Social:
    """The service."""

    desk: ServiceDesk

    async def __call__(self, image: File, *, account: str, progress: Progress = silent, **options: Any) -> FinishedSet:
        """Do it. Options: those of `SocialBrief` and `Caller`, and inputs of the model. Raises as `run` does."""
        return await finish(self.desk, [self.draft(image, account, options)], progress)

    async def estimate(self, image: File, *, account: str, **options: Any) -> AdvisedSet:
        """The estimate of all of it; nothing is recorded. Options as when it is done."""
        return await advise_all(self.desk, [self.draft(image, account, options)])

    def formats(self, platform: str = "") -> tuple[SocialFormat, ...]:
        """Every format, or those of a platform. Raises InvalidInput that names the nearest."""
        return formats_of(self.desk.presets, platform)

    def draft(self, image: File, account: str, options: Mapping[str, Any]) -> Piece:
        """One request for all formats. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, SocialBrief, account, options, KIND)
        brief = SocialBrief(**own)
        wanted = chosen_among(self.desk.presets.of(SocialFormat), brief.platforms)
        copies = (False, True) if brief.guides else (False,)
        each = [one.inputs(brief.format, guides=guides) for one in wanted for guides in copies]
        files = tuple(f"{one.id}{'-guides' if guides else ''}" for one in wanted for guides in copies)
        shared: dict[str, Scalar] = {"fit": brief.fit, **focus_inputs(brief.focus)}
        if brief.background:
            shared["background"] = brief.background
        request = caller.request(KIND, shared, {"image": [image]}, n=1, each=each)
        return Piece(request, files, image, (f"{len(wanted)} of the formats, admitted together",))


def formats_of(presets: Presets, name: object = "") -> tuple[SocialFormat, ...]:
    """Every format by id, or the one of an id, or all of a platform. Raises InvalidInput that names the nearest."""
    return among_formats(presets.of(SocialFormat), name)


def chosen_among(every: Mapping[str, F], platforms: Sequence[str] | str) -> list[F]:
    """The formats of ids and platforms, which a text names with commas between them. Raises InvalidInput."""
    names = platforms.replace(",", " ").split() if isinstance(platforms, str) else platforms
    wanted = list(dict.fromkeys(one for name in names for one in among_formats(every, name)))
    if not wanted:
        raise InvalidInput("platforms", "is empty", hint="name platforms, or formats such as instagram-story")
    return wanted


def among_formats(every: Mapping[str, F], name: object = "") -> tuple[F, ...]:
    """All formats, or the one of an id, or those of a platform. Raises InvalidInput that names the nearest."""
    if isinstance(name, str) and name in every:
        return (every[name],)
    found = tuple(one for _, one in sorted(every.items()) if name in ("", one.platform))
    if not found:
        platforms = sorted({one.platform for one in every.values()})
        hint = meant(str(name), [*every, *platforms], f"there are the platforms: {', '.join(platforms)}")
        raise InvalidInput("platforms", f"there is no platform or format {shortened(name)}", hint=hint)
    return found


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
