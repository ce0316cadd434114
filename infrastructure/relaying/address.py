"""The address of a broker, as a setting says it: where facts are told to others.

nats://[USER:PASSWORD@]HOST[:PORT][,HOST…]/STREAM     JetStream; tls:// encrypts
kafka://[USER:PASSWORD@]HOST[:PORT][,HOST…]/TOPIC     Kafka's protocol; kafkas:// encrypts
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

NATS, KAFKA = "nats", "kafka"
PORTS: Final = {NATS: 4222, KAFKA: 9092}
SCHEMES: Final = {"nats": (NATS, False), "tls": (NATS, True), "kafka": (KAFKA, False), "kafkas": (KAFKA, True)}
NAMES: Final = {NATS: re.compile(r"[A-Za-z0-9_-]{1,200}"), KAFKA: re.compile(r"[A-Za-z0-9._-]{1,200}")}
EXAMPLE: Final = "such as nats://broker.example:4222/studio or kafka://broker.example:9092/studio"


@dataclass(frozen=True, slots=True)
class RelayTrust:
    """Files in PEM: whom an encrypted connection believes (None: those that everybody believes), our own certificate
    and its key; and how Kafka is shown the password."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    sasl: str = "plain"


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A stream or a topic, at one broker of several hosts; without a password, `user` is a token."""

    kind: str
    encrypted: bool
    hosts: tuple[str, ...]
    name: str
    user: str = ""
    password: str = field(default="", repr=False)
    trust: RelayTrust = RelayTrust()

    @property
    def target(self) -> str:
        """A mark is kept for it; the same wherever the broker is moved to."""
        return f"{self.kind}/{self.name}"

    def __str__(self) -> str:
        """For people, without the credentials."""
        return f"{self.kind}://{','.join(self.hosts)}/{self.name}"


def relay_address(url: str) -> RelayAddress:
    """The address that a setting says. Raises ValueError, without the credentials."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ValueError(f"is not the address of a broker, {EXAMPLE}")
    kind, encrypted = SCHEMES[scheme]
    place, _, name = rest.partition("/")
    if not NAMES[kind].fullmatch(name) or name in (".", ".."):
        raise ValueError(f"names no stream or topic at its end, {EXAMPLE}")
    credentials, _, hosts = place.rpartition("@")
    user, _, password = credentials.partition(":")
    found = tuple(_host(one, PORTS[kind]) for one in hosts.split(","))
    return RelayAddress(kind, encrypted, found, name, unquote(user), unquote(password))


def _host(text: str, usual: int) -> str:
    parts = urlsplit(f"//{text}")
    try:
        port = parts.port or usual
    except ValueError:
        raise ValueError("has a port that is not a number") from None
    if not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ValueError(f"names no host, {EXAMPLE}")
    return f"[{parts.hostname}]:{port}" if ":" in parts.hostname else f"{parts.hostname}:{port}"
