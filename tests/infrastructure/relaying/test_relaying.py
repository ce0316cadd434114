"""The books told to real brokers: each fact once and in order, whatever dies, is away, is refused or is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.errors import InvalidInput, ProviderUnavailable
from domain.money import Money
from infrastructure.gateway.watching import Meters, Readiness
from infrastructure.relaying.address import RelayAddress, relay_address
from infrastructure.relaying.broker import Broker, Message
from infrastructure.relaying.jetstream import token
from infrastructure.relaying.parts import relaying
from infrastructure.relaying.relay import Relay
from infrastructure.service import Studio
from infrastructure.store.relays import RelayMark, RelayTable
from tests.application.studios import SYNC, studio_on
from tests.brokers import RunningBroker, kafka_broker, nats_server
from tests.faults.processes import Reaper, ended, started
from tests.infrastructure.cli.workspaces import call, settle
from tests.infrastructure.relaying.readers import assert_told_once, read_all

KEYS = count()
NAMES = count()
ACCOUNTS = ("acme", "beta.of*things>%", "γάμμα")
EURO = Money(1_000_000, "USD")


@pytest.fixture(scope="module")
def nats_at() -> Iterator[RunningBroker]:
    with nats_server() as broker:
        yield broker


@pytest.fixture(scope="module")
def kafka_at() -> Iterator[RunningBroker]:
    with kafka_broker() as broker:
        yield broker


@pytest.fixture(params=["nats", "kafka"])
def url(request: pytest.FixtureRequest) -> str:
    """Of a stream or a topic that is new."""
    broker: RunningBroker = request.getfixturevalue(f"{request.param}_at")
    return f"{request.param}://127.0.0.1:{broker.port}/studio-{next(NAMES)}"


@pytest.fixture
def database(request: pytest.FixtureRequest, url: str) -> str:
    """PostgreSQL's table of marks is told of by NATS, SQLite's by Kafka: neither knows of the other."""
    found: str = request.getfixturevalue("postgres_url" if url.startswith("nats") else "sqlite_url")
    return found


@pytest.fixture
async def studio(database: str, tmp_path: Path, url: str) -> AsyncIterator[Studio]:
    async with studio_on(database, tmp_path, relay_url=url, lease_seconds=1) as studio:
        await filled(studio)
        yield studio


async def filled(studio: Studio) -> None:
    for account in ACCOUNTS:
        await studio.accounts.open(account, plan="pro", prepaid=True)
    await paid(studio, 12)


async def paid(studio: Studio, times: int) -> None:
    for at in range(times):
        await studio.accounts.add_credit(ACCOUNTS[at % 3], EURO, f"k{next(KEYS)}")


def relay_of(studio: Studio, **changes: Any) -> Relay:
    """A relay that nothing is remembered of."""
    assert studio.relay is not None
    return replace(studio.relay, most=5, **changes)


async def test_facts_are_told_once_in_order_with_the_events_of_exports(studio: Studio, url: str) -> None:
    await studio.operations.generate("a lake of secrets", account="acme", user="ann", model=SYNC)
    relay = relay_of(studio)
    await relay.drain()
    await relay.drain()
    await paid(studio, 7)
    await relay.drain()
    read = await read_all(relay_address(url))
    assert_told_once(read, studio)
    assert "secrets" not in str(read)
    assert relay.told == len(read)
    status = relay.status()
    assert (status.lag, status.error, status.position) == (0, "", studio.books.log.end())


async def test_what_is_forgotten_here_is_known_there(studio: Studio, url: str) -> None:
    await relay_of(studio).drain()
    relay = relay_of(studio)
    relay.table.forget()
    await paid(studio, 4)
    await relay.drain()
    assert_told_once(await read_all(relay_address(url)), studio)


class Dying(RelayTable):
    """Its process is killed at a step: when a batch was sent and its mark was not moved, or just after it was."""

    reaper = Reaper(0)

    def move(self, owner: str, mark: RelayMark, until: int) -> bool:
        self.reaper("sent")
        moved = RelayTable.move(self, owner, mark, until)
        self.reaper("moved")
        return moved


async def tell_and_die(database: str, home: Path, url: str, last: int) -> int:
    async with studio_on(database, home, relay_url=url, lease_seconds=1) as studio:
        Dying.reaper = Reaper(last)
        assert studio.relay is not None
        table = Dying(studio.relay.table.database, studio.relay.table.target)
        await relay_of(studio, table=table).drain()
    return 0


async def test_a_relay_may_be_killed_after_every_step(studio: Studio, database: str, tmp_path: Path, url: str) -> None:
    for last in (1, 2, 3):
        await paid(studio, 11)
        child = started(tell_and_die, database, tmp_path, url, last)
        assert await asyncio.to_thread(ended, child) == -9
    await relay_of(studio).drain()
    assert_told_once(await read_all(relay_address(url)), studio)


async def test_two_that_tell_at_once_tell_nothing_twice(studio: Studio, url: str) -> None:
    """As if the turn ended while its owner was stopped: the lease is over before it began."""
    both = [relay_of(studio, owner=name, lease=-1) for name in ("one", "two")]
    random = Random(7)
    for _ in range(10):
        await paid(studio, random.randrange(12))
        for answer in await asyncio.gather(*(one.advance() for one in both), return_exceptions=True):
            assert answer is None or isinstance(answer, ProviderUnavailable), answer
    await both[0].drain()
    await both[1].close()
    assert_told_once(await read_all(relay_address(url)), studio)


async def test_another_ledger_is_told_elsewhere(studio: Studio, tmp_path: Path, url: str) -> None:
    await relay_of(studio).drain()
    async with studio_on(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other", relay_url=url) as other:
        await filled(other)
        with pytest.raises(InvalidInput, match="is told of ledger"):
            await relay_of(other).drain()
        assert "is told of ledger" in relay_of(other).status().error
    assert_told_once(await read_all(relay_address(url)), studio)


async def test_while_the_broker_is_away_the_position_stands_and_says_so(sqlite_url: str, tmp_path: Path) -> None:
    with nats_server() as broker:
        url = f"nats://127.0.0.1:{broker.port}/studio"
        async with studio_on(sqlite_url, tmp_path, relay_url=url) as studio:
            await filled(studio)
            relay = relay_of(studio)
            running = asyncio.create_task(relay.run())
            for _ in range(3):
                await paid(studio, 9)
                await asyncio.to_thread(broker.kill)
                await paid(studio, 9)
                await until(lambda: "takes nothing" in relay.status().error)
                assert relay.status().lag > 0
                await asyncio.to_thread(broker.start)
                await until(lambda: relay.status().lag == 0)
            relay.stop()
            await running
            await relay.close()
            assert relay.status().error == ""
            assert_told_once(await read_all(relay_address(url)), studio)


@dataclass(frozen=True)
class KilledAmid:
    """Implements Broker: another one, whose server is killed while it sends, and begun again."""

    broker: Broker
    server: RunningBroker
    after: float

    async def open(self, mark: RelayMark, end: int) -> None:
        await self.broker.open(mark, end)

    async def send(self, messages: Sequence[Message]) -> int | None:
        sending = asyncio.create_task(self.broker.send(messages))
        await asyncio.sleep(self.after)
        await asyncio.to_thread(self.server.kill)
        await asyncio.to_thread(self.server.start)
        return await sending

    async def close(self) -> None:
        await self.broker.close()


async def test_a_broker_may_be_killed_amid_every_batch(sqlite_url: str, tmp_path: Path) -> None:
    with nats_server() as broker:
        url = f"nats://127.0.0.1:{broker.port}/studio"
        async with studio_on(sqlite_url, tmp_path, relay_url=url, lease_seconds=1) as studio:
            await filled(studio)
            assert studio.relay is not None
            usual = studio.relay.make
            for after in (0.0, 0.002, 0.01):
                relay = relay_of(studio, make=partial(_killed_amid, usual, broker, after))
                with suppress(ProviderUnavailable):
                    await relay.drain()
                await paid(studio, 4)
            await relay_of(studio).drain()
            assert_told_once(await read_all(relay_address(url)), studio)


def _killed_amid(usual: Callable[[], Broker], server: RunningBroker, after: float) -> KilledAmid:
    return KilledAmid(usual(), server, after)


async def test_a_service_tells_beside_its_work_and_says_how_far(studio: Studio, url: str) -> None:
    readiness, meters = Readiness(studio), Meters(studio)
    async with relaying(studio):
        await paid(studio, 3)
        await until(lambda: studio.relay is not None and studio.relay.status().lag == 0)
    (told,) = await readiness.relays()
    assert (told["lag"], told["error"], told["position"]) == (0, None, studio.books.log.end())
    await paid(studio, 3)
    found = {family.name: family.samples[0].value for family in meters.collect() if "relay" in family.name}
    assert found["imagestudio_relay_lag"] == 3
    assert found["imagestudio_relay_told"] == len(await read_all(relay_address(url)))


async def test_the_command_tells_all_or_says_why_not(
    studio: Studio, database: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, tmp_path)
    nobody = await asyncio.to_thread(call, "relay", "--status", "--db", database, "--json")
    assert (nobody.code, nobody.document) == (0, {"relays": [], "told": 0})
    lacks = await asyncio.to_thread(call, "relay", "--drain", "--db", database, "--json")
    assert (lacks.code, "IMAGESTUDIO_RELAY_URL: says nobody" in lacks.err) == (2, True)
    monkeypatch.setenv("IMAGESTUDIO_RELAY_URL", url)
    both = await asyncio.to_thread(call, "relay", "--status", "--drain", "--db", database, "--json")
    assert both.code == 2
    done = await asyncio.to_thread(call, "relay", "--drain", "--db", database)
    assert "Told " in done.out, done.err
    status = await asyncio.to_thread(call, "relay", "--status", "--db", database, "--json")
    (one,) = status.document["relays"]
    assert (one["lag"], one["error"]) == (0, None)
    assert_told_once(await read_all(relay_address(url)), studio)


async def until(holds: Any) -> None:
    for _ in range(2400):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came to be")


# What only JetStream has


async def stream_of(address: RelayAddress, **terms: Any) -> Any:
    import nats
    from nats.js.api import StreamConfig

    connection = await nats.connect(f"nats://{address.hosts[0]}")
    stream = connection.jetstream()
    usual = {"name": address.name, "subjects": [f"{address.name}.>"]}
    await stream.add_stream(StreamConfig(**{**usual, **terms}))
    return connection, stream


@pytest.fixture
def stream_url(nats_at: RunningBroker) -> str:
    return f"nats://127.0.0.1:{nats_at.port}/studio-{next(NAMES)}"


async def test_nothing_rests_on_the_window_of_duplicates(sqlite_url: str, tmp_path: Path, stream_url: str) -> None:
    address = relay_address(stream_url)
    connection, stream = await stream_of(address, duplicate_window=0.1)
    async with studio_on(sqlite_url, tmp_path, relay_url=stream_url) as studio:
        await filled(studio)
        first = relay_of(studio)
        await first.drain()
        before = first.table.mark()
        await paid(studio, 9)
        await relay_of(studio).drain()
        await asyncio.sleep(0.3)
        with first.table.database.transaction() as writing:
            writing.exec_driver_sql(f"UPDATE relays SET position = {before.position}, sequence = {before.sequence}")
        await paid(studio, 2)
        await relay_of(studio).drain()
        assert_told_once(await read_all(address), studio)
        # what the stream itself no longer has is counted
        read = await read_all(address)
        await stream.purge_stream(address.name)
        with first.table.database.transaction() as writing:
            writing.exec_driver_sql(f"UPDATE relays SET position = {before.position}, sequence = {before.sequence}")
        await paid(studio, 2)
        await relay_of(studio).drain()
        assert_told_once([*read, *(await read_all(address))], studio)
    await connection.close()


async def test_a_message_that_is_refused_is_one_clear_state(sqlite_url: str, tmp_path: Path, stream_url: str) -> None:
    address = relay_address(stream_url)
    connection, stream = await stream_of(address, max_msg_size=1_150)
    async with studio_on(sqlite_url, tmp_path, relay_url=stream_url) as studio:
        await filled(studio)
        await studio.operations.generate("x", account="acme", user="u" * 190, project="p" * 190, model=SYNC)
        await paid(studio, 3)
        relay = relay_of(studio)
        for _ in range(2):
            with suppress(InvalidInput):
                await relay.drain()
        status = relay.status()
        assert "the broker refuses " in status.error
        assert status.lag > 0
        told = await read_all(address)
        refused = status.error.split("refuses ")[1].split(" ")[0]
        assert refused not in {one.id for one in told}
        assert status.position <= told[-1].event["data"]["position"] < status.position + status.lag
        from nats.js.api import StreamConfig

        await stream.update_stream(StreamConfig(name=address.name, subjects=[f"{address.name}.>"], max_msg_size=-1))
        await relay.drain()
        assert relay.status().error == ""
        assert_told_once(await read_all(address), studio)
    await connection.close()


async def test_a_stream_that_was_made_anew_is_told_only_if_that_is_wished(
    sqlite_url: str, tmp_path: Path, stream_url: str
) -> None:
    address = relay_address(stream_url)
    async with studio_on(sqlite_url, tmp_path, relay_url=stream_url) as studio:
        await filled(studio)
        await relay_of(studio).drain()
        connection, stream = await stream_of(address)
        await stream.delete_stream(address.name)
        await paid(studio, 1)
        with pytest.raises(InvalidInput, match="made anew"):
            await relay_of(studio).drain()
        relay = relay_of(studio)
        relay.table.forget()
        await relay.drain()
        assert_told_once(await read_all(address), studio)
    await connection.close()


@pytest.mark.parametrize("account", [*ACCOUNTS, ".", "a.b.>", "~"])
def test_an_account_is_one_token_of_a_subject(account: str) -> None:
    assert not set(token(account)) & set(".*> \t\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://broker/studio", "is not the address"),
        ("nats://broker:4222", "names no stream"),
        ("nats://broker/a.b", "names no stream"),
        ("kafka:///topic", "names no host"),
        ("kafka://broker:many/topic", "port"),
        ("nats", "is not the address"),
    ],
)
def test_what_is_no_address_is_said_without_its_secret(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        relay_address(text)


def test_an_address_is_shown_without_its_secret() -> None:
    address = relay_address("kafkas://us%40er:pass%2Fword@one.example,[::1]:19092/studio.facts")
    assert (address.user, address.password) == ("us@er", "pass/word")
    assert address.hosts == ("one.example:9092", "[::1]:19092")
    assert "pass" not in f"{address} {address!r}"
    assert address.target == "kafka/studio.facts"
