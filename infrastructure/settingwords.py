"""Whatever is wrong with a setting, in words: what was said, what it is to be, and what to do about it.

    IMAGESTUDIO_WAIT_SECONDS: 'soon' is not a whole number
        give a whole number from 1 on, such as 60

Values of numbers, switches and words out of a few are shown; no other one, as it may be secret or long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.value import value
from infrastructure.settings import PREFIX, Settings

CORRECT: Final = "correct it, or leave it out"
ADDRESS: Final = "give an address, such as https://host.example:8443"
ORIGINS: Final = "give origins such as https://hooks.internal:8443, with a space between two"
HINTS: Final[Mapping[str, str]] = {
    "actor": "name a kind and an id, such as operator:ann",
    "assets": "give a folder, or s3://BUCKET/PREFIX",
    "own_origins": ORIGINS,
    "relay_url": "give the address of a broker, with the stream or topic at its end",
    "s3_endpoint": ADDRESS,
    "smtp_from": "give one address, such as billing@studio.example",
    "smtp_url": "give the server, such as smtps://USER:PASSWORD@mail.example:465",
    "today": "write a day, such as 2026-11-30",
    "url": ADDRESS,
    "webhook": ADDRESS,
    "webhook_origins": ORIGINS,
}
"""The hint about a value that a check of ours refuses, by the setting's name without its provider."""

FOLLOWS: Final = "default_factory_not_called"

Problem = Mapping[str, Any]


@value
class WrongSetting:
    """A setting by its name, empty if several are wrong together; what is wrong, and what to do."""

    name: str
    why: str
    hint: str


def read_settings(**said: Any) -> Settings:
    """The settings, with what a program says over the environment. Raises InvalidInput for the first that is wrong."""
    try:
        return Settings(**said)
    except ValidationError as error:
        wrong = wrong_settings_in(error, Settings)[0]
        raise InvalidInput(f"{PREFIX}{wrong.name}".upper(), wrong.why, hint=wrong.hint) from error


def wrong_settings_in(error: ValidationError, model: type[BaseModel]) -> list[WrongSetting]:
    """Each of them, told once; of defaults that follow from another setting only that one is told."""
    found: dict[str, WrongSetting] = {}
    for problem in error.errors():
        if problem["type"] == FOLLOWS:
            continue
        name = str(problem["loc"][0]) if problem["loc"] else ""
        found.setdefault(name, WrongSetting(name, *_told(name, problem, model.model_fields.get(name))))
    return [*found.values()]


def _told(name: str, problem: Problem, info: FieldInfo | None) -> tuple[str, str]:
    kind = problem["type"]
    for begun, words in _WORDS.items():
        if kind.startswith(begun):
            return words(problem, info)
    why = problem["msg"].removeprefix("Value error, ")
    return why, HINTS.get(name, CORRECT)


def _whole(problem: Problem, info: FieldInfo | None) -> tuple[str, str]:
    least = _least(info)
    return f"{_said(problem)} is not a whole number", f"give a whole number{least}{_example(info)}"


def _number(problem: Problem, info: FieldInfo | None) -> tuple[str, str]:
    return f"{_said(problem)} is not a number", f"give a number{_least(info)}{_example(info)}"


def _too_small(problem: Problem, info: FieldInfo | None) -> tuple[str, str]:
    context = problem["ctx"]
    least = context["ge"] if "ge" in context else context["gt"] + 1
    return f"{_said(problem)} is less than {least}, the least", f"give {least} or more{_example(info)}"


def _too_large(problem: Problem, info: FieldInfo | None) -> tuple[str, str]:
    most = problem["ctx"]["le"]
    return f"{_said(problem)} is more than {most}, the most", f"give {most} or less{_example(info)}"


def _switch(problem: Problem, _info: FieldInfo | None) -> tuple[str, str]:
    return f"{_said(problem)} is neither true nor false", "set it to true or to false"


def _choice(problem: Problem, info: FieldInfo | None) -> tuple[str, str]:
    words = ", ".join(get_args(info.annotation)) if info is not None else problem["ctx"]["expected"]
    return f"{_said(problem)} is not one of {words}", f"choose one of: {words}"


def _text(_problem: Problem, info: FieldInfo | None) -> tuple[str, str]:
    return "is not a text", f"write it in quotes{_example(info)}"


def _path(_problem: Problem, _info: FieldInfo | None) -> tuple[str, str]:
    return "is not a path", 'write the path of a file or a folder, in quotes: "/srv/studio"'


def _list(_problem: Problem, _info: FieldInfo | None) -> tuple[str, str]:
    return "is not a list", 'write texts in brackets, such as ["one", "two"]'


def _missing(_problem: Problem, _info: FieldInfo | None) -> tuple[str, str]:
    return "is not set", "set it"


_WORDS: Final[Mapping[str, Callable[[Problem, FieldInfo | None], tuple[str, str]]]] = {
    "int_": _whole,
    "decimal_": _number,
    "float_": _number,
    "finite_number": _number,
    "greater_than": _too_small,
    "less_than": _too_large,
    "bool_": _switch,
    "literal_error": _choice,
    "string_type": _text,
    "secret_": _text,
    "path_type": _path,
    "is_instance_of": _path,
    "tuple_type": _list,
    "list_type": _list,
    "missing": _missing,
}
"""By the beginning of pydantic's name for the problem."""


def _said(problem: Problem) -> str:
    return shortened(problem["input"])


def _example(info: FieldInfo | None) -> str:
    """The default, as an example, if it is plain."""
    usual = None if info is None else info.default
    return f", such as {usual}" if isinstance(usual, int | str) and not isinstance(usual, bool) and usual != "" else ""


def _least(info: FieldInfo | None) -> str:
    """From where to where a number may be, as far as its type says."""
    known = [] if info is None else [*info.metadata, *_marks(info.annotation)]
    bounds = {name: getattr(one, name) for one in known for name in ("ge", "gt", "le") if hasattr(one, name)}
    least = bounds["gt"] + 1 if "gt" in bounds else bounds.get("ge")
    if least is None:
        return ""
    return f" from {least} to {bounds['le']}" if "le" in bounds else f" from {least} on"


def _marks(annotation: Any) -> Iterator[Any]:
    for one in get_args(annotation):
        yield from one.metadata if isinstance(one, FieldInfo) else _marks(one)
        yield from getattr(one, "__metadata__", ())
