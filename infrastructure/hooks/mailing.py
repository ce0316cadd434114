"""Sends messages by e-mail, to addresses that are written as mailto:NAME@PLACE, through the mail server of a setting.

    smtps://…  TLS from the first byte        smtp://…  STARTTLS before anything else, and no mail without it

The server's own codes are the answer: 250 took it, and anything else is tried again as a webhook is. Its words are not
kept, as they may repeat an address.
"""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any, Final

from domain.alerting import is_money
from domain.counts import counted
from domain.errors import InvalidInput
from domain.retrying import HookAnswer
from infrastructure.hooks.mailserver import MailServer, checked_mail
from infrastructure.hooks.posting import HookPost

SCHEME: Final = "mailto:"
TAKEN: Final = 250
REFUSED: Final = 550
ON_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class MailPost:
    """Implements Post and CheckUrl for e-mail; without a server nothing is sent."""

    server: MailServer | None
    sender: str
    seconds: int
    trusted: ssl.SSLContext | None = None
    """Whom TLS believes, None for the usual authorities."""

    def check(self, url: str) -> None:
        """Raises InvalidInput for what is no address, or if this studio sends no mail."""
        if self.server is None or not self.sender:
            told = "this studio sends no e-mail"
            raise InvalidInput("url", told, hint="whoever runs it has to set a mail server and a sender")
        try:
            checked_mail(url.removeprefix(SCHEME))
        except ValueError:
            hint = "write it as mailto:finance@shop.example"
            raise InvalidInput("url", "is not one e-mail address", hint=hint) from None

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> HookAnswer:
        if self.server is None or not self.sender:
            return HookAnswer(None, "this process has no mail server")
        letter = self.letter(url.removeprefix(SCHEME), headers["webhook-id"], json.loads(body))
        try:
            async with asyncio.timeout(2 * self.seconds):
                return await asyncio.to_thread(self._send, self.server, letter)
        except TimeoutError:
            return HookAnswer(None, f"the mail server takes longer than {counted(self.seconds, 'second')}")

    def letter(self, to: str, id: str, told: Mapping[str, Any]) -> EmailMessage:
        """The message: one sentence, and all of it as JSON but for tags, which nobody can erase in a mailbox."""
        told = {**told, "data": {name: one for name, one in told.get("data", {}).items() if name != "tags"}}
        letter = EmailMessage(policy=SMTP)
        letter["From"], letter["To"] = self.sender, to
        letter["Subject"] = subject_of(told)
        letter["Date"] = formatdate(usegmt=True)
        letter["Message-ID"] = f"<{id}@{self.sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(f"{subject_of(told)}\n\n{json.dumps(told, indent=2, ensure_ascii=False)}\n")
        return letter

    def _send(self, server: MailServer, letter: EmailMessage) -> HookAnswer:
        try:
            with self._opened(server) as smtp:
                if server.user:
                    smtp.login(server.user, server.password)
                smtp.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), REFUSED)
            return HookAnswer(code, f"the mail server refuses the address ({code})")
        except smtplib.SMTPResponseException as error:
            return HookAnswer(error.smtp_code, f"the mail server answers {error.smtp_code}")
        except smtplib.SMTPNotSupportedError:
            return HookAnswer(None, "the mail server does not encrypt, or lets nobody log in")
        except ssl.SSLError:
            return HookAnswer(None, "the mail server's certificate is not believed, or TLS fails")
        except (smtplib.SMTPException, OSError) as error:
            return HookAnswer(None, f"the mail server cannot be reached: {type(error).__name__}")
        return HookAnswer(TAKEN)

    def _opened(self, server: MailServer) -> smtplib.SMTP:
        """A connection that is encrypted, but on this machine. Raises as smtplib does."""
        context = self.trusted or ssl.create_default_context()
        if server.encrypts:
            return smtplib.SMTP_SSL(server.host, server.port, timeout=self.seconds, context=context)
        with ExitStack() as stack:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self.seconds)
            stack.callback(smtp.close)
            smtp.ehlo()
            if server.host not in ON_LOOPBACK or smtp.has_extn("starttls"):
                smtp.starttls(context=context)
            stack.pop_all()
        return smtp


def subject_of(told: Mapping[str, Any]) -> str:
    """The message in one line."""
    data = told.get("data", {})
    if told["type"] == "alert.raised":
        is_amount = is_money(data["measure"]) and not data["threshold"].endswith("%")
        threshold = f"{data['threshold']} {data['currency']}" if is_amount else data["threshold"]
        return f"{data['account']}: {data['measure']} of {data['scope']} reached {threshold} in its {data['window']}"
    if told["type"] == "invoice.drifted":
        invoiced, computed = (f"{data[name]['amount']} {data[name]['currency']}" for name in ("invoiced", "computed"))
        return f"{data['provider']}: invoice {data['invoice']} of {invoiced} for {data['month']}, computed {computed}"
    if told["type"] == "probe.differed":
        return f"{data['account']}: the probe found a difference: {data['difference']}"
    what = data.get("operation") or data.get("webhook", "")
    return f"{told['type']} {what}".strip()


@dataclass(frozen=True, slots=True)
class AnyPost:
    """Implements Post and CheckUrl: e-mail for mailto: addresses, and HTTP for the others."""

    http: HookPost
    mail: MailPost

    def check(self, url: str) -> None:
        """Raises InvalidInput for what may not be sent to."""
        (self.mail if url.startswith(SCHEME) else self.http).check(url)

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> HookAnswer:
        return await (self.mail if url.startswith(SCHEME) else self.http)(url, headers, body)

    async def close(self) -> None:
        """End all connections."""
        await self.http.close()
