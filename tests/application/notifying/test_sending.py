"""Messages to webhooks, from the log to a real server, on both databases."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from standardwebhooks.webhooks import WebhookVerificationError

from application.asking.requests import Request
from application.notifying.planning import HookPlanner
from application.notifying.sender import HookSender
from application.ports.hooks import ClaimedHook
from domain.alerting import AlertTerms
from domain.errors import OperationFailed, OperationRefused
from domain.happenings import EVENTS
from domain.retrying import HOUR, PAUSES, HookAnswer, Tried, judge
from domain.webhooks import Pause, WebhookPaused
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from infrastructure.showing.documents import result_document
from infrastructure.showing.formats import iso
from infrastructure.showing.telling import without_ours
from tests import patience
from tests.application.notifying.receivers import TAKEN, Answer, Receiver
from tests.application.studios import JOBS, SYNC, database_of, facts_of, is_sound, studio_on

BUSY = Answer(429, {"retry-after": "3600"})
BROKEN = Answer(500)
PROMPT = "a wish of the owner's own"


class Shop:
    """A studio with a customer's server, and the time by which the studio goes."""

    def __init__(self, studio: Studio, receiver: Receiver, time: list[int]) -> None:
        self.studio, self.receiver, self.time = studio, receiver, time

    async def add(self, path: str = "/hooks", *events: str, account: str = "acme") -> Any:
        return await self.studio.webhooks.add(account, f"{self.receiver.url}{path}", events=events)

    async def draw(self, prompt: str = PROMPT, account: str = "acme", **more: Any) -> str:
        return (await self.studio.operations.generate(prompt, account=account, model=SYNC, **more)).operation

    async def send(self, seconds: int = 0) -> None:
        """Send what is due so many seconds later, by another sender each time, as another process would."""
        self.time[0] += seconds * SECOND
        await self.studio.make_sender().once()

    async def states(self, webhook: str, **wanted: Any) -> list[tuple[str, int]]:
        """The messages, the oldest first: the state and how often each was tried."""
        found = (await self.studio.webhooks.deliveries("acme", webhook, limit=200, **wanted)).messages
        return [(one.state, one.tries) for one in reversed(found)]

    async def said(self, webhook: str) -> list[str]:
        found = (await self.studio.webhooks.deliveries("acme", webhook, limit=200)).messages
        return [one.said for one in reversed(found)]


@asynccontextmanager
async def shop_on(url: str, home: Path, receiver: Receiver, **changes: Any) -> AsyncIterator[Shop]:
    time = [now()]
    changes = {"webhook_origins": (receiver.url,), "webhook_seconds": 5, **changes}
    async with studio_on(url, home, clock=lambda: time[0], **changes) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.open("beta", plan="pro")
        yield Shop(studio, receiver, time)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as running:
        yield running


@pytest.fixture
async def shop(database_url: str, tmp_path: Path, receiver: Receiver) -> AsyncIterator[Shop]:
    async with shop_on(database_url, tmp_path, receiver) as opened:
        yield opened


def first_then(first: Answer, number: int = 1) -> Callable[[int], Answer]:
    return lambda count: first if count < number else TAKEN


async def test_what_happens_is_told_once_in_its_order_and_signed(shop: Shop, receiver: Receiver) -> None:
    await shop.draw()  # before there was a webhook
    new = await shop.add()
    others = [await shop.draw(), await shop.draw(account="beta")]
    await shop.send()
    assert receiver.types == ["operation.completed", "operation.charged"]
    for one in receiver.received:
        assert one.verify(new.secret)["data"]["operation"] == others[0]
        with pytest.raises(WebhookVerificationError):
            one.verify((await shop.add("/other")).secret)
    assert len({*receiver.ids}) == 2
    await shop.send()
    assert len(receiver.received) == 2
    assert await shop.states(new.webhook.id) == [("delivered", 1)] * 2
    assert await is_sound(shop.studio)


async def test_a_message_is_what_the_account_sees_of_the_operation_without_a_prompt(
    shop: Shop, receiver: Receiver
) -> None:
    await shop.add()
    drawn = await shop.draw()
    with pytest.raises(OperationFailed):
        await shop.draw(outcome="fail")
    await shop.send()
    shown = without_ours(result_document(await shop.studio.operations.look(drawn, account="acme")))
    assert shown["tags"] == {}
    for one in receiver.received[:2]:
        assert one.told["data"] == {**shown, "left": {}}
        assert "cost" not in one.body.decode()
    assert receiver.types == ["operation.completed", "operation.charged", "operation.failed"]
    assert not any(PROMPT in one.body.decode() for one in receiver.received)


async def test_tags_are_told_as_they_are_when_it_is_sent_and_not_once_they_are_erased(
    shop: Shop, receiver: Receiver
) -> None:
    new = await shop.add("/hooks", "operation.charged")
    tags = {"team": "curlew", "run": "7"}
    drawn = await shop.studio.operations.generate(PROMPT, account="acme", model=SYNC, tags=tags)
    await shop.send()
    await shop.studio.operations.tag(drawn.operation, {"team": "ibis"}, account="acme")
    [sent] = (await shop.studio.webhooks.deliveries("acme", new.webhook.id)).messages
    await shop.studio.webhooks.replay("acme", new.webhook.id, sent.id)
    await shop.send()
    await shop.studio.upkeep.erase(drawn.operation, account="acme")
    await shop.studio.webhooks.replay("acme", new.webhook.id, sent.id)
    await shop.send()
    told = [one.told["data"]["tags"] for one in receiver.received]
    assert told == [{"team": "curlew", "run": "7"}, {"team": "ibis", "run": "7"}, {}]
    assert len({*receiver.ids}) == 1


async def test_a_webhook_hears_of_what_it_asked_for(shop: Shop, receiver: Receiver) -> None:
    for number, event in enumerate(EVENTS):
        await shop.add(f"/{number}", event)
    await shop.studio.alerts.set("acme", AlertTerms(amounts=(1,)))
    paid = await shop.draw()
    await shop.studio.alerts.check()
    with pytest.raises(OperationFailed):
        await shop.draw(outcome="fail")
    begun = await shop.studio.operations.submit(_asked(JOBS), queued=True)
    await shop.studio.operations.cancel(begun.operation, account="acme")
    await shop.studio.upkeep.refund(paid, reason="blurred", reference="ticket-1", account="acme")
    await shop.studio.accounts.change_limit("acme", "images", 0)
    with pytest.raises(OperationRefused):
        await shop.draw()
    await shop.send()
    for number, event in enumerate(EVENTS):
        assert [one.type for one in receiver.of(f"/{number}")] == [event]


def _asked(model: str) -> Any:
    return Request("text-to-image", "acme", {"prompt": PROMPT}, model=model)


async def test_what_fails_is_sent_again_by_the_table_under_the_same_id(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = first_then(BROKEN, 2)
    new = await shop.add("/hooks", "operation.charged")
    await shop.draw()
    await shop.send()
    assert await shop.states(new.webhook.id) == [("waiting", 1)]
    assert (await shop.studio.webhooks.show("acme", new.webhook.id)).standing == "failing"
    await shop.send(PAUSES[0] - 1)
    assert len(receiver.received) == 1
    await shop.send(2)
    assert await shop.states(new.webhook.id) == [("waiting", 2)]
    await shop.send(PAUSES[1] * 11 // 10)
    assert await shop.states(new.webhook.id) == [("delivered", 3)]
    assert len({*receiver.ids}) == 1
    with freeze_time(iso(shop.time[0])):  # it is signed anew each time, or it would be too old by now
        receiver.received[-1].verify(new.secret)
    assert (await shop.studio.webhooks.show("acme", new.webhook.id)).standing == "live"


async def test_one_that_fails_does_not_keep_those_after_it(shop: Shop, receiver: Receiver) -> None:
    new = await shop.add("/hooks", "operation.charged")
    ids = [await shop.draw() for _ in range(3)]
    receiver.answer = first_then(BROKEN)
    await shop.send()
    await shop.send(PAUSES[0] * 2)
    assert [one.told["data"]["operation"] for one in receiver.received] == [ids[0], *ids[1:], ids[0]]
    assert await shop.states(new.webhook.id) == [("delivered", 2), ("delivered", 1), ("delivered", 1)]


async def test_retry_after_holds_all_of_a_webhook_and_none_of_another(shop: Shop, receiver: Receiver) -> None:
    busy, other = await shop.add("/busy", "operation.charged"), await shop.add("/other", "operation.charged")
    receiver.answer = lambda _: BUSY if receiver.received[-1].path == "/busy" else TAKEN
    ids = [await shop.draw() for _ in range(2)]
    await shop.send()
    await shop.send(3_599)
    assert (len(receiver.of("/busy")), len(receiver.of("/other"))) == (1, 2)
    receiver.answer = lambda _: TAKEN
    await shop.send(2)
    assert [one.told["data"]["operation"] for one in receiver.of("/busy")] == [ids[0], *reversed(ids)]
    assert await shop.states(busy.webhook.id) == [("delivered", 2), ("delivered", 1)]
    assert await shop.states(other.webhook.id) == [("delivered", 1)] * 2


async def test_gone_pauses_the_webhook_by_a_fact_and_what_waits_is_replayed_once_it_is_back(
    shop: Shop, receiver: Receiver
) -> None:
    receiver.answer = lambda _: Answer(410)
    new = await shop.add("/hooks", "operation.charged")
    hook = new.webhook.id
    for _ in range(3):
        await shop.draw()
    await shop.send()
    assert len(receiver.received) == 1
    shown = await shop.studio.webhooks.show("acme", hook)
    assert (shown.standing, shown.paused, shown.dead, shown.waiting) == ("paused", Pause.GONE, 3, 0)
    [paused] = [entry.link for entry in shop.studio.log.reader.read(0, 1_000) if entry.link.topic == "webhook.paused"]
    assert paused.actor.startswith("studio:")
    await shop.draw()
    await shop.send(10 * HOUR)
    assert len(receiver.received) == 1
    receiver.answer = lambda _: TAKEN
    await shop.studio.webhooks.resume("acme", hook)
    assert await shop.studio.webhooks.replay("acme", hook, dead=True) == 3
    await shop.send()
    assert len({*receiver.ids}) == 3
    assert len(receiver.received) == 4
    # The one that happened while it was paused is in the log, too.
    position = max(one.position for one in (await shop.studio.webhooks.deliveries("acme", hook)).messages)
    assert await shop.studio.webhooks.replay("acme", hook, position=position + 1) == 1
    await shop.send()
    assert len({*receiver.ids}) == 4
    assert await is_sound(shop.studio)


async def test_days_of_failure_give_up_the_message_and_pause_the_webhook(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda _: BROKEN
    hook = (await shop.add("/hooks", "operation.charged")).webhook.id
    await shop.draw()
    await shop.send()
    for pause in PAUSES:
        await shop.send(pause * 11 // 10 + HOUR)
    assert await shop.states(hook) == [("dead", len(PAUSES) + 1)]
    [fact] = [fact for fact in facts_of(shop.studio) if isinstance(fact, WebhookPaused)]
    assert fact.why is Pause.FAILING
    assert len({*receiver.ids}) == 1
    assert await shop.said(hook) == ["it answers 500"]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (Answer(302, {"location": "/elsewhere"}), 302, "it answers 302"),
        (Answer(404), 404, "it answers 404"),
        (Answer(cut=True), None, "the connection failed: RemoteProtocolError"),
        (Answer(seconds=3), None, "no answer within 1 second"),
        (Answer(200, body=b"x" * 3_000_000), 200, ""),
    ],
    ids=["moved", "not found", "cut", "slow", "talkative"],
)
async def test_only_a_success_in_time_is_one(
    sqlite_url: str, tmp_path: Path, receiver: Receiver, answer: Answer, status: int | None, said: str
) -> None:
    receiver.answer = lambda _: answer
    async with shop_on(sqlite_url, tmp_path, receiver, webhook_seconds=1) as shop:
        hook = (await shop.add("/hooks", "operation.charged")).webhook.id
        await shop.draw()
        await shop.send()
        [message] = (await shop.studio.webhooks.deliveries("acme", hook)).messages
        tested = await shop.studio.webhooks.test("acme", hook)
    assert (message.status, message.said) == (tested.status, tested.said) == (status, said)
    assert message.state == ("delivered" if status == 200 else "waiting")
    assert receiver.of("/elsewhere") == []


async def test_a_slow_webhook_never_keeps_another_waiting(shop: Shop, receiver: Receiver) -> None:
    """The slow one answers only once the other has all that it was to get."""
    await shop.add("/slow", "operation.charged")
    await shop.add("/quick", "operation.charged")
    all_came = threading.Event()

    def answer(_: int) -> Answer:
        if len(receiver.of("/quick")) == 5:
            all_came.set()
        if receiver.received[-1].path == "/slow":
            assert all_came.wait(patience.SECONDS)
        return TAKEN

    receiver.answer = answer
    for _ in range(5):
        await shop.draw()
    await shop.send()
    assert len(receiver.of("/quick")) == len(receiver.of("/slow")) == 5


async def test_failing_webhooks_leave_half_of_the_places_to_the_others(shop: Shop, receiver: Receiver) -> None:
    """Those that failed before answer only once another has got its message, for which there are two places in all."""
    broken = [(await shop.add(f"/broken-{number}", "operation.failed")).webhook.id for number in range(3)]
    await shop.add("/well", "operation.charged")
    receiver.answer = lambda _: BROKEN
    with pytest.raises(OperationFailed):
        await shop.draw(outcome="fail")
    await shop.send()
    came, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(_: int) -> Answer:
        if receiver.received[-1].path == "/well":
            came.set()
            return TAKEN
        loop.call_soon_threadsafe(begun.set)
        assert came.wait(patience.SECONDS)
        return BROKEN

    receiver.answer = answer
    shop.time[0] += HOUR * SECOND
    sender = HookSender(shop.studio.webhooks.sending, shop.studio.log.feed, places=2)
    running = asyncio.create_task(sender.run())
    await begun.wait()
    await shop.draw()
    assert await asyncio.to_thread(came.wait, patience.SECONDS)
    await sender.end(patience.SECONDS)
    await running
    assert len(receiver.of("/well")) == 1
    assert {await _standing(shop, one) for one in broken} == {"failing"}


async def _standing(shop: Shop, webhook: str) -> str:
    return (await shop.studio.webhooks.show("acme", webhook)).standing


async def test_one_process_at_a_time_sends_to_a_webhook(shop: Shop) -> None:
    hook = (await shop.add("/hooks", "operation.charged")).webhook.id
    await shop.draw()
    tables, now = shop.studio.webhooks.tables, shop.time[0]
    HookPlanner(shop.studio.webhooks.sending.log, tables).advance()
    [mine] = tables.claim(9, "me", now, now + 10, failing=False)
    assert tables.claim(9, "another", now + 10, now + 20, failing=False) == []
    [theirs] = tables.claim(9, "another", now + 11, now + 20, failing=False)
    assert mine == theirs == ClaimedHook(hook, "acme", 0, None)
    [message] = tables.due(hook, now, 9)
    failed, taken = HookAnswer(500, "it answers 500"), HookAnswer(204)
    noted = [
        tables.note(message, one, judge(one, Tried(1, 0, None), now, 0), "me", now, now + 10) for one in (failed, taken)
    ]
    assert noted == [False, False]
    # A failure that another may have mended is not believed; that it was taken is true whoever says it.
    assert await shop.states(hook) == [("delivered", 1)]


async def test_both_secrets_sign_while_one_replaces_the_other(shop: Shop, receiver: Receiver) -> None:
    old = await shop.add("/hooks", "operation.charged")
    new = await shop.studio.webhooks.rotate("acme", old.webhook.id, overlap=1)
    await shop.draw()
    await shop.send()
    for secret in (old.secret, new.secret):
        receiver.received[0].verify(secret)
    await shop.draw()
    await shop.send(HOUR)
    with freeze_time(iso(shop.time[0])):
        receiver.received[1].verify(new.secret)
        with pytest.raises(WebhookVerificationError):
            receiver.received[1].verify(old.secret)
    assert [one.number for one in (await shop.studio.webhooks.show("acme", old.webhook.id)).secrets] == [2]


async def test_any_message_is_sent_again_when_it_is_asked(shop: Shop, receiver: Receiver) -> None:
    hook = (await shop.add("/hooks", "operation.charged")).webhook.id
    drawn = [await shop.draw() for _ in range(3)]
    await shop.send()
    first = list(receiver.ids)
    assert await shop.studio.webhooks.replay("acme", hook, first[1]) == 1
    await shop.send()
    assert receiver.ids == [*first, first[1]]
    since = shop.time[0] = shop.time[0] + 60 * SECOND
    drawn.append(await shop.draw())
    assert await shop.studio.webhooks.replay("acme", hook, since=since) == 1
    assert await shop.studio.webhooks.replay("acme", hook, position=1) == 4
    await shop.send()
    assert [one.told["data"]["operation"] for one in receiver.received[4:]] == drawn
    assert receiver.ids[4:7] == first


async def test_erased_content_is_in_no_message_also_if_it_is_sent_again(shop: Shop, receiver: Receiver) -> None:
    hook = (await shop.add()).webhook.id
    drawn = await shop.draw()
    await shop.send()
    await shop.studio.upkeep.erase(drawn, account="acme", reason="asked")
    await shop.studio.webhooks.replay("acme", hook, position=1)
    await shop.send()
    assert len(receiver.received) == 4
    assert receiver.received[2].body == receiver.received[0].body
    assert not any(PROMPT in one.body.decode() for one in receiver.received)


async def test_an_address_that_was_changed_behind_the_logs_back_is_never_sent_to(
    shop: Shop, receiver: Receiver
) -> None:
    hook = (await shop.add("/hooks", "operation.charged")).webhook.id
    await shop.draw()
    database = database_of(shop.studio)
    with database.transaction() as connection:
        forged = "UPDATE contents SET body = replace(body, '/hooks', '/thief') WHERE batch LIKE 'hook_%'"
        assert connection.exec_driver_sql(forged.replace("%", "%%" if not database.is_sqlite else "%")).rowcount == 1
    await shop.send()
    assert receiver.received == []
    assert await shop.said(hook) == ["its address is not the one that was registered"]
    assert ["is not what was registered" in str(one) for one in shop.studio.audit.differences()] == [True]


async def test_a_removed_webhook_hears_nothing_more_and_its_address_is_erased(shop: Shop, receiver: Receiver) -> None:
    new = await shop.add()
    await shop.draw()
    moved = await shop.studio.webhooks.change("acme", new.webhook.id, url=f"{receiver.url}/moved")
    assert moved.url == f"{receiver.url}/moved"
    await shop.studio.webhooks.remove("acme", new.webhook.id, reason="closed")
    await shop.send()
    assert receiver.received == []
    contents = database_of(shop.studio).read("SELECT batch FROM contents")
    assert not [batch for (batch,) in contents if batch.startswith("hook_")]
    assert database_of(shop.studio).read("SELECT count(*) FROM webhook_messages") == [(0,)]
    assert await shop.studio.webhooks.list("acme") == []
    assert await is_sound(shop.studio)


async def test_what_was_sent_is_forgotten_after_a_month_and_what_waits_is_not(shop: Shop, receiver: Receiver) -> None:
    hook = (await shop.add("/hooks", "operation.charged")).webhook.id
    await shop.draw()
    await shop.send()
    receiver.answer = lambda _: BROKEN
    await shop.draw()
    await shop.send()
    await shop.send(31 * 24 * HOUR)
    assert await shop.states(hook) == [("waiting", 2)]


async def test_a_long_way_without_a_webhook_costs_no_write(shop: Shop, receiver: Receiver) -> None:
    """The mark stays, so that whoever draws without webhooks waits for nobody; the first webhook begins there."""
    for _ in range(3):
        await shop.draw()
    await shop.send()
    assert shop.studio.webhooks.tables.mark() == (0, False)
    await shop.add("/hooks", "operation.charged")
    await shop.draw()
    await shop.send()
    assert receiver.types == ["operation.charged"]
