"""Signed seals: the log's seal with its ledger, instant and signature, and the proof that a stream is in it.

    log ── take_seal ──> Seal ── signed by a key of ours ──> SignedSeal ── kept outside: a file, an address
                                                                │
    an account's stream ── path to the root ──> Inclusion ──────┘   both together: checked with the public key alone

Whoever has a signed seal and the public key needs neither the database nor us to check what is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from application.keeping.chains import ChainReader, sealed_ends
from application.keeping.ends import Seal, SealBroken, StreamEnd
from domain.merkle import path_to, root_by
from domain.streams import account_of


class SealSigner(Protocol):
    """Signs seals; `name` tells which of several keys it is, and nothing of it."""

    @property
    def name(self) -> str: ...

    def sign(self, text: bytes) -> bytes: ...


class SealChecker(Protocol):
    """Knows public keys by their names."""

    def holds(self, name: str, text: bytes, signature: bytes) -> bool:
        """Whether the key of this name signed the text. Raises InvalidInput if there is no such key."""


@dataclass(frozen=True, slots=True)
class SignedSeal:
    """A seal of the ledger `ledger` at `at`, in microseconds; `signature` is that of the key named `key`."""

    ledger: str
    seal: Seal
    at: int
    key: str
    signature: bytes

    def check(self, checker: SealChecker) -> None:
        """Raises SealBroken if it was not signed so, InvalidInput if its key is not known."""
        if not checker.holds(self.key, _signed_text(self.ledger, self.seal, self.at, self.key), self.signature):
            raise SealBroken(f"the seal of position {self.seal.position} is not what key {self.key} signed")


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The proof that a stream ended so when it was sealed: its place among all, and the hashes up to the root."""

    end: StreamEnd
    index: int
    path: tuple[bytes, ...]

    def check(self, seal: Seal) -> None:
        """Raises SealBroken if it does not lead to the seal's root."""
        found = root_by(self.end.leaf, self.index, seal.streams, self.path)
        if found is None or found.hex() != seal.root:
            raise SealBroken(f"stream {self.end.stream} at version {self.end.version} is not in the seal")


def signed_seal(seal: Seal, ledger: str, at: int, signer: SealSigner) -> SignedSeal:
    """The seal, signed."""
    signature = signer.sign(_signed_text(ledger, seal, at, signer.name))
    return SignedSeal(ledger, seal, at, signer.name, signature)


def inclusions(reader: ChainReader, seal: Seal, account: str) -> Mapping[str, Inclusion]:
    """The proofs that an account's streams are in a seal of this log, by stream; none if it had none then.

    Raises SealBroken if the log is not what was sealed, LogCorrupted.
    """
    ends = sealed_ends(reader, seal.position)
    leaves = [end.leaf for end in ends]
    found = {}
    for place, end in enumerate(ends):
        if account_of(end.stream) == account:
            found[end.stream] = Inclusion(end, place, tuple(path_to(leaves, place)))
            found[end.stream].check(seal)
    return found


def _signed_text(ledger: str, seal: Seal, at: int, key: str) -> bytes:
    """The signed lines; a seal of another kind, ledger, instant or key is another text."""
    lines = ("image-studio seal 1", ledger, str(seal.position), str(seal.streams), seal.root, str(at), key)
    return "".join(f"{line}\n" for line in lines).encode()
