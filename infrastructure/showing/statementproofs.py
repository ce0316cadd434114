"""A statement with its proof as one document, both ways: it is handed on, and read again by whoever checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from application.keeping.statementproof import FIELDS, SealedEntry, StatementProof
from domain.errors import InvalidInput
from infrastructure.showing.seals import inclusion_document, read_inclusion, read_signed, signed_document
from infrastructure.texts import json_of_file


def proved_document(statement: Mapping[str, Any], proof: StatementProof) -> dict[str, Any]:
    """The statement as it was issued, without what it cost us, and what proves it."""
    return {
        **{field: statement[field] for field in FIELDS},
        "proof": {
            "seal": signed_document(proof.seal),
            "stream": inclusion_document(proof.inclusion),
            "before": proof.before.hex(),
            "entries": [
                {"topic": one.topic, "operation": one.operation, "actor": one.actor, "state": one.state}
                for one in proof.entries
            ],
        },
    }


def read_proved(text: str) -> tuple[dict[str, Any], StatementProof]:
    """Such a document and the proof that is in it. Raises InvalidInput."""
    try:
        document: Any = json_of_file(text)
    except ValueError as error:
        raise InvalidInput("statement", "is no JSON", hint="give the document that proves it, whole") from error
    match document:
        case {"proof": {"seal": seal, "stream": stream, "before": str(before), "entries": [*entries]}}:
            try:
                start = bytes.fromhex(before)
            except ValueError as error:
                raise InvalidInput("proof", "holds what is no hash") from error
            told = tuple(map(_read_entry, entries))
            return document, StatementProof(read_signed(seal), read_inclusion(stream), start, told)
    raise InvalidInput("statement", "is none with a proof", hint="give the document that proves it, whole")


def _read_entry(document: object) -> SealedEntry:
    match document:
        case {"topic": str(topic), "operation": str() | None as operation, "actor": str(actor), "state": str(state)}:
            return SealedEntry(topic, operation, actor, state)
    raise InvalidInput("proof", "holds what is no entry of the log")
