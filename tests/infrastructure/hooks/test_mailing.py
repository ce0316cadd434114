"""E-mail through a real mail server: encrypted or not at all, refused, and without a secret in what is told."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from domain.alerting import AlertTerms
from domain.errors import InvalidInput
from domain.keys import STUDIO
from domain.money import Money
from infrastructure.clock import now
from infrastructure.hooks.mailing import MailPost
from infrastructure.hooks.mailserver import MailServer, mail_server
from infrastructure.hooks.parts import messaging
from infrastructure.settings import Settings
from infrastructure.showing.formats import iso
from tests.application.asking.test_waiting import until
from tests.application.studios import SYNC, studio_on

SENDER, TO = "billing@studio.example", "finance@shop.example"
PASSWORD = "open sesame/9"
RAISED = {
    "type": "alert.raised",
    "data": {"account": "acme", "measure": "spend", "scope": "account", "threshold": "80%", "window": "period"},
}
HEADERS = {"webhook-id": "evt_1"}


@dataclass
class Box:
    """What a mail server took, and how it answers."""

    answer: str = "250 OK"
    taken: list[Any] = field(default_factory=list)
    port: int = 0
    host: str = "127.0.0.1"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        if self.answer.startswith("250"):
            self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.answer


@contextmanager
def serving(box: Box, **options: Any) -> Iterator[Box]:
    with socket.create_server((box.host, 0)) as found:  # the library takes no port that is still to be found
        box.port = found.getsockname()[1]
    controller = Controller(box, hostname=box.host, port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context_of(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def posting(box: Box, **changes: Any) -> MailPost:
    trusted = changes.pop("trusted", None)
    return MailPost(MailServer(box.host, box.port, **{"encrypts": False, **changes}), SENDER, 5, trusted)


async def sent(post: MailPost, to: str = TO) -> Any:
    return await post(f"mailto:{to}", HEADERS, json.dumps(RAISED).encode())


async def test_a_message_is_one_sentence_and_all_that_is_told() -> None:
    with serving(Box()) as box:
        answer = await sent(posting(box))
    [letter] = box.taken
    assert answer.accepted
    assert (letter["From"], letter["To"], letter["Message-ID"]) == (SENDER, TO, "<evt_1@studio.example>")
    assert letter["Subject"] == "acme: spend of account reached 80% in its period"
    assert json.loads(letter.get_content().partition("period")[2]) == RAISED


async def test_a_server_with_tls_gets_the_login_encrypted(authority: trustme.CA) -> None:
    seen: list[Any] = []

    def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    options = {"tls_context": context_of(authority), "authenticator": login, "auth_required": True}
    with serving(Box(), **options) as box:
        answer = await sent(posting(box, user="us", password=PASSWORD, trusted=trusting(authority)))
    assert answer.accepted
    assert seen == [(b"us", PASSWORD.encode())]


async def test_a_certificate_that_nobody_vouches_for_is_not_believed(authority: trustme.CA) -> None:
    with serving(Box(), tls_context=context_of(authority)) as box:
        answer = await sent(posting(box))
    assert (answer.status, box.taken) == (None, [])
    assert "certificate is not believed" in answer.said


async def test_a_server_elsewhere_that_does_not_encrypt_gets_nothing() -> None:
    with serving(Box(host="127.0.0.2")) as box:
        answer = await sent(posting(box))
    assert (answer.status, box.taken) == (None, [])
    assert "does not encrypt" in answer.said


@pytest.mark.parametrize(("said", "code"), [("451 try later", 451), ("554 no", 554)])
async def test_a_refusal_is_the_servers_code_and_not_its_words(said: str, code: int) -> None:
    with serving(Box(answer=said)) as box:
        answer = await sent(posting(box))
    assert (answer.accepted, answer.status, answer.said) == (False, code, f"the mail server answers {code}")


async def test_an_address_that_is_refused_is_told_by_its_code_alone() -> None:
    with serving(Box()) as box:
        answer = await sent(posting(box), "nobody@shop.example")
    assert (answer.status, answer.said) == (550, "the mail server refuses the address (550)")


async def test_a_server_that_is_not_there_is_a_failure_without_a_secret() -> None:
    with serving(Box()) as box:
        pass
    post = posting(box, user="us", password=PASSWORD)
    answer = await sent(post)
    assert answer.status is None
    assert PASSWORD not in f"{answer.said}{post!r}"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("smtps://us:open%20sesame%2F9@mail.example", ("mail.example", 465, True, "us", PASSWORD)),
        ("smtp://mail.example", ("mail.example", 587, False, "", "")),
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, False, "", "")),
    ],
)
def test_a_server_is_read_from_an_address(url: str, told: tuple[Any, ...]) -> None:
    found = mail_server(url)
    assert (found.host, found.port, found.encrypts, found.user, found.password) == told


@pytest.mark.parametrize("url", ["https://mail.example", "smtp://", "smtp://mail.example:x", "smtp://mail.example/a"])
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"mail server|the port"):
        Settings(smtp_url=url)


@pytest.mark.parametrize(
    "to", ["mailto:", "mailto:x", "mailto:a@b", "mailto:a@b.example,c@d.example", "mailto:a b@c.example"]
)
def test_what_is_not_one_address_is_refused_when_it_is_added(to: str) -> None:
    with pytest.raises(InvalidInput, match="is not one e-mail address"):
        MailPost(MailServer("127.0.0.1", 25, encrypts=False), SENDER, 5).check(f"mailto:{to}")
    with pytest.raises(InvalidInput, match="sends no e-mail"):
        MailPost(None, "", 5).check(f"mailto:{TO}")


async def test_an_alert_reaches_a_person_once(sqlite_url: str, tmp_path: Path) -> None:
    with serving(Box()) as box:
        mail: dict[str, Any] = {"smtp_url": f"smtp://127.0.0.1:{box.port}", "smtp_from": SENDER}
        async with studio_on(sqlite_url, tmp_path, **mail) as studio:
            await studio.accounts.open("acme", plan="pro")
            await studio.webhooks.add("acme", f"mailto:{TO}", events=["alert.raised"])
            await studio.alerts.set("acme", AlertTerms(amounts=(1,)))
            await studio.operations.generate("a lake", account="acme", model=SYNC)
            await studio.alerts.check()
            async with messaging(studio):
                await until(lambda: bool(box.taken))
                await asyncio.sleep(0)
    [letter] = box.taken
    assert letter["Subject"].startswith("acme: spend of account reached 0.000001 USD in its period")


async def test_a_difference_of_the_probe_reaches_whoever_runs_the_studio_once(
    database_url: str, tmp_path: Path
) -> None:
    with serving(Box()) as box:
        mail: dict[str, Any] = {"smtp_url": f"smtp://127.0.0.1:{box.port}", "smtp_from": SENDER}
        async with studio_on(database_url, tmp_path, **mail) as studio:
            await studio.keys.ensure_first_key()
            await studio.accounts.open("prober", plan="pro")
            await studio.webhooks.add(STUDIO, f"mailto:{TO}", events=["probe.differed"])
            await studio.webhooks.add("prober", f"mailto:{TO}")
            tell = partial(studio.alerts.tell_difference, "prober", "spent in the view", "40000", "80000")
            await asyncio.gather(*(tell(day=0) for _ in range(3)))
            await tell(day=0)
            async with messaging(studio):
                await until(lambda: bool(box.taken))
                await asyncio.sleep(0)
    [letter] = box.taken
    assert letter["Subject"] == "prober: the probe found a difference: spent in the view"
    assert '"wanted": "80000"' in letter.get_content()


async def test_an_invoice_that_drifts_reaches_whoever_runs_the_studio_once(database_url: str, tmp_path: Path) -> None:
    with serving(Box()) as box:
        mail: dict[str, Any] = {"smtp_url": f"smtp://127.0.0.1:{box.port}", "smtp_from": SENDER}
        async with studio_on(database_url, tmp_path, **mail) as studio:
            await studio.keys.ensure_first_key()
            await studio.accounts.open("acme", plan="pro")
            await studio.webhooks.add(STUDIO, f"mailto:{TO}", events=["invoice.drifted"])
            await studio.webhooks.add("acme", f"mailto:{TO}")
            with pytest.raises(InvalidInput, match=r"invoice\.drifted' is no event of a customer's account"):
                await studio.webhooks.add("acme", f"mailto:{TO}", events=["invoice.drifted"])
            record = partial(studio.invoices.record, "scripted", "I-1", month=iso(now())[:7])
            for _ in range(2):
                await record(amount=Money.parse("0.25", "USD"))
                await studio.invoices.check()
            async with messaging(studio):
                await until(lambda: bool(box.taken))
                await asyncio.sleep(0)
    [letter] = box.taken
    assert letter["Subject"] == f"scripted: invoice I-1 of 0.25 USD for {iso(now())[:7]}, computed 0.00 USD"
    assert '"allowed_percent"' in letter.get_content()
