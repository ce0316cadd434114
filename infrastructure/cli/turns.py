"""Answers of what was done in each shard by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from infrastructure.cli.commands import Report
from infrastructure.showing.codes import OTHER

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.shards.turns import ShardTurns

Done = TypeVar("Done")


def turns_report(
    turns: ShardTurns[Done], document: Callable[[Done], Any], show: Callable[[Page, str, Done], None], code: int = 0
) -> Report:
    """The work that was done in each shard, and why not where it failed, which ends with 1."""
    told = {"shards": {name: document(one) for name, one in turns.done.items()}, **failures_document(turns)}

    def shown(page: Page) -> None:
        for name, one in turns.done.items():
            show(page, name, one)
        show_failures(page, turns)

    return Report(told, shown, OTHER if turns.failed else code)


def failures_document(turns: ShardTurns[Any]) -> dict[str, Any]:
    """Why it was not done, by shard; nothing if it was done in all."""
    failed = {name: {"code": one.code, "message": one.message} for name, one in turns.failed.items()}
    return {"failed": failed} if failed else {}


def show_failures(page: Page, turns: ShardTurns[Any]) -> None:
    """A line for each shard in which it was not done."""
    for name, one in turns.failed.items():
        page.prose(f"not in shard {name}: {one.message}", "red", indent=2)
