"""The work of an operator: refunds, recovery, erasing and sweeping."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from infrastructure.cli.asking import confirm
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account, OperationId, Owner, Yes
from infrastructure.cli.session import CommandSession
from infrastructure.cli.turns import failures_document, show_failures
from infrastructure.showing.codes import OTHER
from infrastructure.showing.formats import iso, size, span
from infrastructure.showing.upkeep import recovered_document, refund_document, swept_document

if TYPE_CHECKING:
    from application.performing.recovery import Recovered
    from application.ports import Swept, Unneeded
    from infrastructure.cli.rendering import Page
    from infrastructure.service import Studio
    from infrastructure.shards.turns import ShardTurns

app = typer.Typer()


@command(app)
async def refund(
    id: OperationId,
    session: CommandSession,
    reason: Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded.")] = "refund",
    reference: Annotated[
        str | None, Option("--reference", metavar="ID", help="Of this refund; the same one counts once.")
    ] = None,
    amount: Annotated[
        str | None, Option("--amount", metavar="AMOUNT", help="Such as 0.01; otherwise all that is left.")
    ] = None,
    account: Owner = None,
) -> Report:
    """Give back what an operation was charged, or a part of it."""
    from application.keeping.corrections import corrected
    from domain.money import Money
    from infrastructure.clock import new_id

    reference = new_id() if reference is None else reference
    async with session.studio() as studio:
        owner = account or await studio.operations.account_of(id)
        currency = (await studio.accounts.show(owner)).currency
        money = Money.parse(amount, currency) if amount is not None else None
        facts = await studio.upkeep.refund(id, account=owner, amount=money, reason=reason, reference=reference)
        known = facts or tuple(await asyncio.to_thread(studio.log.facts, id))
    back, repeated = Money(-corrected(known, reference)[0], currency), not facts
    told = f"{back} {'was given back before' if repeated else 'given back'}, under reference {reference}"
    found = refund_document(id, back, reference, repeated=repeated)
    return Report(found, lambda page: page.title(told))


Reference = Annotated[
    str | None, Option("--reference", metavar="ID", help="Of this correction; the same one counts once.")
]
Because = Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded for ever.")]


@command(app)
async def goodwill(
    amount: Annotated[str, Argument(metavar="AMOUNT", help="In the account's currency, such as 5.00.")],
    reason: Because,
    session: CommandSession,
    period: Annotated[
        str | None,
        Option("--period", metavar="PERIOD", help="For whose charges, such as 2026-04; otherwise the newest period's."),
    ] = None,
    reference: Reference = None,
    account: Account = None,
) -> Report:
    """Give an amount back that corrects no single charge, for a period's charges.

    All corrections of a period together never exceed what it was charged.
    """
    from domain.money import Money
    from infrastructure.clock import new_id
    from infrastructure.showing.upkeep import goodwill_document

    named, reference = session.account(account), new_id() if reference is None else reference
    async with session.studio() as studio:
        shown = await studio.accounts.show(named)
        money = Money.parse(amount, shown.currency)
        given = await studio.statements.goodwill(named, money, period=period, reason=reason, reference=reference)
    told = f"{money} given back for {span(given.corrects.start, given.corrects.end, shown.zone)}"
    return Report(goodwill_document(given), lambda page: _corrected(page, told, reference))


@command(app, "correct-cost")
async def correct_cost(
    id: OperationId,
    cost: Annotated[str, Argument(metavar="AMOUNT", help="What the provider took, such as 0.035.")],
    reason: Because,
    session: CommandSession,
    reference: Reference = None,
    account: Owner = None,
) -> Report:
    """Book what a provider really took for an operation; its price stays."""
    from application.keeping.corrections import corrected
    from domain.money import Money
    from infrastructure.clock import new_id
    from infrastructure.showing.upkeep import cost_document

    reference = new_id() if reference is None else reference
    async with session.studio() as studio:
        owner = account or await studio.operations.account_of(id)
        money = Money.parse(cost, studio.accounts.currency)
        facts = await studio.upkeep.correct_cost(id, account=owner, cost=money, reason=reason, reference=reference)
    change = Money(corrected(facts, reference)[1], money.currency)
    told = f"The cost is {money}, a change by {change}" if facts else f"The cost was corrected to {money} before"
    found = cost_document(id, money, change, reference, repeated=not facts)
    return Report(found, lambda page: _corrected(page, told, reference))


def _corrected(page: Page, told: str, reference: str) -> None:
    page.title(told)
    page.line(f"  reference {reference}")


@command(app)
async def recover(session: CommandSession) -> Report:
    """Settle what dead processes left open.

    An operation that was never sent is sent; one that may have been is looked up, run again or released, each by a
    fact.
    """
    from infrastructure.shards.turns import each_in_turn

    async with session.studio() as studio:
        with session.progress("recover"):
            turns = await each_in_turn(studio.by_shard, lambda one: one.upkeep.recover())
        count, until = await studio.upkeep.working()
    done = [one for some in turns.done.values() for one in some]

    def show(page: Page) -> None:
        _show_recovered(page, done, count, until)
        show_failures(page, turns)

    document = {**recovered_document(done, count, until), **failures_document(turns)}
    return Report(document, show, OTHER if turns.failed else 0)


def _show_recovered(page: Page, done: Sequence[Recovered], count: int, until: int | None) -> None:
    from domain.operation import CLOSED_PHASES
    from infrastructure.cli.rendering import PageColumn, state_style

    settled = sum(one.phase in CLOSED_PHASES for one in done)
    found = f"{counted(settled, 'operation')} settled, {len(done) - settled} still open"
    page.title(found if done else "Nothing is left to recover")
    if until is not None:
        told = f"{counted(count, 'operation')} open under a lease that still runs, until {iso(until)} at the latest"
        page.line(f"  {told}: run it again then")
    if done:
        page.table(
            PageColumn("OPERATION", [one.operation for one in done]),
            PageColumn("ACCOUNT", [one.account for one in done], drop=1),
            PageColumn("STATE", [one.phase for one in done], style=state_style),
            PageColumn("DONE", [one.action for one in done], wrap=30),
        )


@command(app)
async def sweep(
    session: CommandSession,
    dry_run: Annotated[bool, Option("--dry-run", help="Only list what would be deleted.")] = False,
    yes: Yes = False,
) -> Report:
    """Delete files that nothing refers to any more.

    They are counted and asked about first. Nothing is deleted if facts may be missing that refer to them.
    """
    from infrastructure.shards.turns import each_in_turn

    async with session.studio() as studio:
        ledgers = await asyncio.to_thread(_that_have_facts, studio)
        found = await each_in_turn(ledgers, lambda one: one.upkeep.find_unneeded())
        if dry_run:
            return _swept(found, "Would sweep")
        files, size_of_all = all_files(found.done)
        if files:
            confirm(f"Delete {counted(len(files), 'file')}, {size(size_of_all)}, for ever?", yes=yes)
        parts = {name: (studio.by_shard[name], one) for name, one in found.done.items()}
        swept = await each_in_turn(parts, lambda part: part[0].upkeep.sweep(part[1]))
    return _swept(replace(swept, failed={**found.failed, **swept.failed}), "Swept")


def _that_have_facts(studio: Studio) -> Mapping[str, Studio]:
    """All ledgers but shards in which nothing was recorded yet; all of them if none has anything."""
    return {name: one for name, one in studio.by_shard.items() if one.log.reader.end()} or studio.by_shard


def all_files(parts: Mapping[str, Unneeded | Swept]) -> tuple[list[str], int]:
    """The files of all ledgers, those of a shard under its name, and their bytes."""
    files = [f"{name}/{file}" if name else file for name, one in parts.items() for file in one.files]
    return files, sum(one.size for one in parts.values())


def _swept(turns: ShardTurns[Unneeded] | ShardTurns[Swept], told: str) -> Report:
    files, bytes = all_files(turns.done)

    def show(page: Page) -> None:
        page.title(f"{told} {counted(len(files), 'file')}, {size(bytes)}")
        for file in files:
            page.line(f"  {file}")
        show_failures(page, turns)

    document = {**swept_document(files, bytes), **failures_document(turns)}
    return Report(document, show, OTHER if turns.failed else 0)
