"""Every method of an open studio has its like at a client, or a reason why not: none is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from imagestudio import AsyncClient, Client
from infrastructure.service import Studio

HERE = "is for the process that performs, or for the machine that the ledger is on"
INSIDE = "is what the service itself is built of"
OTHERWISE = "has a route of its own shape"
LATER = "has no route yet"

APART: Mapping[str, str] = {
    **dict.fromkeys(
        ("catalogue", "log", "make_worker", "make_sender", "relay", "around_requests", "open_services"), INSIDE
    ),
    **dict.fromkeys(("shards", "shard_names", "find_shard"), INSIDE),
    **dict.fromkeys(("books", "seals"), OTHERWISE),
    **dict.fromkeys(("archiving", "providers"), HERE),
}
"""Facades that a client has none of."""

ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "operations": {
        **dict.fromkeys(("close", "notified"), HERE),
        **dict.fromkeys(("account_of", "answered"), INSIDE),
    },
    "accounts": {"list_after": LATER},
    "alerts": dict.fromkeys(("check", "tell_difference"), HERE),
    "keys": dict.fromkeys(("known", "shown_before", "ensure_first_key"), INSIDE),
    "approvals": dict.fromkeys(("account_of", "as_quoted", "wait"), INSIDE),
    "audit": {
        **dict.fromkeys(
            ("verify", "differences", "asset_ids", "bills", "books", "compare", "comparing"), "is in `verdict`"
        ),
        **dict.fromkeys(("mend", "rebuild"), HERE),
    },
    "statements": {"exported": HERE, "unread": "is of the process that serves pages"},
    "upkeep": {
        **dict.fromkeys(("working", "find_unneeded", "sweep"), HERE),
    },
    "copies": {"exported": INSIDE},
    "invoices": {"check": HERE, "providers": INSIDE},
    "library": {
        "erase_due": HERE,
        "linked": INSIDE,
        "archive_pieces": "is in `archive_named`",
    },
    "past": {
        "moment": "is in each answer",
        "operations": "is `operations.look` with `as_of`",
        "standing": "is `account` and `limits`",
    },
    "webhooks": {"told_of": "is in `deliveries`"},
    "views": {
        **dict.fromkeys(("catch_up", "position", "retry", "status"), HERE),
        "one": "is `find` with the filter of its key",
        "tags": "is in the rows of `operations`",
        "spent_by_day": "is `find` of SPEND, in sums",
    },
}
"""Methods that a client has none of, by their facade."""


def methods(shape: type[Any]) -> set[str]:
    """What anybody may call."""
    return {
        name
        for one in shape.__mro__[:-1]
        for name, value in vars(one).items()
        if not name.startswith("_") and callable(value)
    }


def facades() -> dict[str, type[Any]]:
    hints = get_type_hints(Studio, localns={"Services": object})
    return {field.name: hints[field.name] for field in fields(Studio)}


@pytest.fixture(scope="module")
def clients() -> tuple[AsyncClient, Client]:
    return AsyncClient("http://127.0.0.1:1", key="isk_x"), Client("http://127.0.0.1:1", key="isk_x")


def test_every_facade_of_a_studio_is_at_a_client_or_has_its_reason(clients: tuple[AsyncClient, Client]) -> None:
    for name in facades():
        for client in clients:
            assert hasattr(client, name) is (name not in APART), name
    assert APART.keys() <= facades().keys()


@pytest.mark.parametrize("name", sorted(facades().keys() - APART.keys()))
def test_every_method_of_a_facade_is_at_a_client_or_has_its_reason(
    clients: tuple[AsyncClient, Client], name: str
) -> None:
    ours = methods(facades()[name])
    for client in clients:
        there = methods(type(getattr(client, name)))
        assert ours - there == ELSEWHERE.get(name, {}).keys(), name
