"""A/B: variants side by side, a contact sheet of them, and the price of an accepted one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.create import Creating
from infrastructure.cli.files import replacing_whole
from infrastructure.cli.options import WHAT, Account, Asking, OperationId, file_of, pairs
from infrastructure.cli.run import Prompt
from infrastructure.cli.serving import Estimate, asked_of
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from application.studios.compare import ComparedAdvice, ComparedSet, Judged
    from infrastructure.cli.rendering import Page

app = typer.Typer()

Variants = Annotated[
    list[str],
    Option(
        "--variant",
        "-v",
        metavar="NAME=VALUE[,…]",
        help="One variant: what it has of its own, such as style=anime,model=ID. Give two or more.",
        rich_help_panel=WHAT,
    ),
]


@command(app)
async def compare(
    prompt: Prompt,
    variant: Variants,
    creating: Creating,
    asking: Asking,
    session: CommandSession,
    image: Annotated[
        str | None, Option("--image", metavar="FILE", help="Edit this picture instead.", rich_help_panel=WHAT)
    ] = None,
    apart: Annotated[
        bool, Option("--apart", help="Each by itself; otherwise all are admitted or none.", rich_help_panel=WHAT)
    ] = False,
    sheet: Annotated[
        Path | None, Option("--sheet", metavar="FILE", help="Write a contact sheet of all there.", rich_help_panel=WHAT)
    ] = None,
    estimate: Estimate = False,
) -> Report:
    """Make variants side by side, and say what each costs."""
    from infrastructure.showing.formats import document

    if sheet is not None and not sheet.parent.is_dir():
        raise InvalidInput("--sheet", f"{sheet.parent} is no folder", hint="make it first")
    several = [dict(pairs("--variant", one.split(","))) for one in variant]
    shared = {**asked_of(session, asking, creating), "prompt": prompt}
    if image is not None:
        shared["image"] = file_of(image)
    async with session.studio(writes=not estimate) as studio:
        service = studio.services.compare
        if estimate:
            advised = await service.estimate(several, **shared)
            return Report(document(advised), lambda page: _show_advised(page, advised))
        with session.progress("compare") as told:
            compared = await service(several, together=not apart, progress=told, **shared)
        if sheet is not None:
            with replacing_whole(sheet, "--sheet") as stream:
                stream.write(await service.sheet(compared))
    return Report({**document(compared), "sheet": str(sheet) if sheet else None}, lambda page: _show(page, compared))


@command(app)
async def judge(
    batch: OperationId,
    session: CommandSession,
    accepted: Annotated[
        list[str] | None,
        Argument(metavar="[ASSET...]", help="The assets that are accepted, and marked so; otherwise those that are."),
    ] = None,
    account: Account = None,
) -> Report:
    """Say what an accepted picture of a comparison costs."""
    from infrastructure.showing.formats import document

    async with session.studio(writes=bool(accepted)) as studio:
        found = await studio.services.compare.judge(batch, accepted or None, account=session.account(account))
    return Report(document(found), lambda page: _show_judged(page, found))


def _show(page: Page, found: ComparedSet) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(f"Charged {found.price}")
    page.pairs([("batch", found.batch)] if found.batch else [])
    ends = [one.result for one in found.variants]
    page.table(
        PageColumn("NO", [str(one.number) for one in found.variants], right=True),
        PageColumn("VARIANT", [one.label for one in found.variants], wrap=28),
        PageColumn("MODEL", [one.model if one else "" for one in ends]),
        PageColumn("PRICE", [str(one.price) if one else "" for one in ends], right=True),
        PageColumn("STATE", [one.status if one else "failed" for one in ends], drop=1),
    )
    page.line()
    for one in found.variants:
        assets = one.result.outputs if one.result else ()
        page.line(f"  {one.number}  {one.why}" if not assets else f"  {one.number}  {assets[0].asset.id}")
        for output in assets:
            page.line(f"  {output.where}", "cyan")


def _show_advised(page: Page, found: ComparedAdvice) -> None:
    from infrastructure.cli.rendering import PageColumn

    total = found.together
    page.title("The price is not known" if total.price is None else f"{total.price} would be held for all together")
    page.table(
        PageColumn("VARIANT", [label for label, _ in found.variants], wrap=24),
        PageColumn("MODEL", [one.recommendation.model for _, one in found.variants]),
        PageColumn(
            "PRICE", ["unknown" if one.price is None else str(one.price) for _, one in found.variants], right=True
        ),
        PageColumn("WHY", [one.recommendation.reason for _, one in found.variants], wrap=30, drop=1),
    )


def _show_judged(page: Page, found: Judged) -> None:
    page.title(f"{found.price_each} an accepted picture" if found.price_each else "Nothing was accepted")
    page.pairs([("accepted", f"{len(found.accepted)} of {found.made}"), ("price of all", str(found.price))])
