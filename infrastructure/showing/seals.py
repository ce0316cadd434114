"""Signed seals and proofs as JSON, both ways: what is handed on is read again by whoever checks it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from application.keeping.ends import Seal, StreamEnd
from application.keeping.seals import Inclusion, SignedSeal
from application.keeping.watch import WatchStanding
from application.ledger.positions import Positions
from domain.errors import InvalidInput
from infrastructure.showing.formats import instant_of, iso
from infrastructure.texts import json_of_file


def signed_document(signed: SignedSeal) -> dict[str, Any]:
    """A signed seal; the instant to the microsecond, as it is signed."""
    return {
        "ledger": signed.ledger,
        "position": signed.seal.position,
        "streams": signed.seal.streams,
        "root": signed.seal.root,
        "at": iso(signed.at, precision="microseconds"),
        "key": signed.key,
        "signature": base64.b64encode(signed.signature).decode(),
    }


def inclusion_document(one: Inclusion) -> dict[str, Any]:
    """The proof that a stream is in a seal."""
    return {
        "stream": one.end.stream,
        "version": one.end.version,
        "hash": one.end.hash.hex(),
        "index": one.index,
        "path": [beside.hex() for beside in one.path],
    }


def watch_document(watch: WatchStanding) -> dict[str, Any]:
    """How far the log was verified, by whichever process: up to `verified` in whole, `reading` is where it is now."""
    ended = iso(watch.at) if watch.at else None
    return {**_reached(watch), "problems": list(watch.problems), "by": watch.owner or None, "ended": ended}


def watch_summary(watch: WatchStanding) -> dict[str, Any]:
    """The same without names, for whoever asks without a key."""
    return {**_reached(watch), "problems": len(watch.problems)}


def _reached(watch: WatchStanding) -> dict[str, Any]:
    """In positions of the log; of several their sums, and `shards` tells of each."""
    told: dict[str, Any] = {"verified": int(watch.verified), "reading": int(watch.position)}
    if isinstance(watch.verified, Positions) and isinstance(watch.position, Positions):
        each = {
            name: {"verified": watch.verified.logs[name], "reading": at} for name, at in watch.position.logs.items()
        }
        told["shards"] = each
    return told


def proof_document(signed: SignedSeal, proofs: Iterable[Inclusion]) -> dict[str, Any]:
    """A seal, and the proofs that streams are in it: all that is needed beside a public key."""
    return {"seal": signed_document(signed), "proofs": [inclusion_document(one) for one in proofs]}


def read_signed(document: object) -> SignedSeal:
    """The signed seal of a document. Raises InvalidInput."""
    match document:
        case {
            "ledger": str(ledger),
            "position": int(position),
            "streams": int(streams),
            "root": str(root),
            "at": str(at),
            "key": str(key),
            "signature": str(signature),
        }:
            seal = Seal.parse(f"{position}:{streams}:{root}")
            return SignedSeal(ledger, seal, instant_of(at), key, _decoded(signature))
    raise InvalidInput("seal", "is no signed seal", hint="give a line as 'seal' wrote it")


def read_inclusion(document: object) -> Inclusion:
    """The proof of a document. Raises InvalidInput."""
    match document:
        case {"stream": str(stream), "version": int(version), "hash": str(hash), "index": int(index), "path": [*path]}:
            try:
                beside = tuple(bytes.fromhex(str(one)) for one in path)
                return Inclusion(StreamEnd(stream, version, bytes.fromhex(hash)), index, beside)
            except ValueError as error:
                raise InvalidInput("proof", "holds what is no hash") from error
    raise InvalidInput("proof", "is no proof that a stream is in a seal")


def read_lines(text: str, where: str) -> list[SignedSeal]:
    """Signed seals, one a line. Raises InvalidInput, which names the line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(read_signed(json_of_file(line)))
            except (ValueError, InvalidInput) as error:
                raise InvalidInput(where, f"line {number} is no signed seal") from error
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InvalidInput("seal", "its signature is not base64") from error
