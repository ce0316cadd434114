"""Seals of a ledger's log: taken, signed, kept outside the database, and shown to hold what is in them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import httpx

from application.keeping.chains import ChainReader, take_seal
from application.keeping.ends import Seal
from application.keeping.seals import Inclusion, SignedSeal, inclusions, signed_seal
from application.keeping.statementproof import StatementProof, statement_proof
from application.keeping.watch import LogWatch, WatchBook
from application.ledger.reader import StreamReader
from domain.errors import InvalidInput, UnknownAccount
from domain.ledger import account_stream
from infrastructure.sealfiles import SealFile, kept_seals
from infrastructure.settings import Settings
from infrastructure.store.identity import established_id
from infrastructure.store.watchbook import SqlWatchBook

if TYPE_CHECKING:
    from infrastructure.assembly import Assembly
    from infrastructure.sealing import SealKey

LOGGER = logging.getLogger("imagestudio")
PATIENCE = 10.0
"""Seconds that whoever is sent a seal has to take it."""


class SealedLog(ChainReader, StreamReader, Protocol):
    """The log by its chains, and stream by stream."""


@dataclass(frozen=True, slots=True)
class Seals:
    """All of it blocks. `ledger` is the ledger's id, asked when it is needed."""

    settings: Settings
    reader: SealedLog
    ledger: Callable[[], str]
    clock: Callable[[], int]
    book: WatchBook
    watch: LogWatch = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "watch", LogWatch(self.reader, self._kept_seals, self._keep_if_newer, self.book))

    def public_keys(self) -> list[str]:
        """The keys that seals are checked with, the newest first. Raises InvalidInput, StoreUnavailable."""
        return [key.public for key in signing_keys(self.settings)]

    def take(self) -> SignedSeal:
        """A signed seal of the log as it is, kept where the settings say. Raises LogCorrupted, StoreUnavailable."""
        return self.keep(take_seal(self.reader))

    def keep(self, seal: Seal) -> SignedSeal:
        """Sign a seal, put it into the file, and send it to the address, as far as the settings name them.

        Raises InvalidInput, StoreUnavailable if the file cannot be written. Whoever is sent it and does not take it is
        told of in the service's log: the file has it.
        """
        signed = signed_seal(seal, self.ledger(), self.clock(), signing_keys(self.settings)[0])
        if self.settings.seal_file is not None:
            SealFile(self.settings.seal_file).append(signed)
        if self.settings.seal_url:
            _send(self.settings.seal_url, signed)
        return signed

    def kept(self) -> list[SignedSeal]:
        """Those of the file, the newest last; none if no file is named. Raises InvalidInput, StoreUnavailable."""
        return kept_seals(self.settings)

    def prove(self, seal: Seal, account: str) -> Mapping[str, Inclusion]:
        """The proofs that an account's streams are in a seal, by stream.

        Raises UnknownAccount if none was there then, SealBroken if the log is not what was sealed, LogCorrupted.
        """
        found = inclusions(self.reader, seal, account)
        if not found:
            raise UnknownAccount(f"account {account!r} was not there when the log was sealed")
        return found

    def _kept_seals(self) -> list[Seal]:
        return [signed.seal for signed in self.kept()]

    def _keep_if_newer(self, seal: Seal) -> None:
        if self.settings.seal_file is None and not self.settings.seal_url:
            return
        kept = self.kept()
        if not kept or kept[-1].seal.position < seal.position:
            self.keep(seal)


def seals_of(made: Assembly) -> Seals:
    """Seals of an open studio's log."""
    book = SqlWatchBook(made.database, made.owner, made.clock)
    return Seals(made.settings, made.reader, partial(established_id, made.database), made.clock, book)


def of_statement(seals: Seals, account: str, number: str) -> StatementProof:
    """The proof, by a new seal, that a statement was issued; blocks.

    Raises UnknownStatement, UnknownAccount, LogCorrupted, StoreUnavailable.
    """
    signed = seals.take()
    stream = account_stream(account)
    return statement_proof(seals.reader, signed, seals.prove(signed.seal, account)[stream], number)


def signing_keys(settings: Settings) -> Sequence[SealKey]:
    """The keys of seals, the first of which signs. Raises InvalidInput, StoreUnavailable."""
    try:
        from infrastructure.sealing import seal_keys_of
    except ImportError as error:
        hint = "install it: pip install 'image-studio[seals]'"
        raise InvalidInput("IMAGESTUDIO_SEAL_KEYS", "signing needs the package cryptography", hint=hint) from error
    return seal_keys_of(settings)


def _send(address: str, signed: SignedSeal) -> None:
    from infrastructure.showing.seals import signed_document

    try:
        httpx.post(address, json=signed_document(signed), timeout=PATIENCE).raise_for_status()
    except httpx.HTTPError as error:
        LOGGER.warning("the seal of position %d was not taken by its receiver: %s", signed.seal.position, error)
