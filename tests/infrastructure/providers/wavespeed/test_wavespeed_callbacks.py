"""Callbacks: the provider's own are taken in once, and all others are turned away without a word."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.providing.callbacks import Callbacks, HandledCallbacks
from application.providing.receiving import Callback, Notification
from domain.errors import OperationPending, Unverified
from infrastructure.clock import SECOND
from infrastructure.providers.wavespeed.callbacks import verified_callback
from infrastructure.wire.callbacks import address, operation_mac
from tests.wire.clients import client_for, submit
from tests.wire.fake.server import Fake, serving
from tests.wire.fake.state import Job
from tests.wire.fake.webhooks import SECRET

OPERATION = "0196f0d2-batch.1"
MAC = operation_mac(OPERATION, SECRET)
NOW = 1_764_072_000 * SECOND
BODY = b'{"id": "7", "status": "completed"}'


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@pytest.fixture
def job(fake: Fake) -> Job:
    with client_for(fake, "wavespeed", "/api/v3") as client:
        return fake.job(submit(client))


def signed(body: bytes = BODY, at: str = str(NOW // SECOND), secret: str = SECRET, id: str = "w1") -> dict[str, str]:
    """The headers of a callback that the owner of `secret` made."""
    message = f"{id}.{at}.".encode() + body
    digest = hmac.new(secret.removeprefix("whsec_").encode(), message, hashlib.sha256).hexdigest()
    return {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": f"v3,{digest}"}


def checked(headers: dict[str, str], body: bytes = BODY, mac: str = MAC, secret: str = SECRET) -> Notification:
    return verified_callback(Callback(OPERATION, mac, headers, body), secret, NOW)


def test_the_providers_own_callback_names_its_operation_and_job(fake: Fake, job: Job) -> None:
    headers, body = fake.message(job.id, "signed")
    got = verified_callback(Callback(OPERATION, MAC, headers, body), SECRET, fake.state.now())
    assert (got.operation, got.job, got.ended) == (OPERATION, job.id, True)
    assert got.id == headers["webhook-id"]


@pytest.mark.parametrize("kind", ["forged", "tampered", "stale", "unsigned"])
def test_every_dishonest_callback_is_turned_away(fake: Fake, job: Job, kind: str) -> None:
    headers, body = fake.message(job.id, kind)
    with pytest.raises(Unverified, match="not the provider's, or too old"):
        verified_callback(Callback(OPERATION, MAC, headers, body), SECRET, fake.state.now())


def test_a_callback_about_the_time_before_the_end_is_taken_for_what_it_is(fake: Fake, job: Job) -> None:
    headers, body = fake.message(job.id, "processing")
    assert verified_callback(Callback(OPERATION, MAC, headers, body), SECRET, fake.state.now()).ended is False


def test_a_callback_of_one_operation_is_none_of_another() -> None:
    with pytest.raises(Unverified):
        checked(signed(), mac=operation_mac("another", SECRET))
    with pytest.raises(Unverified):
        checked(signed(), mac="")
    assert address("https://x.test/hooks/", OPERATION, SECRET) == f"https://x.test/hooks/{OPERATION}/{MAC}"


def test_a_callback_says_which_attempt_its_address_was_made_for() -> None:
    macs = {attempt: operation_mac(OPERATION, SECRET, attempt) for attempt in range(1, 10)}
    assert len(set(macs.values())) == 9
    assert {attempt: checked(signed(), mac=mac).attempt for attempt, mac in macs.items()} == {one: one for one in macs}
    assert address("https://x.test", OPERATION, SECRET, 2) == f"https://x.test/{OPERATION}/{macs[2]}"
    with pytest.raises(Unverified):
        checked(signed(), mac=operation_mac("another", SECRET, 2))


def test_the_secret_may_be_written_with_or_without_its_prefix() -> None:
    assert checked(signed(), secret=SECRET.removeprefix("whsec_")) == Notification("w1", OPERATION, "7", ended=True)
    assert operation_mac(OPERATION, SECRET.removeprefix("whsec_")) == MAC


def test_without_a_secret_nothing_is_verified() -> None:
    with pytest.raises(Unverified):
        checked(signed(secret=""), mac=operation_mac(OPERATION, ""), secret="")


def test_one_of_several_signatures_is_enough() -> None:
    ours = signed()["webhook-signature"]
    for header in (f"v1,abc {ours}", f"v3,{'0' * 64} {ours}", f"{ours} v3,{'0' * 64}", f"v4,zz, {ours}"):
        assert checked(signed() | {"webhook-signature": header}).job == "7"
    for header in (ours[3:], f"v1,{ours[3:]}", f"xv3,{ours[3:]}", f"{ours}0", ours[:-1], ""):
        with pytest.raises(Unverified):
            checked(signed() | {"webhook-signature": header})


def test_header_names_are_of_any_case() -> None:
    assert checked({name.title(): value for name, value in signed().items()}).id == "w1"


@pytest.mark.parametrize(("seconds", "taken"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_a_callback_is_of_the_last_five_minutes(seconds: int, taken: bool) -> None:
    headers = signed(at=str(NOW // SECOND + seconds))
    if taken:
        assert checked(headers).job == "7"
    else:
        with pytest.raises(Unverified):
            checked(headers)


@pytest.mark.parametrize("at", ["", "now", "-5", "1e9", " 1764072000", "９", "9" * 40])
def test_a_time_that_is_none_is_too_old(at: str) -> None:
    with pytest.raises(Unverified):
        checked(signed(at=at))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id": 7}', b'{"id": ""}', b'{"data": {"id": null}}', b"\xff"])
def test_a_signed_callback_that_names_no_job_is_turned_away(body: bytes) -> None:
    with pytest.raises(Unverified):
        checked(signed(body), body)


def test_a_job_in_an_envelope_is_named_too() -> None:
    body = b'{"code": 200, "data": {"id": "7", "status": "failed"}}'
    assert checked(signed(body), body).ended


@given(st.dictionaries(st.sampled_from([*signed()]), st.text(max_size=80)), st.binary(max_size=80))
def test_nothing_made_without_the_secret_is_ever_verified(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(Unverified):
        checked({**signed(secret="whsec_of-somebody-else"), **headers}, body)


def test_only_the_latest_callbacks_are_remembered() -> None:
    seen = HandledCallbacks(most=2)
    for id in ("a", "b", "a", "c"):
        seen.add(id)
    assert [id in seen for id in ("a", "b", "c")] == [True, False, True]


class Studio:
    """Is told of callbacks, and deals with each when it is let."""

    def __init__(self, *failing: bool) -> None:
        self.told: list[tuple[str, str, int]] = []
        self.go_on = asyncio.Event()
        self._failing = list(failing)

    async def notified(self, operation: str, job: str, attempt: int) -> None:
        self.told.append((operation, job, attempt))
        fails = self._failing.pop(0)
        await self.go_on.wait()
        if fails:
            raise OperationPending(operation, "not now")

    def callbacks(self) -> Callbacks:
        return Callbacks(self, lambda: NOW, self.notified)

    async def receive(self, callback: Callback, now: int) -> Notification:
        return verified_callback(callback, SECRET, now)


async def test_a_callback_that_was_dealt_with_is_known_when_it_comes_again() -> None:
    studio = Studio(False)
    studio.go_on.set()
    callbacks = studio.callbacks()
    assert [await callbacks.take(OPERATION, MAC, signed(), BODY) for _ in range(3)] == [True, False, False]
    assert studio.told == [(OPERATION, "7", 1)]


async def test_a_callback_that_could_not_be_dealt_with_is_dealt_with_when_it_comes_again() -> None:
    studio = Studio(True, False)
    studio.go_on.set()
    callbacks = studio.callbacks()
    with pytest.raises(OperationPending):
        await callbacks.take(OPERATION, MAC, signed(), BODY)
    assert [await callbacks.take(OPERATION, MAC, signed(), BODY) for _ in range(2)] == [True, False]


async def test_a_callback_that_is_repeated_while_it_is_dealt_with_is_not_taken_for_done() -> None:
    """Were the second answered as known, the provider would not send again what the first fails to settle."""
    studio = Studio(True, True)
    callbacks = studio.callbacks()
    taking = [asyncio.create_task(callbacks.take(OPERATION, MAC, signed(), BODY)) for _ in range(2)]
    await asyncio.sleep(0)
    studio.go_on.set()
    ended = await asyncio.gather(*taking, return_exceptions=True)
    assert [type(one) for one in ended] == [OperationPending, OperationPending]
