"""Requests as bodies: JSON, or a form with the files beside it, streamed from where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from application.asking.requests import File, Request, Variant
from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.client.wire import Body
from infrastructure.showing.formats import document

ASKED: Final = "request"
"""The field of a form that has the request as JSON."""
BINARY: Final = "application/octet-stream"


def body_of(request: Request) -> Body:
    """The body of a request, to be made anew for each try. Raises InvalidInput for what cannot be sent."""
    named, brought = _parted(request.media)
    told = {**_fields(request), "media": named}
    if not brought:
        return sent_as_json(told)
    text = msgspec.json.encode(told).decode()
    return lambda stack: {"data": {ASKED: text}, "files": [_part(stack, *one) for one in brought]}


def sent_as_json(fields: Mapping[str, Any]) -> Body:
    """A document as a body."""
    return lambda _stack: {"json": fields}


def form_of(name: str, file: File) -> Body:
    """One file as a form. Raises InvalidInput if it is neither bytes nor a path."""
    if isinstance(file, str):
        raise InvalidInput(name, "is an address, and only a file can be brought", hint="give bytes or a Path")
    return lambda stack: {"files": [_part(stack, name, file)]}


def _fields(request: Request) -> dict[str, Any]:
    """All of a request that is said in words. Raises InvalidInput for what only the studio itself takes."""
    if request.by is not None:
        raise InvalidInput("by", "a service names the key that asks", hint="leave it out, or use a key of theirs")
    if request.wishes is not None or any(isinstance(one, Variant) for one in request.each):
        raise InvalidInput("wishes", "are not taken by a service", hint="give the model's own inputs")
    price = request.max_price
    return {
        "kind": request.kind,
        "inputs": _plain(request.inputs),
        "model": request.model,
        "n": request.n,
        "user": request.user,
        "project": request.project,
        "allow": [request.allow] if isinstance(request.allow, str) else list(request.allow),
        "max_price": _priced(price) if isinstance(price, Money) else None if price is None else str(price),
        "each": [_plain(one) for one in request.each if not isinstance(one, Variant)],
        "on_limit": request.on_limit,
        "priority": request.priority,
        "quote": request.quote,
        "tags": dict(request.tags),
    }


def _priced(price: Money) -> dict[str, str]:
    return {"amount": document(price)["amount"], "currency": price.currency}


def _plain(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: format(one, "f") if isinstance(one, Decimal) else one for name, one in inputs.items()}


def _parted(media: Mapping[str, Sequence[File]]) -> tuple[dict[str, list[str]], list[tuple[str, bytes | Path]]]:
    """Addresses by input, and the files to be sent. Raises InvalidInput for an input that has some of both."""
    named: dict[str, list[str]] = {}
    brought: list[tuple[str, bytes | Path]] = []
    for name, files in media.items():
        texts = [one for one in files if isinstance(one, str)]
        sent = [(name, one) for one in files if not isinstance(one, str)]
        if texts and sent:
            told = "has files and addresses, whose order would be lost"
            raise InvalidInput(name, told, hint="bring the files with studio.library.add, and name each asset:ID")
        if texts:
            named[name] = texts
        brought += sent
    return named, brought


def _part(stack: ExitStack, name: str, file: bytes | Path) -> tuple[str, tuple[str, Any, str]]:
    """One file of a form, open for as long as the stack is. Raises InvalidInput."""
    if isinstance(file, bytes):
        return name, (name, file, BINARY)
    try:
        return name, (file.name, stack.enter_context(file.open("rb")), BINARY)
    except OSError as error:
        raise InvalidInput(name, f"{file} cannot be read: {error.strerror}", hint="name a file that can be") from error
