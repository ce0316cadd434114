"""Webhooks: registered, changed, rotated, paused and removed by small decisions, and given up by a stated table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier

from domain.account import Account, AccountClosed, AccountFact, evolve
from domain.errors import InvalidInput, UnknownWebhook
from domain.happenings import EVENTS, STUDIO_EVENTS, TELLING, event_id, events_of
from domain.hooktext import mint_webhook, secret_of, signatures
from domain.issuing import open_studios_account
from domain.operation import Adjusted, Charged, ProviderCompleted, Rejected, Released, Substituted
from domain.retrying import (
    DEAD,
    DELIVERED,
    FAILING_FOR,
    HOUR,
    LONGEST_REST,
    LONGEST_WAIT,
    PAUSES,
    SECOND,
    WAITING,
    HookAnswer,
    Tried,
    judge,
)
from domain.subscribing import (
    MOST_SECRETS,
    MOST_WEBHOOKS,
    NewAddress,
    change_webhook,
    pause_webhook,
    register_webhook,
    remove_webhook,
    resume_webhook,
    rotate_webhook,
)
from domain.webhooks import (
    Pause,
    WebhookChanged,
    WebhookPaused,
    WebhookRegistered,
    WebhookRemoved,
    WebhookResumed,
    WebhookRotated,
)
from tests.domain.examples import LATER, NOON, OPENED
from tests.infrastructure.store.examples import EXAMPLES

ID, OTHER = "hook_7hq2m9x4ka", "hook_0000000000"
ADDRESS, MOVED = NewAddress(f"{ID}:a", "ef" * 32), NewAddress(f"{ID}:b", "0f" * 32)
KEY, NEXT_KEY = "0badcafe", "f00dcafe"
COMPLETED = ("operation.completed",)
REGISTERED = WebhookRegistered("acme", NOON, ID, COMPLETED, ADDRESS.content, ADDRESS.digest, KEY)
PAUSED = WebhookPaused("acme", LATER, ID, Pause.GONE)
ROTATED = WebhookRotated("acme", LATER, ID, 2, NEXT_KEY, LATER + HOUR * SECOND)
NO_KEY = b"\x01" * 32
FRESH = Tried(1, 0, None)


def account(*facts: AccountFact) -> Account:
    known = evolve(None, OPENED)
    for fact in facts:
        known = evolve(known, fact)
    return known


# Decisions


def test_a_webhook_is_registered_once() -> None:
    assert register_webhook(account(), ID, ADDRESS, COMPLETED, KEY, NOON) == [REGISTERED]
    assert register_webhook(account(REGISTERED), ID, ADDRESS, COMPLETED, KEY, NOON) == []


@pytest.mark.parametrize("events", [("operation.done",), ("",), (*COMPLETED, "*")])
def test_there_is_no_other_event_than_those_of_the_table(events: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="is no event"):
        register_webhook(account(), ID, ADDRESS, events, KEY, NOON)


def test_events_are_kept_in_one_order_and_each_once() -> None:
    backwards = (*reversed([*EVENTS]), *EVENTS)
    [fact] = register_webhook(account(), ID, ADDRESS, backwards, KEY, NOON)
    assert isinstance(fact, WebhookRegistered)
    assert fact.events == tuple(EVENTS)


def test_an_account_has_so_many_webhooks_and_the_studios_own_hears_of_its_invoices_alone() -> None:
    many = [replace(REGISTERED, webhook=f"hook_{number}") for number in range(MOST_WEBHOOKS)]
    with pytest.raises(InvalidInput, match="which is the most"):
        register_webhook(account(*many), ID, ADDRESS, (), KEY, NOON)
    gone = WebhookRemoved("acme", LATER, "hook_0")
    assert register_webhook(account(*many, gone), ID, ADDRESS, (), KEY, NOON)
    [opened] = open_studios_account(None, "USD", NOON)
    studio = evolve(None, opened)
    with pytest.raises(InvalidInput, match="is no event"):
        register_webhook(studio, ID, ADDRESS, ("operation.charged",), KEY, NOON)
    assert register_webhook(studio, ID, ADDRESS, (*STUDIO_EVENTS,), KEY, NOON)
    closed = AccountClosed("acme", LATER, "the contract ended")
    with pytest.raises(InvalidInput, match="was closed"):
        register_webhook(account(closed), ID, ADDRESS, (), KEY, NOON)
    assert remove_webhook(account(REGISTERED, closed), ID, LATER)


def test_a_change_says_all_that_is_true_from_then_on() -> None:
    known = account(REGISTERED)
    moved = WebhookChanged("acme", LATER, ID, COMPLETED, MOVED.content, MOVED.digest)
    assert change_webhook(known, ID, LATER, address=MOVED) == [moved]
    told = WebhookChanged("acme", LATER, ID, (), ADDRESS.content, ADDRESS.digest, "more")
    assert change_webhook(known, ID, LATER, events=(), reason="more") == [told]
    assert change_webhook(known, ID, LATER, address=ADDRESS, events=COMPLETED) == []
    after = account(REGISTERED, moved).webhooks[ID]
    assert (after.content, after.digest, after.events) == (MOVED.content, MOVED.digest, COMPLETED)


def test_the_secret_before_signs_until_its_time_is_over() -> None:
    assert rotate_webhook(account(REGISTERED), ID, NEXT_KEY, 1, LATER) == [ROTATED]
    webhook = account(REGISTERED, ROTATED).webhooks[ID]
    assert [(one.number, one.key) for one in webhook.signing(LATER)] == [(2, NEXT_KEY), (1, KEY)]
    assert [one.number for one in webhook.signing(ROTATED.until)] == [2]
    [at_once] = rotate_webhook(account(REGISTERED), ID, KEY, 0, LATER)
    assert [one.number for one in account(REGISTERED, at_once).webhooks[ID].signing(LATER)] == [2]


def test_only_so_many_secrets_sign_at_a_time() -> None:
    known = account(REGISTERED)
    for number in range(2, MOST_SECRETS + 1):
        [fact] = rotate_webhook(known, ID, KEY, 24, LATER)
        known = evolve(known, fact)
        assert known.webhooks[ID].secrets[0].number == number
    with pytest.raises(InvalidInput, match="sign already"):
        rotate_webhook(known, ID, KEY, 24, LATER)
    assert rotate_webhook(known, ID, KEY, 24, LATER + 24 * HOUR * SECOND)
    for wrong in (-1, 169, True):
        with pytest.raises(InvalidInput, match="hours from 0 to 168"):
            rotate_webhook(known, ID, KEY, wrong, LATER)


def test_a_webhook_is_paused_and_resumed_once_each() -> None:
    assert pause_webhook(account(REGISTERED), ID, Pause.GONE, LATER) == [PAUSED]
    paused = account(REGISTERED, PAUSED)
    assert pause_webhook(paused, ID, Pause.ASKED, LATER) == []
    assert not paused.webhooks[ID].wants(COMPLETED[0])
    resumed = WebhookResumed("acme", LATER, ID, "it is back")
    assert resume_webhook(paused, ID, LATER, "it is back") == [resumed]
    again = account(REGISTERED, PAUSED, resumed)
    assert resume_webhook(again, ID, LATER) == []
    assert again.webhooks[ID].wants(COMPLETED[0])
    assert not again.webhooks[ID].wants("operation.charged")


def test_a_webhook_that_is_not_there_is_not_found() -> None:
    known = account(REGISTERED, WebhookRemoved("acme", LATER, ID))
    assert known.webhooks == {}
    for decide in (remove_webhook, resume_webhook):
        with pytest.raises(UnknownWebhook, match="has no webhook"):
            decide(known, ID, LATER)
    # A fact about none that there is changes nothing.
    assert account(PAUSED, ROTATED, replace(PAUSED, webhook=OTHER)).webhooks == {}


# Events


def test_every_event_comes_of_some_fact_and_every_telling_fact_is_one() -> None:
    found = {event: type(fact) for fact in EXAMPLES for event in events_of(fact)}
    cancelled = {event for fact in EXAMPLES if isinstance(fact, Released) for event in events_of(_because(fact))}
    assert {*found, *cancelled} == {*EVENTS, *STUDIO_EVENTS}
    assert {*found.values()} == set(TELLING)


def _because(fact: Released) -> Released:
    return replace(fact, reason="cancelled")


def test_a_limit_is_an_event_of_its_own_and_our_own_costs_are_none() -> None:
    [refused] = [fact for fact in EXAMPLES if isinstance(fact, Rejected)]
    assert events_of(refused) == ("operation.refused", "limit.reached")
    assert events_of(replace(refused, limit=None)) == ("operation.refused",)
    [adjusted] = [fact for fact in EXAMPLES if isinstance(fact, Adjusted)]
    assert events_of(replace(adjusted, price=0)) == ()
    assert [events_of(fact) for fact in EXAMPLES if isinstance(fact, Substituted)] == [("limit.reached",)]


def test_an_event_has_the_same_id_for_ever_and_no_two_have_one() -> None:
    told = [event_id(bytes([number]) * 32, event) for number in range(20) for event in EVENTS]
    assert len({*told}) == len(told)
    assert event_id(bytes(32), COMPLETED[0]) == "evt_94e7b9f191be2bf303a312e95cb6661b"
    assert {type(fact) for fact in EXAMPLES if events_of(fact)} >= {ProviderCompleted, Charged}


# Signatures


@given(body=st.text(), number=st.integers(1, 9), more=st.integers(1, 9))
def test_the_library_of_standard_webhooks_accepts_each_secrets_signature(body: str, number: int, more: int) -> None:
    secrets = [secret_of(NO_KEY, "acme", ID, one) for one in (number, number + more)]
    at = int(datetime.now(UTC).timestamp())
    content = body.encode("utf-8", "replace")
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signatures(secrets, "evt_1", at, content),
    }
    for secret in secrets:
        Verifier(secret).verify(content, headers, json_parse=False)


def test_no_two_webhooks_have_a_secret_in_common() -> None:
    ways = [(key, account, hook, number) for key in (NO_KEY, bytes(32)) for account in ("a", "b")
            for hook in (ID, OTHER) for number in (1, 11)]  # fmt: skip
    assert len({secret_of(*way) for way in ways}) == len(ways)
    assert mint_webhook(bytes(range(32))) != mint_webhook(bytes(range(1, 33)))


# Trying again


def test_the_table_spans_three_days_and_each_pause_is_longer_than_the_one_before() -> None:
    assert all(before <= after for before, after in pairwise(PAUSES))
    assert (len(PAUSES) + 1, sum(PAUSES) // HOUR) == (10, 75)


@given(
    tries=st.integers(1, len(PAUSES)), noise=st.integers(0, 2**32 - 1), status=st.sampled_from([None, 302, 400, 500])
)
def test_a_failure_is_tried_again_by_the_table_with_a_tenth_of_noise(
    tries: int, noise: int, status: int | None
) -> None:
    verdict = judge(HookAnswer(status), Tried(tries, 0, NOON), NOON, noise)
    pause = PAUSES[tries - 1] * SECOND
    assert verdict.state == WAITING
    assert NOON + pause <= verdict.due <= NOON + pause * 11 // 10
    assert (verdict.rest, verdict.pauses) == (NOON, False)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_success_is_a_delivery(status: int) -> None:
    assert judge(HookAnswer(status), Tried(4, 9, NOON), LATER, 0).state == DELIVERED


def test_a_webhook_says_itself_when_it_wants_more_and_is_believed_for_a_day() -> None:
    busy = judge(HookAnswer(429, retry_after=HOUR), FRESH, NOON, 0)
    assert (busy.due, busy.rest) == (NOON + HOUR * SECOND, NOON + HOUR * SECOND)
    shortly = judge(HookAnswer(503, retry_after=1), FRESH, NOON, 0)
    assert (shortly.due, shortly.rest) == (NOON + PAUSES[0] * SECOND, NOON + SECOND)
    for_ever = judge(HookAnswer(503, retry_after=10**9), FRESH, NOON, 0)
    assert for_ever.rest == NOON + LONGEST_WAIT * SECOND


def test_a_webhook_that_fails_again_and_again_is_given_rests_that_double() -> None:
    rests = [judge(HookAnswer(500), Tried(1, failures, NOON), NOON, 0).rest - NOON for failures in range(20)]
    assert [one // SECOND for one in rests[:8]] == [0, 0, 0, 0, 30, 60, 120, 240]
    assert max(rests) == rests[-1] == LONGEST_REST * SECOND


def test_the_last_try_gives_the_message_up_and_days_of_nothing_the_webhook() -> None:
    last = len(PAUSES) + 1
    lately = judge(HookAnswer(500), Tried(last, 3, NOON), NOON + FAILING_FOR - 1, 0)
    for_days = judge(HookAnswer(500), Tried(last, 3, NOON), NOON + FAILING_FOR, 0)
    assert [(one.state, one.pauses) for one in (lately, for_days)] == [(DEAD, False), (DEAD, True)]
    assert judge(HookAnswer(500), Tried(last, 0, None), NOON, 0).pauses is False


def test_gone_is_gone_at_once() -> None:
    gone = judge(HookAnswer(410), FRESH, NOON, 0)
    assert (gone.state, gone.pauses) == (DEAD, True)
