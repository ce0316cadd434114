"""A quote holds what an estimate said: for the same request, for a while, whatever prices do then."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.clock import SECOND
from infrastructure.gateway.quotes import SECONDS, Quotes
from tests.infrastructure.gateway.gateways import Gateway

KEY, OTHER = b"k" * 32, b"o" * 32
PRICE = Money(40_000, "USD")
DRAW = {"kind": "text-to-image", "inputs": {"prompt": "a lake"}}


def quotes(at: int = 0, *keys: bytes) -> Quotes:
    return Quotes(lambda: keys or (KEY,), lambda: at)


def test_a_quote_is_read_as_it_was_made() -> None:
    text, told = quotes().quote("acme", "d", "a-model", PRICE)
    assert quotes(SECONDS * SECOND - 1).read("acme", "d", text) == told
    assert (told.model, told.money, told.at) == ("a-model", PRICE, 0)


def test_a_quote_under_an_older_key_still_holds() -> None:
    text, told = quotes().quote("acme", "d", "a-model", PRICE)
    assert quotes(0, OTHER, KEY).read("acme", "d", text) == told


@pytest.mark.parametrize(
    ("account", "digest", "at", "keys", "why"),
    [
        ("other", "d", 0, (), "for another request"),
        ("acme", "e", 0, (), "for another request"),
        ("acme", "d", SECONDS * SECOND, (), "does not hold any more"),
        ("acme", "d", 0, (OTHER,), "none that was made here"),
    ],
)
def test_a_quote_of_others_or_of_long_ago_is_refused(
    account: str, digest: str, at: int, keys: tuple[bytes, ...], why: str
) -> None:
    text, _ = quotes().quote("acme", "d", "a-model", PRICE)
    with pytest.raises(InvalidInput, match=why):
        quotes(at, *keys).read(account, digest, text)


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.é", "a" * 3_000, "e30.e30"])
def test_what_is_no_quote_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="none that was made here"):
        quotes().read("acme", "d", text)


def test_a_changed_quote_is_refused() -> None:
    text, _ = quotes().quote("acme", "d", "a-model", PRICE)
    body, _, signature = text.partition(".")
    cheap, _ = quotes().quote("acme", "d", "a-model", Money(1, "USD"))
    with pytest.raises(InvalidInput, match="none that was made here"):
        quotes().read("acme", "d", f"{cheap.partition('.')[0]}.{signature}")
    assert body


def ask(gateway: Gateway, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    with gateway.client(prefer="wait=30") as client:
        answer = client.post(path, json=body)
    return answer.status_code, answer.json()


def test_an_operation_that_names_a_quote_is_done_as_it_was_estimated(gateway: Gateway) -> None:
    _, estimate = ask(gateway, "/v1/estimates", DRAW)
    status, done = ask(gateway, "/v1/operations", {**DRAW, "quote": estimate["quote"]})
    assert (status, done["model"], done["price"]) == (200, estimate["model"], estimate["price"])


@pytest.mark.parametrize(
    "changes", [{"inputs": {"prompt": "another"}}, {"n": 2}, {"model": "gpt-image-2"}, {"max_price": "1"}]
)
def test_a_quote_for_another_request_is_told_and_nothing_is_recorded(gateway: Gateway, changes: dict[str, Any]) -> None:
    _, estimate = ask(gateway, "/v1/estimates", DRAW)
    end = gateway.studio.log.reader.end()
    status, told = ask(gateway, "/v1/operations", {**DRAW, **changes, "quote": estimate["quote"]})
    assert (status, told["code"]) == (400, "invalid_input")
    assert gateway.studio.log.reader.end() == end
