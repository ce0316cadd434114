"""The inputs that a model accepts: one declaration an input, and the check of one value or file against it.

    caller's value ── read_value ──> str | int | bool, in one notation
    caller's files ── check_files ──> nothing, or InvalidInput naming the input, the value and the limit

Nothing here opens a file: what is known of one was read from its content before and comes as `FileInfo`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from fractions import Fraction
from itertools import product
from typing import Final

from domain.errors import InvalidInput

Scalar = str | int | bool
"""Inputs besides files: texts, whole numbers and flags; decimals travel as texts, exact."""


class InputType(StrEnum):
    """The type of what an input holds."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLAG = "flag"
    CHOICE = "choice"
    SIZE = "size"
    """Width and height in pixels, written as "1024x768", or one of the `choices`, which are words such as "auto"."""
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    MESH = "mesh"
    """A file of a 3D model, which as an entry of the catalogue is another thing."""


FILES: Final = frozenset({InputType.IMAGE, InputType.VIDEO, InputType.AUDIO, InputType.MESH})
NUMBERS: Final = frozenset({InputType.INTEGER, InputType.DECIMAL})

MEDIA_TYPES: Final = {
    InputType.IMAGE: ("image/png", "image/jpeg", "image/webp"),
    InputType.VIDEO: ("video/mp4", "video/webm"),
    InputType.AUDIO: ("audio/wav", "audio/mpeg"),
    InputType.MESH: ("model/gltf-binary",),
}
"""The media types that are accepted if a model does not say."""

LONGEST_TEXT: Final = 10_000
LARGEST_FILE: Final = 50_000_000
_SHOWN: Final = 40
_TOLD: Final = 40
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_SIZE: Final = re.compile(r"([0-9]{1,5})\s*[x*×]\s*([0-9]{1,5})")
# Few enough digits that every decimal context holds them, and the ledger's sixth place is never exceeded.
_DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file as its content shows it: bytes, pixels, milliseconds; None if it does not say."""

    media_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One accepted input and its limits, all inclusive; None: no limit. `many` is the most files it takes.

    Sides and pixels are of a size, or of each image or video; aspects are width divided by height, `ms` is a
    duration. `multiple_of` is of a whole number, or of each side of a size. `sent_as` is what the provider calls it,
    if that is another name.
    """

    name: str
    type: InputType
    sent_as: str = ""
    required: bool = False
    default: Scalar | None = None
    many: int = 1
    choices: tuple[str | int, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    multiple_of: int | None = None
    max_chars: int = LONGEST_TEXT
    media_types: tuple[str, ...] = ()
    max_bytes: int = LARGEST_FILE
    min_side: int | None = None
    max_side: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    min_aspect: Decimal | None = None
    max_aspect: Decimal | None = None
    min_ms: int | None = None
    max_ms: int | None = None

    @property
    def is_file(self) -> bool:
        return self.type in FILES

    @property
    def wire_name(self) -> str:
        """The provider's name for it."""
        return self.sent_as or self.name


def read_value(spec: Input, value: object) -> Scalar:
    """Return `value` in the one notation of its type, or raise InvalidInput.

    Numbers and flags may come as text, since a command line has nothing else; "0.50" is "0.5", as price rules
    compare decimals by their text.
    """
    match spec.type:
        case InputType.TEXT:
            return _read_text(spec, value)
        case InputType.INTEGER:
            return _read_integer(spec, value)
        case InputType.DECIMAL:
            return _read_decimal(spec, value)
        case InputType.FLAG:
            return _read_flag(spec, value)
        case InputType.CHOICE:
            return _read_choice(spec, value)
        case InputType.SIZE:
            return _read_size(spec, value)
    raise InvalidInput(spec.name, f"is {_article(spec)} file, not {shortened(value)}", hint="attach a file")


def check_files(spec: Input, files: Sequence[FileInfo]) -> None:
    """Check number, type, bytes, pixels and duration of one input's files. Raises InvalidInput."""
    if not spec.is_file:
        raise InvalidInput(spec.name, f"is {_article(spec)} value, not a file", hint="give it as a value")
    if len(files) > spec.many:
        raise InvalidInput(spec.name, f"{len(files)} files are more than the {spec.many} accepted")
    for file in files:
        _check_file(spec, file)


def plain(number: Decimal) -> str:
    """The shortest fixed notation of a finite decimal: exact, and equal for equal numbers."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _read_text(spec: Input, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(spec.name, f"must be text, not {shortened(value)}")
    if spec.required and not value.strip():
        raise InvalidInput(spec.name, "is empty", hint="write what you want")
    if len(value) > spec.max_chars:
        raise InvalidInput(spec.name, f"has {len(value)} characters; at most {spec.max_chars} are accepted")
    # Neither can be stored or sent: half a surrogate pair has no UTF-8, and PostgreSQL has no NUL.
    if _NO_TEXT.search(value):
        raise InvalidInput(spec.name, "has characters that are not text", hint="remove them")
    return value


def _read_integer(spec: Input, value: object) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if type(value) is not int or abs(value) >= 10**18:
        raise InvalidInput(spec.name, f"must be a whole number, not {shortened(value)}")
    _check_choice(spec, value)
    _check_span(spec, value, Fraction(value))
    step = spec.multiple_of
    if step is not None and value % step:
        raise _no_multiple(spec, f"{value} is not accepted: it", _around(value, step))
    return value


def _read_decimal(spec: Input, value: object) -> str:
    text = shortened(value) if type(value) is int else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        hint = 'write it as text with at most six decimals, such as "0.5"'
        raise InvalidInput(spec.name, f"must be an exact decimal, not {shortened(value)}", hint=hint)
    number = Decimal(text)
    _check_span(spec, plain(number), Fraction(number))
    return plain(number)


def _read_flag(spec: Input, value: object) -> bool:
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise InvalidInput(spec.name, f"must be true or false, not {shortened(value)}")
    return value


def _read_choice(spec: Input, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(spec.name, f"must be text, not {shortened(value)}", hint=_choices(spec))
    _check_choice(spec, value)
    return value


def _read_size(spec: Input, value: object) -> str:
    if isinstance(value, str) and value in spec.choices:
        return value
    written = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        words = "".join(f', or "{word}"' for word in spec.choices)
        hint = f'write width and height as "1024x768"{words}'
        raise InvalidInput(spec.name, f"must be a size, not {shortened(value)}", hint=hint)
    width, height = map(int, written.groups())
    if not width or not height:
        raise InvalidInput(spec.name, f"{shortened(value)} has no area")
    _check_shape(spec, width, height)
    step = spec.multiple_of
    if step is not None and (width % step or height % step):
        raise _no_multiple(spec, f"{width}x{height} is not accepted: each side", _sizes_around(width, height, step))
    return f"{width}x{height}"


def _no_multiple(spec: Input, what: str, near: Iterable[Scalar]) -> InvalidInput:
    """The refusal, with the nearest values that meet the other limits too."""
    nearest = [str(value) for value in near if is_accepted(spec, value)][:2]
    hint = f"choose {' or '.join(nearest)}" if nearest else "choose another within the other limits"
    return InvalidInput(spec.name, f"{what} must be a multiple of {spec.multiple_of}", hint=hint)


def _around(number: int, step: int) -> tuple[int, ...]:
    """The multiples next to a number, or the number itself if it is one."""
    below = number - number % step
    return (below, below + step) if number % step else (number,)


def _sizes_around(width: int, height: int, step: int) -> list[str]:
    """The sizes next to one whose sides are multiples, nearest first."""
    sizes = product(_around(width, step), _around(height, step))
    nearest = sorted(sizes, key=lambda size: abs(size[0] - width) + abs(size[1] - height))
    return [f"{wide}x{high}" for wide, high in nearest]


def is_accepted(spec: Input, value: Scalar) -> bool:
    """Whether an input takes a value."""
    try:
        read_value(spec, value)
    except InvalidInput:
        return False
    return True


def _check_choice(spec: Input, value: Scalar) -> None:
    if spec.choices and value not in spec.choices:
        raise InvalidInput(spec.name, f"{shortened(value)} is not accepted", hint=_choices(spec, value))


def _check_span(spec: Input, shown: object, number: Fraction) -> None:
    if spec.minimum is not None and number < Fraction(spec.minimum):
        raise InvalidInput(spec.name, f"{shown} is below {spec.minimum}, the least accepted")
    if spec.maximum is not None and number > Fraction(spec.maximum):
        raise InvalidInput(spec.name, f"{shown} is above {spec.maximum}, the most accepted")


def _check_file(spec: Input, file: FileInfo) -> None:
    accepted = spec.media_types or MEDIA_TYPES[spec.type]
    if file.media_type not in accepted:
        raise InvalidInput(spec.name, f"{file.media_type} is not accepted", hint=f"send one of: {', '.join(accepted)}")
    if file.size > spec.max_bytes:
        raise InvalidInput(spec.name, f"has {file.size} bytes; at most {spec.max_bytes} are accepted")
    _check_fact(spec, "duration", file.duration_ms, (spec.min_ms, spec.max_ms), "ms")
    _check_shape(spec, file.width, file.height)


def _check_shape(spec: Input, width: int | None, height: int | None) -> None:
    for side, pixels in (("width", width), ("height", height)):
        _check_fact(spec, side, pixels, (spec.min_side, spec.max_side), "px")
    area = width * height if width and height else None
    _check_fact(spec, "area", area, (spec.min_pixels, spec.max_pixels), "px")
    _check_aspect(spec, width, height)


def _check_fact(spec: Input, what: str, value: int | None, limits: tuple[int | None, int | None], unit: str) -> None:
    """A limit that cannot be checked is not met: what is unknown might cost any amount."""
    least, most = limits
    if least is None and most is None:
        return
    if value is None:
        raise InvalidInput(spec.name, f"its {what} cannot be read, and is limited", hint="send another file")
    if least is not None and value < least:
        raise InvalidInput(spec.name, f"its {what} of {value} {unit} is below {least} {unit}")
    if most is not None and value > most:
        raise InvalidInput(spec.name, f"its {what} of {value} {unit} is above {most} {unit}")


def _check_aspect(spec: Input, width: int | None, height: int | None) -> None:
    if spec.min_aspect is None and spec.max_aspect is None:
        return
    if not width or not height:
        raise InvalidInput(spec.name, "its shape cannot be read, and is limited", hint="send another file")
    aspect, shape = Fraction(width, height), f"{width}x{height}"
    if spec.min_aspect is not None and aspect < Fraction(spec.min_aspect):
        raise InvalidInput(spec.name, f"{shape} is narrower than {spec.min_aspect}, width by height")
    if spec.max_aspect is not None and aspect > Fraction(spec.max_aspect):
        raise InvalidInput(spec.name, f"{shape} is wider than {spec.max_aspect}, width by height")


def _choices(spec: Input, value: object = "") -> str:
    """All of them; of very many the nearest, or a few."""
    every = list(map(str, spec.choices))
    if len(every) <= _TOLD:
        return f"choose one of: {', '.join(every)}"
    near = get_close_matches(str(value), every) or every[:3]
    return f"choose one of {len(every)}, such as: {', '.join(near)}"


def _article(spec: Input) -> str:
    return f"{'an' if spec.type[0] in 'aeiou' else 'a'} {spec.type}"


def shortened(value: object) -> str:
    """A given value, shortened: it may be of any length, and Python refuses to write huge numbers."""
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return "a number of that size"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
