"""A world of one seed in which everything goes wrong, held against a naive model."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.ports import Progress
    from infrastructure.cli.rendering import Page
    from infrastructure.simulation import Worlds
    from infrastructure.simulation.world import Lived

app = typer.Typer()

BROKEN = 1
"""The exit code for a broken promise, as for whatever a check finds amiss."""


@command(app, name="simulate-faults")
async def simulate_faults(
    session: CommandSession,
    seed: Annotated[
        int | None, Option("--seed", metavar="N", min=0, help="What all chance follows from; otherwise a fresh one.")
    ] = None,
    operations: Annotated[int, Option("--operations", metavar="M", min=1, help="How many to live through.")] = 1_000,
) -> Report:
    """Try the ledger in simulated worlds in which everything fails.

    Processes die, disks fill up, clocks step and networks break. The log is held against a naive model after each
    commit. Your own ledger is neither read nor written. It exits with 1 if a promise is broken, and names the seed.
    """
    import secrets

    from infrastructure.simulation import SEEDS, simulate

    chosen = secrets.randbelow(SEEDS) if seed is None else seed
    ended = Event()
    with session.progress("simulate-faults") as report:
        try:
            found = await asyncio.to_thread(
                simulate, chosen, operations, _telling(report, operations), ended=ended.is_set
            )
        finally:
            ended.set()
    return Report(_document(chosen, found), lambda page: _show(page, chosen, found), BROKEN if found.broken else 0)


def _telling(report: Progress, operations: int) -> Callable[[Lived], None]:
    """Whoever watches is told how many operations were lived."""
    lived = 0

    def tell(world: Lived) -> None:
        nonlocal lived
        lived += world.operations
        report(lived / operations, f"{counted(lived, 'operation')}, up to seed {world.seed}")

    return tell


def _document(seed: int, found: Worlds) -> dict[str, object]:
    last, broken = found.last, found.broken
    told = None if broken is None else {"promise": broken, "seed": last.seed, "operations": last.wanted}
    return {
        "seed": seed,
        "worlds": found.worlds,
        "operations": found.operations,
        "facts": found.facts,
        "digest": last.digest,
        "faults": dict(sorted(found.faults.items())),
        "broken": told,
    }


def _show(page: Page, seed: int, found: Worlds) -> None:
    page.title("A promise is broken" if found.broken else "Every promise is kept")
    page.line(f"  {counted(found.operations, 'operation')} in {counted(found.worlds, 'world')}, from seed {seed}")
    page.line(f"  {counted(found.facts, 'fact')}; the last log is {found.last.digest}")
    for name, count in sorted(found.faults.items()):
        page.line(f"  {count:>7,}  {name.replace('_', ' ')}", "dim")
    if found.broken:
        page.prose(found.broken, "red", indent=2)
        page.line(f"  again: imagestudio simulate-faults --seed {found.last.seed} --operations {found.last.wanted}")
