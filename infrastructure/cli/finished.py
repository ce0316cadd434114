"""The part that the commands for finished pictures and films share: an estimate of all, or every file before and
after."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.counts import counted
from domain.meaning import Kind as ErrorKind
from infrastructure.cli.commands import Report
from infrastructure.cli.failures import note
from infrastructure.cli.files import not_written
from infrastructure.cli.options import file_of
from infrastructure.cli.run import exit_code, make_out_folder, suffix_of
from infrastructure.cli.serving import show_advised
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import EXIT_CODES
from infrastructure.showing.finishing import advised_set_document, finished_document
from infrastructure.showing.formats import size

if TYPE_CHECKING:
    from application.studios.finishing import AdvisedSet, FinishedFile, FinishedSet
    from infrastructure.cli.rendering import Page


LONGEST = 30
"""Letters of a name on a page."""


async def as_finished(
    session: CommandSession,
    what: str,
    named: Sequence[str],
    options: Mapping[str, Any],
    out: Path | None,
    *,
    estimate: bool,
) -> Report:
    """Have the service of that name, such as "video.edit", do it, and copy what was made; or say what it would cost."""
    files, service = [file_of(one) for one in named], attrgetter(what)
    if estimate:
        async with session.studio(writes=False) as studio:
            found = await service(studio.services).estimate(*files, **options)
        return Report(advised_set_document(found), lambda page: _show_advised(page, found))
    if out is not None:
        make_out_folder(out)
    async with session.studio() as studio:
        with session.progress(what.replace(".", " ")) as report:
            try:
                done = await service(studio.services)(*files, progress=report, **options)
            except asyncio.CancelledError:
                note("stopping: what was sent is being settled; Ctrl-C again leaves it to: imagestudio recover")
                raise
    copies = _copied(done, out, Path(named[0]).stem if what.endswith("social") else "") if out is not None else {}
    return Report(finished_document(done, copies), lambda page: _show(page, done, copies), _code(done))


def _copied(done: FinishedSet, out: Path, stem: str) -> dict[str, Path]:
    """The copy of each file, by operation, under its own name and never over another file."""
    copies = {}
    for one in done.files:
        if one.operation and one.operation.outputs:
            output = one.operation.outputs[0]
            name = f"{stem}-{one.name}" if stem else Path(one.name).stem
            path = _free(out, name, suffix_of(output.media_type))
            try:
                output.save_to(path)
            except OSError as error:
                hint = f"it is kept in {output.where}"
                raise not_written(error, path, "--out", hint) from error
            copies[one.operation.operation] = path
    return copies


def _free(out: Path, name: str, suffix: str) -> Path:
    """A name in the folder that no file has yet."""
    path, number = out / f"{name}{suffix}", 2
    while path.exists():
        path, number = out / f"{name}-{number}{suffix}", number + 1
    return path


def _code(done: FinishedSet) -> int:
    """The first code that is not 0: a file that failed, or whose result is still open."""
    codes = [EXIT_CODES[one.error.kind] for one in done.files if one.error is not None]
    codes += [exit_code(result) for result in done.results]
    if any(one.operation is not None and not one.operation.outputs for one in done.files):
        codes.append(EXIT_CODES[ErrorKind.FAILED])
    return next((code for code in codes if code), 0)


def _show(page: Page, done: FinishedSet, copies: Mapping[str, Path]) -> None:
    from infrastructure.cli.rendering import PageColumn

    price, moves = done.price, any(one.lasted or one.lasts for one in done.files)
    page.title(f"Charged {price}" if price is not None and price.micros else counted(len(done.files), "file"))
    page.table(
        PageColumn("NAME", [_named(one) for one in done.files]),
        PageColumn("PIXELS", [_pixels(one) for one in done.files], right=True),
        *([PageColumn("SECONDS", [_seconds(one) for one in done.files], right=True, drop=2)] if moves else ()),
        PageColumn("BEFORE", [_bytes(one.before) for one in done.files], right=True, drop=3),
        PageColumn("AFTER", [_bytes(one.after) for one in done.files], right=True),
        PageColumn("", [_ratio(one) for one in done.files], right=True, drop=4),
        PageColumn("WHERE", [_where(one, copies) for one in done.files], wrap=40, drop=1),
    )
    if done.notes:
        page.line()
        page.pairs([("note", text) for text in done.notes])


def _named(one: FinishedFile) -> str:
    """The name, of which the middle is left out if it is long."""
    return one.name if len(one.name) <= LONGEST else f"{one.name[: LONGEST // 2]}…{one.name[-LONGEST // 2 + 1 :]}"


def _pixels(one: FinishedFile) -> str:
    asset = one.operation.outputs[0].asset if one.operation and one.operation.outputs else None
    return f"{asset.width} x {asset.height}" if asset and asset.width else ""


def _seconds(one: FinishedFile) -> str:
    """Before and after; once if that is the same."""
    lengths = [f"{length / 1000:.1f}" for length in (one.lasted, one.lasts) if length is not None]
    return " -> ".join(dict.fromkeys(lengths)) if one.lasts is not None else ""


def _bytes(amount: int | None) -> str:
    return "" if amount is None else size(amount)


def _ratio(one: FinishedFile) -> str:
    return "" if one.after is None or not one.before else f"{round(100 * one.after / one.before)} %"


def _where(one: FinishedFile, copies: Mapping[str, Path]) -> str:
    if one.error is not None:
        return one.error.message
    if one.operation is None or not one.operation.outputs:
        return one.operation.reason if one.operation else ""
    return str(copies.get(one.operation.operation) or one.operation.outputs[0].path or "")


def _show_advised(page: Page, found: AdvisedSet) -> None:
    if len(found.parts) == 1:
        show_advised(page, found.parts[0])
        return
    page.title("The price is not known" if found.price is None else f"{found.price} would be held for all")
    models = sorted({one.recommendation.model for one in found.parts})
    page.pairs([("files", str(len(found.parts))), ("model", ", ".join(models))])
