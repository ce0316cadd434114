"""Tags: words of a caller's about their work, by names of their own, such as campaign=spring.

They stand beside the log, as prompts do, because they may name people and can be erased. Nothing is decided by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from domain.errors import InvalidInput
from domain.inputs import shortened

MOST_TAGS: Final = 16
"""Tags of one request."""
LONGEST_VALUE: Final = 128
BLANK: Final = ""
"""The name that stands for tags which were erased: none that a caller gives is empty."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")
_NAMES: Final = "a name has 1 to 64 letters, digits and _ . : / -, and begins with one of the first two"
_VALUES: Final = f"a value is one line of 1 to {LONGEST_VALUE} characters"


def check_tags(tags: object) -> None:
    """Tags as a request gives them: texts by name. Raises InvalidInput."""
    if not isinstance(tags, Mapping):
        raise InvalidInput("tags", f"must be texts by name, not {shortened(tags)}", hint='such as {"team": "red"}')
    if len(tags) > MOST_TAGS:
        raise InvalidInput("tags", f"{len(tags)} tags", hint=f"give at most {MOST_TAGS}")
    for name, value in tags.items():
        check_tag_name("tags", name)
        if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_VALUE or not value.isprintable():
            raise InvalidInput("tags", f"{name}={shortened(value)} cannot be kept", hint=_VALUES)


def check_tag_name(field: str, name: object) -> None:
    """Raises InvalidInput for what no tag is called."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(field, f"{shortened(name)} is no name of a tag", hint=_NAMES)


def tag_of(text: str, field: str = "tag") -> tuple[str, str]:
    """The tag that NAME=VALUE says. Raises InvalidInput."""
    name, equals, value = text.partition("=")
    if not (equals and value):
        raise InvalidInput(field, f"{shortened(text)} is not NAME=VALUE", hint="such as team=red")
    check_tag_name(field, name)
    return name, value
