"""A synthetic customer that buys, repeats, fails and is added up, once or for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.cli.worker import stopped

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Page
    from infrastructure.probing import Probed
    from infrastructure.service import Studio

app = typer.Typer()

AMISS = 1
"""The exit code for a difference, as for whatever a check finds amiss."""


@command(app)
async def probe(
    session: CommandSession,
    account: Annotated[str, Option("--account", "-a", metavar="ACCOUNT", help="The probe's own, and nobody else's.")],
    model: Annotated[str, Option("--model", "-m", metavar="MODEL", help="What it buys from: a cheap one.")],
    every: Annotated[int, Option("--every", min=0, metavar="SECONDS", help="From one round to the next.")] = 300,
    once: Annotated[bool, Option("--once", help="One round; it exits with 1 if anything differs.")] = False,
) -> Report:
    """Buy, repeat, fail and add up, for ever, and tell every difference.

    Each difference is an error in the service log, and once a day an alert of the studio's own. The probe's account
    pays for what is bought, so that it stands apart from customers' in every view.
    """
    from infrastructure.clock import new_id, now
    from infrastructure.probing import Probe
    from infrastructure.servicelog import service_log

    if once:
        async with session.studio() as studio:
            await _check(studio, account, model)
            found = await Probe(studio, account, model, new_id, now).once()
        return Report(_document(found), lambda page: _show(page, found), AMISS if found.differences else 0)
    with service_log(session.settings(), as_json=session.json), stopped() as (told, _):
        async with session.service() as studio:
            await _check(studio, account, model)
            rounds = await Probe(studio, account, model, new_id, now).run(every, told)
    return Report({"rounds": rounds}, lambda page: page.title(counted(rounds, "round")))


async def _check(studio: Studio, account: str, model: str) -> None:
    """Raises UnknownAccount, and UnknownModel: a slip of the pen is no difference."""
    from application.asking.choosing import STRATEGIES

    await studio.accounts.show(account)
    if model not in STRATEGIES:
        studio.catalogue.get(model)


def _document(found: Probed) -> dict[str, object]:
    return {"operation": found.operation, "price": found.price, "differences": list(found.differences)}


def _show(page: Page, found: Probed) -> None:
    page.title("Something differs" if found.differences else f"All is as it should be: bought for {found.price}")
    for one in found.differences:
        page.prose(one, "red", indent=2)
