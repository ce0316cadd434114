"""What a key may not spend by itself: a person approves its quote, and the same request is held once, at that price."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from application.asking.requests import Request
from domain.actor import Actor
from domain.approvals import ApprovalAsked, ApprovalGiven, ApprovalNeeded, UnknownQuote
from domain.authority import KeyHolder
from domain.errors import Forbidden, InvalidInput, KeyReused
from domain.keys import KeyScope, KeyTerms
from domain.money import MICROS, Money
from domain.operation import Charged
from infrastructure.service import Studio
from tests.application.studios import PRICE, SYNC, count, facts_of, is_sound, studio_on

AGENT = KeyTerms((KeyScope.OPERATE,), approve_above=PRICE)
ADMIN = KeyTerms((KeyScope.ADMIN,))


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path, actor="operator:root") as opened:
        await opened.accounts.open("acme", plan="pro")
        await opened.accounts.open("beta", plan="pro")
        yield opened
        assert await is_sound(opened)


async def holder(studio: Studio, terms: KeyTerms = AGENT, account: str = "acme") -> KeyHolder:
    return await studio.keys.known((await studio.keys.issue(account, terms)).secret)


def asked(by: KeyHolder, **changes: Any) -> Request:
    """Two small pictures, which cost more than an agent's key may spend by itself."""
    usual: dict[str, Any] = {"inputs": {"prompt": "a lake"}, "model": SYNC, "n": 2, "by": by.actor}
    return Request("text-to-image", by.account, **{**usual, **changes})


async def quoted(studio: Studio, request: Request) -> str:
    """The quote with which a request is refused."""
    with pytest.raises(ApprovalNeeded) as refused:
        await studio.operations.run(request)
    return refused.value.waiting.quote


async def test_nothing_is_held_before_a_person_agrees_and_once_after(studio: Studio) -> None:
    agent = await holder(studio)
    with pytest.raises(ApprovalNeeded, match=r"needs approval above 0\.04 USD, and this costs 0\.08 USD") as refused:
        await studio.operations.run(asked(agent))
    waiting = refused.value.waiting
    assert (waiting.price, waiting.outputs, waiting.model) == (2 * PRICE, 2, SYNC)
    view = await studio.accounts.show("acme")
    assert (view.held.get("spend", 0), waiting.left["images"]) == (0, (view.left["images"] or 0) - 2)
    shown = await studio.approvals.show("acme", waiting.quote)
    assert (shown.standing, shown.price, shown.api_key) == ("waiting", Money(2 * PRICE, "USD"), agent.key)
    assert await quoted(studio, asked(agent, quote=waiting.quote)) == waiting.quote

    assert (await studio.approvals.give("acme", waiting.quote, reason="a campaign")).standing == "approved"
    assert (await studio.approvals.give("acme", waiting.quote)).standing == "approved"
    results = await asyncio.gather(*[studio.operations.run(asked(agent, quote=waiting.quote)) for _ in range(3)])

    assert {one.operation for one in results} == {results[0].operation}
    assert sorted(one.repeated for one in results) == [False, True, True]
    shown = await studio.approvals.show("acme", waiting.quote)
    assert (shown.standing, shown.operation) == ("used", results[0].operation)
    assert count(facts_of(studio), Charged) == 1


async def test_what_waits_is_listed_by_account_and_page_until_it_is_over(studio: Studio) -> None:
    agent, foreign = await holder(studio), await holder(studio, account="beta")
    quotes = [await quoted(studio, asked(by, n=n)) for by, n in ((agent, 2), (foreign, 2), (agent, 3))]
    await studio.approvals.give("acme", quotes[0])

    everything = await studio.approvals.list()
    assert [(one.quote, one.standing) for one in everything.approvals] == [
        (quotes[2], "waiting"),
        (quotes[1], "waiting"),
        (quotes[0], "approved"),
    ]
    first = await studio.approvals.list("acme", limit=1)
    rest = await studio.approvals.list("acme", limit=1, after=first.next)
    assert [one.quote for one in (*first.approvals, *rest.approvals)] == [quotes[2], quotes[0]]
    assert rest.next is None
    with freeze_time(datetime.fromtimestamp(everything.approvals[0].expires // MICROS + 1, UTC)):
        assert (await studio.approvals.list("acme")).approvals == ()
        over = await studio.approvals.list("acme", over=True)
    assert [one.standing for one in over.approvals] == ["over", "over"]


async def test_the_log_names_who_asked_and_who_approved(studio: Studio) -> None:
    agent, admin = await holder(studio), await holder(studio, ADMIN)
    quote = await quoted(studio, asked(agent))
    with pytest.raises(Forbidden):
        await studio.approvals.give("acme", quote, by=agent.actor)
    await studio.approvals.give("acme", quote, by=admin.actor)
    await studio.approvals.give("acme", quote, by=Actor(agent.actor.kind, "key_of_others"))
    found = {entry.link.topic: entry.link.actor for entry in studio.log.reader.read(0, 100)}
    assert (found["approval.asked"], found["approval.given"]) == (str(agent.actor), str(admin.actor))
    assert [type(one) for one in facts_of(studio) if isinstance(one, ApprovalAsked | ApprovalGiven)] == [
        ApprovalAsked,
        ApprovalGiven,
    ]


async def test_a_request_under_a_key_waits_once_and_goes_through_without_naming_its_quote(studio: Studio) -> None:
    agent = await holder(studio)
    request = asked(agent, key="order-1")
    quote = await quoted(studio, request)
    assert await quoted(studio, request) == quote
    assert await quoted(studio, asked(agent, key="order-2")) != quote
    with pytest.raises(KeyReused):
        await studio.operations.run(replace(request, inputs={"prompt": "another"}))
    await studio.approvals.give("acme", quote)

    done = [await studio.operations.run(request), await studio.operations.run(request)]

    assert [one.repeated for one in done] == [False, True]
    assert done[0].operation == done[1].operation
    assert count(facts_of(studio), ApprovalAsked) == 2


async def test_a_quote_is_for_one_request_of_one_key_of_one_account(studio: Studio) -> None:
    agent, other, foreign = await holder(studio), await holder(studio), await holder(studio, account="beta")
    quote = await quoted(studio, asked(agent))
    await studio.approvals.give("acme", quote)
    for request in (asked(agent, n=3), asked(agent, inputs={"prompt": "a sea"}), asked(other)):
        with pytest.raises(InvalidInput, match="is for another request"):
            await studio.operations.run(replace(request, quote=quote))
    for wrong in (asked(foreign, quote=quote), asked(agent, quote="quote_0")):
        with pytest.raises(UnknownQuote):
            await studio.operations.run(wrong)
    with pytest.raises(UnknownQuote):
        await studio.approvals.give("beta", quote)
    assert await studio.approvals.account_of(quote) == "acme"
    assert not count(facts_of(studio), Charged)


async def test_the_model_that_was_quoted_does_it_whatever_is_named_now(studio: Studio) -> None:
    agent = await holder(studio)
    quote = await quoted(studio, asked(agent))
    await studio.approvals.give("acme", quote)
    done = await studio.operations.run(asked(agent, quote=quote, model="scripted-blind"))
    assert (done.model, done.price) == (SYNC, Money(2 * PRICE, "USD"))


async def test_it_waits_and_goes_through_the_queue_alike(studio: Studio) -> None:
    agent = await holder(studio)
    with pytest.raises(ApprovalNeeded) as refused:
        await studio.operations.submit(asked(agent), queued=True)
    quote = refused.value.waiting.quote
    await studio.approvals.give("acme", quote)
    begun = await studio.operations.submit(asked(agent, quote=quote), queued=True)
    again = await studio.operations.submit(asked(agent, quote=quote), queued=True)
    assert (begun.repeated, again.repeated, again.operation) == (False, True, begun.operation)
    await studio.operations.cancel(begun.operation, account="acme")


async def test_an_estimate_says_that_a_person_would_have_to_agree(studio: Studio) -> None:
    agent = await holder(studio)
    assert (await studio.operations.estimate(asked(agent))).needs_approval
    assert not (await studio.operations.estimate(asked(agent, n=1))).needs_approval
