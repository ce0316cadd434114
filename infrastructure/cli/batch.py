"""Batches: each item of a list through a service or a recipe: estimated first, gone on with after a stop."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from domain.meaning import Kind
from infrastructure.cli.asking import confirm
from infrastructure.cli.commands import Report, command
from infrastructure.cli.failures import note
from infrastructure.cli.files import replacing_whole
from infrastructure.cli.options import WHAT, WHO, Tags, Yes, pairs, tags_of
from infrastructure.cli.session import CommandSession
from infrastructure.showing.batches import archived_document, archived_text, batched_document, forecast_document
from infrastructure.showing.codes import EXIT_CODES
from infrastructure.showing.formats import limit_of

if TYPE_CHECKING:
    from application.library.archive import Archived
    from application.ports import Progress
    from application.studios.batch import Batch, Batched
    from application.studios.forecast import Forecast, Shortage
    from application.studios.recipes import Item, Order, Recipe
    from domain.errors import ImageStudioError
    from infrastructure.cli.rendering import Page

app = typer.Typer()

SHOWN = 10
ENDS = {"failed": Kind.FAILED, "refused": Kind.REFUSED, "waiting": Kind.REFUSED, "pending": Kind.PENDING}
"""The worst that became of an item is the exit code: the first of these that occurs."""


@dataclass(frozen=True, slots=True)
class Batching:
    """The service or recipe, who pays, and how much at most."""

    account: Annotated[
        str | None,
        Option("--account", "-a", metavar="ID", help="Who pays; otherwise IMAGESTUDIO_ACCOUNT.", rich_help_panel=WHO),
    ] = None
    user: Annotated[
        str | None, Option("--user", "-u", metavar="ID", help="Who asks; otherwise the account.", rich_help_panel=WHO)
    ] = None
    project: Annotated[
        str | None, Option("--project", "-p", metavar="ID", help="What it is for.", rich_help_panel=WHO)
    ] = None
    tag: Tags = None
    service: Annotated[
        str, Option("--service", "-s", metavar="NAME", help="What is done to each item.", rich_help_panel=WHAT)
    ] = "create"
    recipe: Annotated[
        str | None,
        Option("--recipe", "-r", metavar="ID", help="Several steps instead of one service.", rich_help_panel=WHAT),
    ] = None
    option: Annotated[
        list[str] | None,
        Option("--option", "-o", metavar="NAME=VALUE", help="An option of the service.", rich_help_panel=WHAT),
    ] = None
    allow: Annotated[
        list[str] | None,
        Option("--allow", metavar="CLASS", help="Let models of this class do it.", rich_help_panel=WHAT),
    ] = None
    name: Annotated[
        str | None,
        Option("--name", "-n", metavar="NAME", help="Go on under this name; otherwise by the list's content."),
    ] = None
    budget: Annotated[str | None, Option("--budget", metavar="AMOUNT", help="The most it may cost altogether.")] = None
    side_by_side: Annotated[int, Option("--side-by-side", metavar="COUNT", help="Items at the same time.")] = 4
    retry: Annotated[bool, Option("--retry", help="Do again what has failed before.")] = False

    def recipe_of(self, batch: Batch) -> Recipe:
        """The recipe that is named, or one of the service alone. Raises InvalidInput."""
        from application.studios.recipes import Recipe, Step

        if self.recipe is not None:
            if self.option:
                told = "belongs to a service, and a recipe has its own options"
                raise InvalidInput("--option", told, hint="leave one of them out")
            return batch.desk.presets.get(Recipe, self.recipe, "recipe")
        options: dict[str, Any] = dict(pairs("--option", self.option or ()))
        return Recipe(id=self.service, name=self.service, steps=(Step(service=self.service, options=options),))

    def order(self, items: Sequence[Item], recipe: Recipe, account: str, currency: str) -> Order:
        """The batch that these options describe. Raises InvalidInput."""
        from application.studios.recipes import Order
        from domain.money import Money
        from infrastructure.lists import batch_name

        return Order(
            items=items,
            recipe=recipe,
            name=batch_name(items, recipe) if self.name is None else self.name,
            account=account,
            caller={
                "user": self.user,
                "project": self.project,
                "allow": tuple(self.allow or ()),
                "tags": tags_of(self.tag),
            },
            budget=None if self.budget is None else Money.parse(self.budget, currency),
            side_by_side=self.side_by_side,
            retry=self.retry,
        )


@command(app)
async def batch(
    list: Annotated[Path, Argument(metavar="LIST", help="A CSV file, a file of prompts, or a folder of files.")],
    batching: Batching,
    session: CommandSession,
    estimate: Annotated[bool, Option("--estimate", help="Say what it would cost; do nothing.")] = False,
    zip: Annotated[
        Path | None, Option("--zip", metavar="FILE", help="Write all that is done into one ZIP file at the end.")
    ] = None,
    partly: Annotated[bool, Option("--partly", help="Begin although a limit or the budget will stop it.")] = False,
    yes: Yes = False,
) -> Report:
    """Do one thing, or the steps of a recipe, to every item of a list.

    All of it is estimated before anything is spent. After a stop or a crash the same command goes on with what is left:
    nothing is done or charged twice.
    """
    from infrastructure.lists import read_list

    account = session.account(batching.account)
    async with session.studio(writes=not estimate) as studio:
        service = studio.services.batch
        recipe = batching.recipe_of(service)
        items = read_list(list)
        currency = service.currency if batching.budget is None else (await studio.accounts.show(account)).currency
        order = batching.order(items, recipe, account, currency)
        with session.progress("estimate") as report:
            forecast = await service.estimate(order, report)
        if estimate:
            return Report(forecast_document(forecast), lambda page: _show_forecast(page, forecast), _fits(forecast))
        _check(forecast, order, partly=partly)
        confirm(f"Do {counted(len(items), 'item')}, holding {_held(forecast)}?", yes=yes)
        batched, archived = await _done(service, order, zip, session)
    document = {**batched_document(batched), "zip": None if archived is None else archived_document(zip, archived)}
    return Report(document, lambda page: _show(page, batched, zip, archived), _code(batched))


async def _done(
    service: Batch, order: Order, zip: Path | None, session: CommandSession
) -> tuple[Batched, Archived | None]:
    """The batch as it ended, and its ZIP file, whose place is tried before anything is spent."""
    with nullcontext() if zip is None else replacing_whole(zip, "--zip") as stream:
        with session.progress("batch") as report:
            batched = await _run(service, order, report)
        return batched, None if stream is None else await service.archive(order, batched, stream)


async def _run(service: Batch, order: Order, report: Progress) -> Batched:
    try:
        return await service.run(order, report)
    except CancelledError:
        note("stopping: what was sent is being settled; the same command goes on with the batch")
        raise


def _held(found: Forecast) -> str:
    """The sum, as far as it is known."""
    if found.unknown == len(found.items):
        return "what nobody knows"
    return f"at least {found.held}" if found.unknown else str(found.held)


def _fits(found: Forecast) -> int:
    return EXIT_CODES[Kind.INVALID] if found.wrong else EXIT_CODES[Kind.REFUSED] if found.short or found.over else 0


def _check(found: Forecast, order: Order, *, partly: bool) -> None:
    """Raises InvalidInput unless all of the batch can be done, or part of it is to be."""
    wrong = [one for one in found.items if one.error is not None]
    if partly or not (wrong or found.short or found.over):
        return
    if wrong:
        first = wrong[0]
        told = f"{counted(len(wrong), 'item')} cannot be done; item {first.number}: {first.error}"
    elif found.over:
        told = f"would hold {_held(found)}, and the budget is {order.budget}"
    else:
        told = "; ".join(_shortage(found, one) for one in found.short)
    raise InvalidInput("batch", told, hint="correct it, or add --partly to do what can be done")


def _shortage(found: Forecast, one: Shortage) -> str:
    currency = found.held.currency
    asked, left = (limit_of(one.measure, amount, currency) for amount in (one.asked, one.left))
    return f"{one.measure} limit: {asked} asked, {left} left"


def _code(batched: Batched) -> int:
    states = batched.states
    return next((EXIT_CODES[kind] for state, kind in ENDS.items() if states.get(state)), 0)


def _show_forecast(page: Page, found: Forecast) -> None:
    page.title(
        f"{_held(found)} would be held for {len(found.items) - found.wrong} of {counted(len(found.items), 'item')}"
    )
    rows = [("unknown", counted(found.unknown, "item"))] if found.unknown else []
    rows += [("limit", _shortage(found, one)) for one in found.short]
    rows += [("budget", "it would be passed")] if found.over else []
    if rows:
        page.pairs(rows)
    wrong = [one for one in found.items if one.error is not None]
    _show_errors(page, [(one.number, one.error) for one in wrong])


def _show(page: Page, batched: Batched, zip: Path | None, archived: Archived | None) -> None:
    told = ", ".join(f"{count} {state}" for state, count in batched.states.items())
    page.title(f"{told}; charged {batched.price}")
    page.pairs([("batch", batched.name), *([("stopped", batched.stopped)] if batched.stopped else [])])
    wrong = [one for one in batched.outcomes if one.error is not None]
    _show_errors(page, [(one.number, one.error) for one in wrong])
    page.line()
    for one in batched.outcomes:
        for output in one.outputs:
            page.line(f"  {one.number}  {output.where}", "cyan")
    if archived is not None:
        page.line(archived_text(zip, archived))


def _show_errors(page: Page, errors: Sequence[tuple[int, ImageStudioError | None]]) -> None:
    from infrastructure.showing.hints import in_shell

    if not errors:
        return
    page.line()
    told = {number: (error, in_shell(error.advice)) for number, error in errors[:SHOWN] if error is not None}
    page.pairs(
        [(f"item {number}", f"{error}; {hint}" if hint else str(error)) for number, (error, hint) in told.items()]
    )
    if len(errors) > SHOWN:
        page.line(f"… and {len(errors) - SHOWN} more; all of them: --json", "dim")
