"""Orders of batches: items of a list, each carried through the steps of a recipe.

item ── step 1: a service ──> files ──> step 2: a service, once for each file ──> files …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.money import Money
from domain.value import value

MOST_ITEMS: Final = 10_000
"""Of one list; who has more writes several lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One service, by its name, and what it is told beside the subject."""

    service: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Steps in their order: the first gets the item itself, each other one every file of the step before it."""

    WORD: ClassVar[str] = "recipe"
    id: str
    name: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("steps: there is none")


@value
class Item:
    """One row of a list: what the first step is done to (words, or a file), and its own options for that step."""

    subject: Path | str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


def check_items(items: Sequence[Item]) -> None:
    """Raises InvalidInput for a list that is empty or too long."""
    if not items:
        raise InvalidInput("list", "holds no item", hint="write one prompt or one file a row")
    if len(items) > MOST_ITEMS:
        told = f"holds {len(items)} items, {MOST_ITEMS} at most"
        raise InvalidInput("list", told, hint="write several lists")


def check_name(name: object) -> str:
    """The name of a batch, from which keys are made. Raises InvalidInput."""
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= 100
        or not name.isprintable()
        or not set(name).isdisjoint(" /")
    ):
        told = f"{shortened(name)} cannot name a batch"
        raise InvalidInput("name", told, hint="use 1 to 100 printable characters without spaces and slashes")
    return name


SIDE_BY_SIDE: Final = 4
MOST_SIDE_BY_SIDE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One batch: what is done to which items, under which name, for whom, and what it may cost.

    `caller` is told to every step, as user, project, allow. A `budget` counts all that was charged under the name.
    `retry` does again what has failed before.
    """

    items: Sequence[Item]
    recipe: Recipe
    name: str
    account: str
    caller: Mapping[str, Any] = field(default_factory=dict)
    budget: Money | None = None
    side_by_side: int = SIDE_BY_SIDE
    retry: bool = False

    def __post_init__(self) -> None:
        check_items(self.items)
        check_name(self.name)
        if self.budget is not None and self.budget.micros < 0:
            raise InvalidInput("budget", f"{self.budget} is below zero", hint="give what may be spent at most")
        if type(self.side_by_side) is not int or not 1 <= self.side_by_side <= MOST_SIDE_BY_SIDE:
            told = f"{self.side_by_side} items side by side"
            raise InvalidInput("side_by_side", told, hint=f"do 1 to {MOST_SIDE_BY_SIDE}")

    def options(self, step: int, item: Item) -> dict[str, Any]:
        """Of one step: the recipe's, over them the item's own for the first, and who asks."""
        own = item.options if step == 0 else {}
        return {**self.caller, **self.recipe.steps[step].options, **own, "account": self.account}

    def key(self, number: int, step: int, file: int = 0) -> str:
        """Of one step of one item, for one of its files."""
        return f"{self.name}/{number}/{step + 1}" + (f".{file + 1}" if file else "")
