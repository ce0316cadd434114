"""The housekeeping of an open studio: recovered, refunded, erased, swept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.keeping.upkeep import Upkeep
from infrastructure.opening import references

if TYPE_CHECKING:
    from infrastructure.assembly import Assembly


def upkeep_of(made: Assembly) -> Upkeep:
    """Its use cases."""
    return Upkeep(
        recoverer=made.recoverer,
        references=references(made.log),
        facts=made.facts,
        index=made.index,
        writer=made.writer,
        contents=made.contents,
        shelf=made.shelf,
        names=made.names,
        words=made.words,
        clock=made.clock,
        operator=made.operator,
        grace_seconds=made.settings.grace_seconds,
    )
