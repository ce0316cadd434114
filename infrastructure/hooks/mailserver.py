"""The mail server of a setting, and e-mail addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

LONGEST: Final = 254
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
TLS_PORT, USUAL_PORT = 465, 587


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server; `encrypts` from the first byte, otherwise by STARTTLS."""

    host: str
    port: int
    encrypts: bool
    user: str = ""
    password: str = field(default="", repr=False)


def mail_server(url: str) -> MailServer:
    """The server that a setting names. Raises ValueError, without the password."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is not a number") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("is not the address of a mail server, such as smtps://USER:PASSWORD@mail.example:465")
    encrypts = parts.scheme == "smtps"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.hostname, port or (TLS_PORT if encrypts else USUAL_PORT), encrypts, user, password)


def checked_mail(text: str) -> str:
    """Raises ValueError for what is not one e-mail address."""
    if len(text) > LONGEST or not _ADDRESS.fullmatch(text):
        raise ValueError("is not one e-mail address, such as billing@studio.example")
    return text
