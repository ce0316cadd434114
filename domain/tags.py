"""Tags: words of a caller's about their work, by names of their own, such as campaign=spring.

They stand beside the log, as prompts do, because they may name people and can be erased. Nothing is decided by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.value import value

MOST_TAGS: Final = 16
"""Tags of one request."""
LONGEST_NAME: Final = 64
LONGEST_VALUE: Final = 512
BLANK: Final = ""
"""The name that stands for tags which were erased: none that a caller gives is empty."""

_NAME: Final = re.compile(r"[^\s=,](?:[^=,]*[^\s=,])?")
_NAMES: Final = f"a name is one line of 1 to {LONGEST_NAME} characters without = and comma, and no space at its ends"
_VALUES: Final = f"a value is one line of 1 to {LONGEST_VALUE} characters"


def check_tags(tags: object, field: str = "tags") -> None:
    """Tags as a request gives them: texts by name. Raises InvalidInput."""
    if not isinstance(tags, Mapping):
        raise InvalidInput(field, f"must be texts by name, not {shortened(tags)}", hint='such as {"team": "red"}')
    if len(tags) > MOST_TAGS:
        raise InvalidInput(field, f"{len(tags)} tags", hint=f"give at most {MOST_TAGS}")
    for name, told in tags.items():
        check_tag_name(field, name)
        if not isinstance(told, str) or not 1 <= len(told) <= LONGEST_VALUE or not told.isprintable():
            raise InvalidInput(field, f"{name}={shortened(told)} cannot be kept", hint=_VALUES)


@value
class TagChange:
    """Tags to give, each in place of another of its name, and names of those to take away."""

    add: Mapping[str, str]
    remove: Sequence[str] = ()

    def check(self) -> None:
        """Raises InvalidInput for what no tag is, and for nothing at all."""
        check_tags(self.add)
        for name in self.remove:
            check_tag_name("untag", name)
            if name in self.add:
                raise InvalidInput("untag", f"{shortened(name)} is to be given and taken away", hint="choose one")
        if not self.add and not self.remove:
            raise InvalidInput("tags", "nothing is to be changed", hint="name a tag to give or to take away")

    def applied(self, tags: Mapping[str, str]) -> dict[str, str]:
        """The tags after the change. Raises InvalidInput if they are too many."""
        found = {name: told for name, told in tags.items() if name not in self.remove} | dict(self.add)
        if len(found) > MOST_TAGS:
            raise InvalidInput("tags", f"{len(found)} tags", hint=f"an operation has at most {MOST_TAGS}")
        return found


def check_tag_name(field: str, name: object) -> None:
    """Raises InvalidInput for what no tag is called."""
    is_name = isinstance(name, str) and len(name) <= LONGEST_NAME and name.isprintable() and _NAME.fullmatch(name)
    if not is_name:
        raise InvalidInput(field, f"{shortened(name)} is no name of a tag", hint=_NAMES)


def tag_of(text: str, field: str = "tag") -> tuple[str, str]:
    """The tag that NAME=VALUE says. Raises InvalidInput."""
    name, equals, value = text.partition("=")
    if not (equals and value):
        raise InvalidInput(field, f"{shortened(text)} is not NAME=VALUE", hint="such as team=red")
    check_tag_name(field, name)
    return name, value
