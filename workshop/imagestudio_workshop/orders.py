"""A task as local work reads it: typed inputs, opened pictures, and a refusal for what is missing or unreadable."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

from PIL import ImageColor

from imagestudio.plugin import Media, ProviderRefused, Task, Value
from imagestudio_workshop.lettering import tint_of
from imagestudio_workshop.needs import NOWHERE, Weights
from imagestudio_workshop.opening import still
from imagestudio_workshop.profiles import Picture

Step = Callable[[float, str], None]
"""Hears the fraction done of one output, in [0, 1], and what is done now; raises where nobody waits any more."""

Work: TypeAlias = Callable[[int, Step], Media]
"""Makes the variation of a number; raises ProviderRefused or TaskFailed."""


@dataclass(frozen=True, slots=True)
class LabelledTask:
    """A task, the label that what is made of it carries, and where weights are.

    Inputs were checked against the catalogue before.
    """

    task: Task
    label: str
    weights: Weights = NOWHERE

    def text(self, name: str, default: str = "") -> str:
        return str(self.task.inputs.get(name, default))

    def whole(self, name: str, default: int = 0) -> int:
        """A whole number, also one written as text; 0, which nothing accepts, for anything else."""
        return whole(self.task.inputs.get(name, default))

    def number(self, name: str, default: float) -> float:
        value = self.task.inputs.get(name, default)
        return float(value)

    def choice(self, name: str, choices: Collection[str], default: str = "") -> str:
        chosen = self.text(name, default)
        if chosen not in choices:
            raise ProviderRefused(f"unsupported_{name}", f"{name} is one of: {', '.join(choices)}")
        return chosen

    def color(self, name: str, default: str) -> str:
        """A colour's name, or "#rrggbb", that Pillow knows."""
        written = self.text(name, default)
        try:
            ImageColor.getrgb(written)
        except ValueError as error:
            raise ProviderRefused(f"unsupported_{name}", f'{name} is a colour, such as "navy" or "#1a2b3c"') from error
        return written

    def tint(self, name: str, default: str = "") -> tuple[int, int, int, int] | None:
        """Red, green, blue and alpha of a colour, of which only a share may be there, such as "black@0.5"; None if none
        is named."""
        written = self.text(name, default)
        try:
            return tint_of(written) if written else None
        except ValueError as error:
            told = f'{name} is a colour, such as "navy", "#1a2b3c" or "black@0.5"'
            raise ProviderRefused(f"unsupported_{name}", told) from error

    def ground(self, name: str = "background") -> str:
        """As `color`; empty where none is named."""
        return self.color(name, "") if self.text(name) else ""

    def flag(self, name: str, *, default: bool = False) -> bool:
        return self.task.inputs.get(name, default) is True

    def file(self, name: str) -> Media:
        files = self.task.media.get(name, ())
        if not files:
            raise ProviderRefused(f"missing_{name}", f"there is no input {name}")
        return files[0]

    def picture(self, name: str = "image") -> Picture:
        """A still picture as it is shown. Raises ProviderRefused for one that moves or has more than 8 bits."""
        return still(self.file(name), name)


Maker: TypeAlias = Callable[[LabelledTask], Work]
"""Reads an order before any work is done; raises ProviderRefused."""


def whole(value: Value) -> int:
    return int(value) if str(value).isdecimal() else 0
