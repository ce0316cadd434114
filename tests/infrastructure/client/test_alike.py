"""One program, in this process and through a client: equal results, and equal errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.errors import InvalidInput
from imagestudio import Client, ImageStudioError, Money, Request
from infrastructure.blocking import BlockingStudio
from infrastructure.showing.documents import estimate_document, result_document
from tests.infrastructure.client.both import ACCOUNT, Either
from tests.wire.fake import media

ID = r"[0-9a-f-]{36}"
PICTURE = media.image(96, 64)
DRAWN: dict[str, Any] = {"model": "scripted-image", "account": ACCOUNT}
OF_ONE_RUN = {"id", "operation", "batch", "at", "period", "day", "path", "where", "asset", "digest", "size"}
"""Fields that tell one run from another."""
HIDDEN = {"cost", "cost_source", "cost_partial", "listed", "metadata", "api_key"}
"""What a customer's key is not shown, and what only the process that performed it knows."""


def alike(document: Any) -> Any:
    """A document without what tells one run from another, and without what is not shown to everybody."""
    if isinstance(document, dict):
        return {name: alike(one) for name, one in document.items() if name not in OF_ONE_RUN | HIDDEN}
    return [alike(one) for one in document] if isinstance(document, list) else document


def drawn(studio: Either) -> Any:
    return result_document(studio.operations.generate("a lake", **DRAWN))


def several(studio: Either) -> Any:
    asked = Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, n=3, **TAGGED)
    return result_document(studio.operations.run(asked))


def each_of_its_own(studio: Either) -> Any:
    asked = Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, each=({"prompt": "a"}, {"prompt": "b"}), **MODEL)
    return result_document(studio.operations.run(asked))


def edited(studio: Either) -> Any:
    return result_document(studio.operations.edit(PICTURE, "sepia", account=ACCOUNT, allow="stand-in"))


def edited_twice(studio: Either) -> Any:
    made = studio.operations.edit(PICTURE, "sepia", account=ACCOUNT, allow="stand-in")
    again = studio.operations.edit(made.assets[0].content, "sepia", account=ACCOUNT, allow="stand-in")
    return result_document(again)


def enlarged(studio: Either) -> Any:
    return result_document(studio.operations.upscale(PICTURE, account=ACCOUNT, allow="stand-in"))


def bounded(studio: Either) -> Any:
    return result_document(studio.operations.generate("a lake", max_price=Money.parse("0.04", "USD"), **DRAWN))


def repeated(studio: Either) -> Any:
    studio.operations.generate("a lake", key="once", **DRAWN)
    found = studio.operations.generate("a lake", key="once", **DRAWN)
    return [found.repeated, result_document(found)]


def looked_at(studio: Either) -> Any:
    begun = studio.operations.submit(Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, **TAGGED))
    waited = studio.operations.wait(begun.operation, account=ACCOUNT)
    looked = studio.operations.look(begun.operation, account=ACCOUNT)
    return [len(begun.operations), begun.repeated, result_document(waited), result_document(looked)]


def estimated(studio: Either) -> Any:
    return estimate_document(
        studio.operations.estimate(Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, **MODEL))
    )


def estimated_of_a_picture(studio: Either) -> Any:
    asked = Request("upscale", ACCOUNT, {}, {"image": [PICTURE]}, allow="stand-in")
    return estimate_document(studio.operations.estimate(asked))


def retagged(studio: Either) -> Any:
    """Tags that are given and taken away afterwards, and what cannot be."""
    made = studio.operations.generate("a lake", account=ACCOUNT, **TAGGED)
    given = studio.operations.tag(made.operation, {"team": "blue", "for": "us"}, remove=["run"], account=ACCOUNT)
    left = studio.operations.untag(made.operation, "for", "none", account=ACCOUNT)
    with pytest.raises(InvalidInput) as error:
        studio.operations.tag(made.operation, {"a=b": "c"}, account=ACCOUNT)
    return [dict(given), dict(left), error.value.field, error.value.message]


MODEL: dict[str, Any] = {"model": "scripted-image"}
TAGGED: dict[str, Any] = {**MODEL, "tags": {"team": "red, or so", "run": "7"}}
RESULTS: list[Callable[[Either], Any]] = [
    *(drawn, several, each_of_its_own, edited, edited_twice, enlarged, bounded, repeated, looked_at, retagged),
    *(estimated, estimated_of_a_picture),
]


@pytest.mark.parametrize("program", RESULTS)
def test_a_program_has_equal_results(program: Callable[[Either], Any], local: BlockingStudio, remote: Client) -> None:
    there, ours = alike(program(remote)), alike(program(local))
    for one in (*_flat(there), *_flat(ours)):
        one.pop("left", None)  # each account has used what its own programs used
    assert there == ours


def _flat(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield document
    for one in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from _flat(one)


def asked(kind: str = "text-to-image", inputs: Any = None, media: Any = None, **more: Any) -> Callable[[Either], Any]:
    """A program that asks for one operation."""
    request = Request(kind, more.pop("account", ACCOUNT), inputs or {"prompt": "a lake"}, media or {}, **more)
    return lambda studio: studio.operations.run(request)


def reused(studio: Either) -> Any:
    studio.operations.generate("a lake", key="mine", **DRAWN)
    return studio.operations.generate("another lake", key="mine", **DRAWN)


ERRORS: dict[str, Callable[[Either], Any]] = {
    "no such kind": asked("paint"),
    "no such model": asked(model="nobody-1"),
    "no such input": asked(inputs={"prompt": "a", "colour": "red"}, **MODEL),
    "a wrong price": asked(max_price="much", **MODEL),
    "another currency": asked(max_price=Money.parse("1", "EUR"), **MODEL),
    "too many": asked(n=2_000, **MODEL),
    "no picture": asked("upscale", {}, {"image": [b"hello"]}, model="local-canvas"),
    "no file": asked("upscale", {}, {"image": [Path("/nowhere/lake.png")]}, allow="stand-in"),
    "a refusal": asked(n=101, **MODEL),
    "a failure": asked(inputs={"prompt": "a lake", "outcome": "fail"}, **MODEL),
    "a reused key": reused,
    "no operation": lambda studio: studio.operations.look("nothing", account=ACCOUNT),
    "no operation to wait for": lambda studio: studio.operations.wait("nothing", account=ACCOUNT),
    "an exact price": asked(max_price=Decimal("0.01"), **MODEL),
}


@pytest.mark.parametrize("program", ERRORS.values(), ids=ERRORS)
def test_a_program_has_equal_errors(program: Callable[[Either], Any], local: BlockingStudio, remote: Client) -> None:
    with pytest.raises(ImageStudioError) as there:
        program(remote)
    with pytest.raises(ImageStudioError) as ours:
        program(local)
    assert told(there.value) == told(ours.value)
    assert bool(there.value.hint) == bool(ours.value.hint)


def told(error: ImageStudioError) -> Any:
    """All that an error tells; its hint is worded for a door."""
    refusal = getattr(error, "refusal", None)
    figures = (refusal.rule, refusal.measure, refusal.limit, refusal.asked, refusal.currency) if refusal else None
    return (
        type(error).code,
        error.kind,
        re.sub(ID, "ID", error.message),
        getattr(error, "field", None),
        hasattr(error, "operation"),
        figures,
    )
