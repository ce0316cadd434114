"""Operations: generate, run, cancel, and what they would cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from domain.errors import Kind as ErrorKind
from infrastructure.cli.commands import Report, command
from infrastructure.cli.failures import note
from infrastructure.cli.options import WHAT, Asking, OperationId, Owner, Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import EXIT_CODES
from infrastructure.showing.documents import estimate_document, result_document
from infrastructure.showing.formats import TOGETHER, counted, limit_of, lost_text, size, unlike_text

if TYPE_CHECKING:
    from application.asking.requests import Candidate, Estimate, Request, Result
    from application.ports import Asset
    from domain.money import Money
    from infrastructure.cli.rendering import Page

app = typer.Typer()

Prompt = Annotated[str, Argument(metavar="PROMPT", help="What you want, in words.")]
Image = Annotated[str, Argument(metavar="IMAGE", help="An image file, or its http or https address.")]
Kind = Annotated[str, Argument(metavar="KIND", help="A kind of operation, such as text-to-image.")]
Out = Annotated[
    Path | None, Option("--out", "-o", metavar="DIR", help="Copy the files there too.", rich_help_panel=WHAT)
]
SOME = 5
NOT_REAL = {
    "stand-in": "stand-in: it only imitates what was asked for",
    "test": "test: it does what its inputs say",
}
SUFFIXES = {"jpeg": ".jpg", "mpeg": ".mp3", "gltf-binary": ".glb"}


@command(app)
async def generate(prompt: Prompt, asking: Asking, session: CommandSession, out: Out = None) -> Report:
    """Make an image from words."""
    return await _perform(asking.request("text-to-image", session, {"prompt": prompt}), session, out)


@command(app)
async def run(kind: Kind, asking: Asking, session: CommandSession, out: Out = None) -> Report:
    """Do any kind of operation, given its inputs and files."""
    return await _perform(asking.request(kind, session), session, out)


@command(app)
async def cancel(id: OperationId, session: CommandSession, account: Owner = None, reason: Why = "") -> Report:
    """Stop an operation, or all of a batch, at its provider.

    An operation that is stopped is released, and nothing is charged. One that has ended, or cannot be stopped, stays as
    it is.
    """

    async with session.studio() as studio:
        owner = account or await studio.operations.account_of(id)
        result = await studio.operations.cancel(id, account=owner, reason=reason)
    return Report(result_document(result, {}), lambda page: _show_cancelled(page, result))


@command(app)
async def estimate(kind: Kind, asking: Asking, session: CommandSession) -> Report:
    """Say what an operation would cost; nothing is recorded.

    The limits are asked too: whether it would be admitted now, and what is left of them.
    """
    request = asking.request(kind, session)
    async with session.studio(writes=False) as studio:
        found = await studio.operations.estimate(request)
    code = EXIT_CODES[ErrorKind.REFUSED] if found.refused == "unpriced" else 0
    return Report(estimate_document(found), lambda page: _show_estimate(page, found), code)


async def _perform(request: Request, session: CommandSession, out: Path | None) -> Report:
    if out is not None:
        make_out_folder(out)
    async with session.studio() as studio:
        with session.progress(request.kind) as report:
            try:
                result = await studio.operations.run(request, report)
            except asyncio.CancelledError:
                note("stopping: what was sent is being settled; Ctrl-C again leaves it to: imagestudio recover")
                raise
    warn_of_rerouting(result, session)
    copies = copied(result, out) if out is not None else {}
    return Report(result_document(result, copies), lambda page: show_result(page, result, copies), exit_code(result))


def warn_of_rerouting(result: Result, session: CommandSession) -> None:
    """Another model than the first did it, at its price."""
    for moved in result.rerouted:
        session.warn(f"rerouted: {moved}", "name a model with --model to have no other asked")


def exit_code(result: Result) -> int:
    """An operation that is still open elsewhere has no answer yet; one whose every output was lost has failed."""
    if result.assets:
        return 0
    if result.lost:
        return EXIT_CODES[ErrorKind.FAILED]
    return 0 if result.status == "charged" else EXIT_CODES[ErrorKind.PENDING]


def make_out_folder(out: Path) -> None:
    """Before anything is paid."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput("--out", f"{out} cannot be a folder: {error.strerror}") from error


def copied(result: Result, out: Path) -> dict[tuple[str, int], Path]:
    """The copy of each output, by operation and place; names sort as the outputs do, and are the same for a repeat."""
    copies = {}
    for one in result.operations:
        for place, output in enumerate(one.outputs):
            path = out / f"{one.operation}-{place + 1}{_suffix(output.media_type)}"
            try:
                output.copy_to(path)
            except OSError as error:
                hint = f"it is kept in {output.path}" if output.path else ""
                raise InvalidInput("--out", f"{path} cannot be written: {error.strerror}", hint=hint) from error
            copies[one.operation, place] = path
    return copies


def _suffix(media_type: str) -> str:
    subtype = media_type.rpartition("/")[2]
    return SUFFIXES.get(subtype, f".{subtype}")


def show_result(page: Page, result: Result, copies: Mapping[tuple[str, int], Path]) -> None:
    """The work that was done, what it cost, and where the files are."""
    if result.repeated:
        page.title("Done before under this key; nothing was done or charged again")
    elif result.lost and not result.assets:
        page.title(f"Nothing could be kept: {lost_text(result.lost, result.losses)}")
    else:
        page.title(f"Charged {result.price}" if result.price.micros else result.status.capitalize())
    rows = [
        ("operation", result.operation),
        ("model", f"{result.model} ({result.provider})"),
        *_standing_in(result.model_class),
        *(("rerouted", str(moved)) for moved in result.rerouted),
        ("price", amount_text(result.price, result.price_source)),
        ("cost", amount_text(result.cost, result.cost_source, partial=result.cost_partial)),
    ]
    if len(result.assets) < result.asked:
        lost = f"; {lost_text(result.lost, result.losses)}" if result.lost else ""
        rows.append(("delivered", f"{len(result.assets)} of {result.asked}{lost}"))
    if result.unlike:
        rows.append(("unlike", f"{unlike_text(result.unlike)}; see: imagestudio operation {result.operation}"))
    if result.left:
        rows.append(("left", left_text(result.left, result.price.currency)))
    page.pairs([*rows, *result.metadata.items(), *warned(result.warnings)])
    if len(result.operations) > 1:
        page.line()
        _show_operations(page, result)
    page.line()
    for one in result.operations:
        for place, output in enumerate(one.outputs):
            page.line(f"  {described(output.asset)}")
            page.line(f"  {copies.get((one.operation, place)) or output.path or ''}", "cyan")


def _standing_in(model_class: str | None) -> list[tuple[str, str]]:
    """A model that is not a real one is named so wherever its work is."""
    words = NOT_REAL.get(model_class or "")
    return [("class", words)] if words else []


def _show_cancelled(page: Page, result: Result) -> None:
    page.title("Cancelled; nothing is charged")
    page.pairs(
        [
            ("operation", result.operation),
            ("model", f"{result.model} ({result.provider})"),
            ("left", left_text(result.left, result.price.currency)),
        ]
    )
    if len(result.operations) > 1:
        page.line()
        _show_operations(page, result)


def _show_operations(page: Page, result: Result) -> None:
    from infrastructure.cli.rendering import PageColumn, amounts, state_style

    page.table(
        PageColumn("OPERATION", [one.operation for one in result.operations]),
        PageColumn("STATE", [one.status for one in result.operations], style=state_style),
        PageColumn("FILES", [str(len(one.outputs)) for one in result.operations], right=True, drop=2),
        amounts("PRICE", [one.price for one in result.operations]),
        amounts("COST", [one.cost for one in result.operations], drop=1),
    )


def amount_text(amount: Money | None, source: str | None, *, partial: bool = False) -> str:
    """An amount and how it is known; a sum with parts that are not is at least what is."""
    if amount is None:
        return "unknown"
    least = "at least " if partial else ""
    return f"{least}{amount}" + (f" ({source})" if source is not None else "")


def _show_estimate(page: Page, found: Estimate) -> None:
    from application.asking.refusals import ADVICE
    from infrastructure.showing.hints import in_shell

    if found.refused == "unpriced":
        page.title("It would be refused: the price is not known, and the account has no cap for such operations")
        page.line(f"  {in_shell(ADVICE['unpriced'])}", "dim")
    elif found.price is None:
        page.title(f"The price is not known; at most {found.held} would be held")
    else:
        page.title(f"{found.price} would be held")
    unknown = "unknown" if found.price is None else f"another for each {found.unit}"
    rate = f"{found.rate} {found.currency} per {found.unit}" if found.rate is not None else unknown
    verdict = "admitted" if found.refused is None else f"refused: {found.refused}"
    page.pairs(
        [
            ("model", f"{found.model} ({found.provider})"),
            *_standing_in(found.model_class),
            ("rate", rate),
            ("units", f"{found.units} × {found.unit}, {counted(found.operations, 'operation')}"),
            ("price", _priced(found)),
            ("cost", amount_text(found.cost, _source(found, found.cost_source))),
            *_quoted(found),
            ("price book", found.price_book),
            ("now", f"it would be {verdict}"),
            ("left", left_text(found.left, found.currency)),
            *warned(found.warnings),
        ]
    )
    show_chain(page, found.chain)


def show_chain(page: Page, chain: Sequence[Candidate]) -> None:
    """Who would be asked one after the other, and who not, by reason."""
    from infrastructure.cli.rendering import PageColumn

    asked = [one for one in chain if not one.skipped]
    page.line()
    page.line("Asked in this order, each if the one before definitely refuses:", "dim")
    page.table(
        PageColumn("MODEL", [one.model for one in asked]),
        PageColumn("PROVIDER", [one.provider for one in asked]),
        PageColumn("CLASS", [one.model_class for one in asked]),
        PageColumn("PRICE", ["unknown" if one.price is None else str(one.price) for one in asked], right=True),
    )
    reasons: dict[str, list[str]] = {}
    for one in chain:
        if one.skipped:
            reasons.setdefault(one.skipped, []).append(one.model)
    if reasons:
        page.line()
        page.line("Not asked:", "dim")
        page.pairs([(counted(len(models), "model"), f"{why}: {_some(models)}") for why, models in reasons.items()])


def _some(models: Sequence[str]) -> str:
    return ", ".join(models[:SOME]) + (" …" if len(models) > SOME else "")


def warned(warnings: Sequence[str]) -> list[tuple[str, str]]:
    return [("warning", warning) for warning in warnings]


def _priced(found: Estimate) -> str:
    """The charge that is expected; if nobody knows it, at most the cap, if there is one."""
    if found.price is not None:
        return amount_text(found.price, _source(found, found.price_source))
    return f"unknown, at most {found.held}" if found.held is not None else "unknown"


def _source(found: Estimate, source: str) -> str:
    """How an amount is known, told apart from what a provider quotes for this very request."""
    return "by the price book" if source == "quoted" and found.listed is None else source


def _quoted(found: Estimate) -> list[tuple[str, str]]:
    """The provider's own quote if it gave one, beside the price that the price book has."""
    if found.listed is None:
        return []
    return [("quoted", f"{found.cost} by the provider; the price book says {found.listed}")]


def left_text(left: Mapping[str, int | None], currency: str) -> str:
    """The rest of each limit, in one line."""
    parts = [f"{measure} {limit_of(measure, limit, currency)}" for measure, limit in left.items()]
    return " · ".join(part.replace(" ", TOGETHER) for part in parts)


def described(asset: Asset) -> str:
    """A file in words: its type, pixels, seconds and bytes."""
    parts: Sequence[str] = (
        asset.media_type,
        f"{asset.width}×{asset.height}" if asset.width and asset.height else "",
        f"{asset.duration_ms / 1000:g} s" if asset.duration_ms else "",
        size(asset.size),
    )
    return ", ".join(part for part in parts if part)
