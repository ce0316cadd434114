"""Whatever is looked for by a name that is no text is the caller's mistake, on any database and at any door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from domain.errors import InvalidRequest
from domain.meaning import Kind
from infrastructure.service import Studio
from tests.application.studios import SYNC, studio_on

LOOKED_FOR: dict[str, Callable[[Studio, str], Awaitable[Any]]] = {
    "account": lambda studio, name: studio.accounts.show(name),
    "new account": lambda studio, name: studio.accounts.open(name, plan="pro"),
    "operation": lambda studio, name: studio.operations.look(name, account="acme"),
    "operation to stop": lambda studio, name: studio.operations.cancel(name, account="acme"),
    "operation to refund": lambda studio, name: studio.upkeep.refund(name, account="acme", reason="no", reference="r"),
    "asset": lambda studio, name: studio.library.show("acme", name),
    "statement": lambda studio, name: studio.statements.show("acme", name),
    "API key": lambda studio, name: studio.keys.show("acme", name),
    "webhook": lambda studio, name: studio.webhooks.show("acme", name),
    "quote": lambda studio, name: studio.approvals.show("acme", name),
    "quote to approve": lambda studio, name: studio.approvals.give("acme", name),
    "quote to use": lambda studio, name: studio.operations.run(
        Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC, quote=name)
    ),
}


@pytest.mark.parametrize("name", ["a\x00b", "a\ud800b"], ids=["NUL", "half a pair"])
async def test_a_name_that_is_no_text_is_the_callers_mistake(database_url: str, tmp_path: Path, name: str) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        for what, look in LOOKED_FOR.items():
            with pytest.raises(InvalidRequest) as told:
                await look(studio, name)
            assert told.value.kind in (Kind.INVALID, Kind.NOT_FOUND), what
