"""Brokers that are encrypted, believed by an authority of one's own, and ask who is there."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from domain.errors import InvalidInput, ProviderUnavailable
from infrastructure.relaying.address import relay_address
from infrastructure.relaying.parts import trusting
from infrastructure.settings import Settings
from tests.application.studios import studio_on
from tests.brokers import kafka_broker, nats_server
from tests.infrastructure.relaying.readers import assert_told_once, read_all
from tests.infrastructure.relaying.test_relaying import EURO
from tests.kafka_front import KafkaFront, kafka_front
from tests.postgres import free_port

USER, PASSWORD = "ann@studio", "p:ss/word"
SIGNED = "ann%40studio:p%3Ass%2Fword@"


@dataclass(frozen=True)
class Papers:
    """Files in PEM: an authority, a broker's certificate, and one of ours with its key in another file."""

    ca: Path
    broker: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """That of a broker which asks whoever comes for a certificate."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.ca))
        context.load_cert_chain(self.broker)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def settings(self) -> dict[str, Any]:
        return {"relay_ca": self.ca, "relay_certificate": self.certificate, "relay_certificate_key": self.key}


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder, authority = tmp_path_factory.mktemp("papers"), trustme.CA()
    broker, ours = authority.issue_cert("127.0.0.1"), authority.issue_cert("studio.example")
    found = Papers(*(folder / name for name in ("ca.pem", "broker.pem", "ours.pem", "ours.key")))
    authority.cert_pem.write_to_path(found.ca)
    broker.private_key_and_cert_chain_pem.write_to_path(found.broker)
    ours.cert_chain_pems[0].write_to_path(found.certificate)
    ours.private_key_pem.write_to_path(found.key)
    return found


@pytest.fixture(scope="module")
def encrypted_nats(papers: Papers) -> Iterator[str]:
    broker, ca = str(papers.broker), str(papers.ca)
    tls = ("--tls", "--tlscert", broker, "--tlskey", broker, "--tlscacert", ca, "--tlsverify")
    with nats_server(*tls, "--user", USER, "--pass", PASSWORD) as running:
        yield f"tls://{SIGNED}127.0.0.1:{running.port}/studio"


async def told(database: str, home: Path, url: str, **settings: Any) -> None:
    """All is told to a broker, and read back by whoever it lets in as well."""
    async with studio_on(database, home, relay_url=url, **settings) as studio:
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.add_credit("acme", EURO, "k")
        assert studio.relay is not None
        try:
            await studio.relay.drain()
            read = await read_all(trusting(relay_address(url), Settings(home=home, **settings)))
            assert_told_once(read, studio)
            assert len(read) > 0
        finally:
            await studio.relay.close()


async def test_nats_is_encrypted_and_shown_our_certificate(
    sqlite_url: str, tmp_path: Path, papers: Papers, encrypted_nats: str
) -> None:
    for lacking in ({}, {"relay_ca": papers.ca}):
        with pytest.raises(ProviderUnavailable, match="takes nothing"):
            await told(f"{sqlite_url}{len(lacking)}", tmp_path / str(len(lacking)), encrypted_nats, **lacking)
    await told(sqlite_url, tmp_path, encrypted_nats, **papers.settings())


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-256", "scram-sha-512"])
async def test_kafka_is_encrypted_shown_our_certificate_and_told_who_it_is(
    sqlite_url: str, tmp_path: Path, papers: Papers, mechanism: str
) -> None:
    port = free_port()
    with kafka_broker(port) as behind:
        front = KafkaFront(behind.port, papers.context(), mechanism.upper(), USER, PASSWORD)
        with kafka_front(port, front):
            url = f"kafkas://{SIGNED}127.0.0.1:{port}/studio"
            await told(sqlite_url, tmp_path, url, **papers.settings(), relay_sasl=mechanism)
            if mechanism == "plain":
                wrong = {
                    "certificate verify failed": (url, {}),
                    "SASL authentication error": (url.replace("word", "w0rd"), papers.settings()),
                }
                for at, (why, (address, settings)) in enumerate(wrong.items()):
                    with pytest.raises(ProviderUnavailable, match=why):
                        await told(f"{sqlite_url}{at}", tmp_path / str(at), address, **settings)


@pytest.mark.parametrize(
    ("url", "settings", "why"),
    [
        ("kafka://broker/studio", {"relay_ca": "ca"}, "is not encrypted"),
        ("kafkas://broker/studio", {"relay_ca": "nowhere"}, "there is no file"),
        ("tls://broker/studio", {"relay_certificate_key": "key"}, "is the key of no certificate"),
    ],
)
def test_files_that_are_not_there_or_not_used_are_refused(
    tmp_path: Path, papers: Papers, url: str, settings: dict[str, str], why: str
) -> None:
    known = {"ca": papers.ca, "key": papers.key}
    found: dict[str, Any] = {name: known.get(file, tmp_path / file) for name, file in settings.items()}
    with pytest.raises(InvalidInput, match=why):
        trusting(relay_address(url), Settings(home=tmp_path, **found))
