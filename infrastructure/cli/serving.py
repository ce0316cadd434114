"""The part that all commands of services share: an estimate shown with its reasons, a result with what was made of its
brief."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from domain.meaning import Kind as ErrorKind
from infrastructure.cli.commands import Report
from infrastructure.cli.failures import note
from infrastructure.cli.options import WHAT, Asking
from infrastructure.cli.resultpages import amount_text, left_text, show_result
from infrastructure.cli.run import copied, exit_code, make_out_folder, warn_of_rerouting
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import EXIT_CODES
from infrastructure.showing.services import advised_document, served_document

if TYPE_CHECKING:
    from application.asking.requests import Result
    from application.ports import Progress
    from application.studios.desk import Advised, OtherModel, Served
    from application.studios.services import Services
    from infrastructure.cli.rendering import Page

Estimate = Annotated[
    bool, Option("--estimate", help="Say what it would cost, and why there; do nothing.", rich_help_panel=WHAT)
]
Quality = Annotated[
    str, Option("--quality", "-q", metavar="ID", help="draft, standard or premium.", rich_help_panel=WHAT)
]
Style = Annotated[
    str, Option("--style", metavar="ID", help="A look, such as photographic or anime.", rich_help_panel=WHAT)
]
Negative = Annotated[str, Option("--negative", metavar="TEXT", help="What is not to be seen.", rich_help_panel=WHAT)]
Aspect = Annotated[str, Option("--aspect", metavar="W:H", help="The shape, such as 4:5.", rich_help_panel=WHAT)]
Seed = Annotated[
    int | None, Option("--seed", metavar="NUMBER", help="The same seed, the same result.", rich_help_panel=WHAT)
]
Enhance = Annotated[
    str,
    Option(
        "--enhance", metavar="HOW", help="Better words: by rule, or by a model, which is charged.", rich_help_panel=WHAT
    ),
]

SHOWN = 8
"""Alternatives on a page."""


def asked_of(session: CommandSession, asking: Asking, own: Any) -> dict[str, Any]:
    """All that a service is told: who asks for what, and those options of its own group that are given."""
    given = {name: value for name, value in asdict(own).items() if value not in ("", None, [])}
    return {"account": session.account(asking.account), **asking.options(), **given}


async def ask(session: CommandSession, asked: Callable[[Services], Awaitable[Advised]]) -> Report:
    """A service's price, and why it would be done there; nothing is recorded."""
    async with session.studio(writes=False) as studio:
        found = await asked(studio.services)
    code = EXIT_CODES[ErrorKind.REFUSED] if found.estimate.refused == "unpriced" else 0
    return Report(advised_document(found), lambda page: show_advised(page, found), code)


async def serve(
    session: CommandSession, what: str, asked: Callable[[Services, Progress], Awaitable[Served]], out: Path | None
) -> Report:
    """Have a service do it, and copy what was made."""
    if out is not None:
        make_out_folder(out)
    async with session.studio() as studio:
        with session.progress(what) as report:
            try:
                served = await asked(studio.services, report)
            except asyncio.CancelledError:
                note("stopping: what was sent is being settled; Ctrl-C again leaves it to: imagestudio recover")
                raise
    for result in served.results:
        warn_of_rerouting(result, session)
    copies = {} if out is None else {at: copy for one in wanted_of(served) for at, copy in copied(one, out).items()}

    def show(page: Page) -> None:
        show_result(page, served.result, copies)
        _show_notes(page, served)

    return Report(served_document(served, copies), show, exit_code(served.result))


def wanted_of(served: Served) -> tuple[Result, ...]:
    """The results whose files are copied: not those of what was done on the way."""
    return (served.result, *served.after)


def _show_notes(page: Page, served: Served) -> None:
    before = [("before", f"{one.operation}: {one.price} at {one.model}") for one in served.before]
    after = [("with it", f"{one.operation}: {one.price} at {one.model}") for one in served.after]
    rows = [*(("note", note) for note in served.notes), *before, *after]
    if rows:
        page.line()
        page.pairs(rows)


def show_advised(page: Page, found: Advised) -> None:
    """The price of all together, the model with the reason, and who else could do it at which price."""
    estimate, chosen = found.estimate, found.recommendation
    page.title("The price is not known" if found.price is None else f"{found.price} would be held")
    page.pairs(
        [
            ("model", f"{chosen.model} ({chosen.provider})"),
            ("why", chosen.reason),
            ("price", amount_text(estimate.price, estimate.price_source)),
            *(("before", f"{amount_text(one.price, one.price_source)} at {one.model}") for one in found.before),
            ("now", "it would be admitted" if estimate.refused is None else f"it would be refused: {estimate.refused}"),
            ("left", left_text(estimate.left, estimate.currency)),
            *(("note", note) for note in found.notes),
            *(("warning", warning) for warning in estimate.warnings),
        ]
    )
    if chosen.alternatives:
        _show_alternatives(page, chosen.alternatives)


def _show_alternatives(page: Page, alternatives: tuple[OtherModel, ...]) -> None:
    from infrastructure.cli.rendering import PageColumn

    shown = alternatives[:SHOWN]
    more = f", the cheapest {SHOWN} of {len(alternatives)}" if len(alternatives) > SHOWN else ""
    page.line()
    page.line(f"Could do it as well{more}:", "dim")
    page.table(
        PageColumn("MODEL", [one.model for one in shown]),
        PageColumn("PROVIDER", [one.provider for one in shown], drop=2),
        PageColumn("QUALITY", [str(one.quality) for one in shown], right=True),
        PageColumn("PRICE", ["unknown" if one.price is None else str(one.price) for one in shown], right=True),
        PageColumn("", [one.why for one in shown], wrap=48, drop=1),
    )
