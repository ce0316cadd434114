"""Seals: the keys that sign them, the proof that an account is in one, and its check without a database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import handed_text
from infrastructure.cli.options import Account
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import iso
from infrastructure.texts import json_of_file

if TYPE_CHECKING:
    from application.keeping.seals import Inclusion, SignedSeal
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app)
async def keys(session: CommandSession) -> Report:
    """Print the public keys that seals are checked with, the newest first.

    Keep them where seals are checked. The private ones are IMAGESTUDIO_SEAL_KEYS, or a file beside the ledger.
    """
    async with session.studio() as studio:
        found = await asyncio.to_thread(studio.seals.public_keys)
    return Report({"keys": found}, lambda page: _list(page, found))


@command(app)
async def keep(session: CommandSession) -> Report:
    """Seal the log now, signed, and keep the seal where the settings say.

    IMAGESTUDIO_SEAL_FILE names a file on another disk, IMAGESTUDIO_SEAL_URL an address. A service does it by itself.
    """
    from infrastructure.cli.turns import turns_report
    from infrastructure.shards.turns import each_in_turn_blocking
    from infrastructure.showing.seals import signed_document

    async with session.studio() as studio:
        found = await each_in_turn_blocking(studio.by_shard, lambda one: one.seals.take())
    if not found.several:
        return Report(signed_document(found.done[""]), lambda page: _show_signed(page, found.done[""]))
    return turns_report(found, signed_document, lambda page, shard, one: _show_signed(page, one, f" of shard {shard}"))


@command(app)
async def prove(session: CommandSession, account: Account = None) -> Report:
    """Print the proof that an account's log is in a new seal, as JSON.

    Whoever has it and a public key checks it without us: imagestudio seals verify FILE --public KEY.
    """
    from infrastructure.showing.seals import proof_document

    async with session.studio() as studio:
        whose = (await studio.accounts.show(session.account(account))).id
        seals = (await asyncio.to_thread(studio.ledger_of, whose)).seals
        signed = await asyncio.to_thread(seals.take)
        found = await asyncio.to_thread(seals.prove, signed.seal, whose)
    document = proof_document(signed, found.values())
    return Report(document, lambda page: page.document(document))


@command(app)
async def verify(
    session: CommandSession,  # noqa: ARG001
    file: Annotated[Path, Argument(help="A proof, or seals, one a line.")],
    public: Annotated[list[str], Option("--public", metavar="KEY", help="A public key; may be repeated.")],
) -> Report:
    """Verify seals, or a proof, with public keys alone.

    It needs no database. Ends with 6 if a signature or a proof does not hold.
    """
    from infrastructure.sealing import PublicKeys

    seals, proofs = _read(file)
    checker = PublicKeys.of(public)
    for signed in seals:
        signed.check(checker)
    for proof in proofs:
        proof.check(seals[-1].seal)
    document: dict[str, Any] = {"seals": len(seals), "streams": [proof.end.stream for proof in proofs], "holds": True}
    return Report(document, lambda page: _show_verified(page, seals, proofs))


def _read(file: Path) -> tuple[list[SignedSeal], list[Inclusion]]:
    """The seals of a file, and the proofs that streams are in the last. Raises InvalidInput."""
    from infrastructure.showing.seals import read_inclusion, read_lines, read_signed

    text = handed_text(file)
    try:
        document = json_of_file(text)
    except ValueError:
        document = None
    if isinstance(document, dict) and "proofs" in document:
        proofs = document["proofs"]
        if not isinstance(proofs, list):
            raise InvalidInput("FILE", f"{file} holds no proofs")
        return [read_signed(document.get("seal"))], [read_inclusion(one) for one in proofs]
    if isinstance(document, dict) and isinstance(document.get("shards"), dict):
        return [read_signed(one) for one in document["shards"].values()], []
    seals = read_lines(text, str(file))
    if not seals:
        raise InvalidInput("FILE", f"{file} holds no seal")
    return seals, []


def _show_signed(page: Page, signed: SignedSeal, of: str = "") -> None:
    page.title(f"The log{of} is sealed up to position {signed.seal.position}")
    page.pairs(
        [
            ("at", iso(signed.at)),
            ("streams", f"{signed.seal.streams:,}"),
            ("root", signed.seal.root),
            ("signed by", signed.key),
        ]
    )


def _list(page: Page, lines: list[str]) -> None:
    for line in lines:
        page.line(line)


def _show_verified(page: Page, seals: list[SignedSeal], proofs: list[Inclusion]) -> None:
    last = seals[-1]
    told = f"{counted(len(seals), 'seal')}, signed as they say"
    if proofs:
        told = f"{counted(len(proofs), 'stream')} of the log, as sealed"
    page.title(told)
    page.line(f"  the newest of position {last.seal.position} at {iso(last.at)}", "dim")
