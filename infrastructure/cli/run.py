"""Operations: generate, run, cancel, and what they would cost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from domain.meaning import Kind as ErrorKind
from infrastructure.cli.commands import Report, command
from infrastructure.cli.estimatepages import show_estimate
from infrastructure.cli.failures import note
from infrastructure.cli.files import not_written
from infrastructure.cli.options import WHAT, Asking, OperationId, Owner, Why
from infrastructure.cli.resultpages import show_cancelled, show_result
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import EXIT_CODES
from infrastructure.showing.documents import estimate_document, result_document

if TYPE_CHECKING:
    from application.asking.requests import Request, Result

app = typer.Typer()

Prompt = Annotated[str, Argument(metavar="PROMPT", help="What you want, in words.")]
Image = Annotated[str, Argument(metavar="IMAGE", help="An image file, or its http or https address.")]
Kind = Annotated[str, Argument(metavar="KIND", help="A kind of operation, such as text-to-image.")]
Out = Annotated[
    Path | None, Option("--out", "-o", metavar="DIR", help="Copy the files there too.", rich_help_panel=WHAT)
]


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
    return Report(result_document(result, {}), lambda page: show_cancelled(page, result))


@command(app)
async def estimate(kind: Kind, asking: Asking, session: CommandSession) -> Report:
    """Say what an operation would cost; nothing is recorded.

    The limits are asked too: whether it would be admitted now, and what is left of them.
    """
    request = asking.request(kind, session)
    async with session.studio(writes=False) as studio:
        found = await studio.operations.estimate(request)
    code = EXIT_CODES[ErrorKind.REFUSED] if found.refused == "unpriced" else 0
    return Report(estimate_document(found), lambda page: show_estimate(page, found), code)


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
            path = out / f"{one.operation}-{place + 1}{suffix_of(output.media_type)}"
            try:
                output.save_to(path)
            except OSError as error:
                hint = f"it is kept in {output.where}"
                raise not_written(error, path, "--out", hint) from error
            copies[one.operation, place] = path
    return copies


def suffix_of(media_type: str) -> str:
    """The end of a file's name."""
    from infrastructure.media import extension

    return f".{extension(media_type)}"
