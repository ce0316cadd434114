"""What a consumer of a stream or a topic reads, by the clients that consumers use."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from infrastructure.exporting.metering import meter_event
from infrastructure.relaying.address import NATS, RelayAddress
from infrastructure.service import Studio

QUIET = 10.0


@dataclass(frozen=True, slots=True)
class Read:
    """A message as it is there: `lane` is the partition, or the subject's account."""

    id: str
    lane: str
    event: dict[str, Any]

    @property
    def account(self) -> str:
        return str(self.event["subject"])


async def read_all(address: RelayAddress) -> list[Read]:
    """Every message that is there, in order of the stream, or of each partition."""
    if address.kind == NATS:
        return await _of_stream(address)
    return await asyncio.to_thread(_of_topic, address)


async def _of_stream(address: RelayAddress) -> list[Read]:
    import nats

    from infrastructure.relaying.jetstream import tls_of

    encrypted = {"tls": tls_of(address)} if address.encrypted else {}
    signed = {"user": address.user, "password": address.password} if address.user else {}
    connection = await nats.connect(f"nats://{address.hosts[0]}", **encrypted, **signed)
    stream = connection.jetstream()
    state = (await stream.stream_info(address.name)).state
    found = [await stream.get_msg(address.name, seq=at) for at in range(state.first_seq, state.last_seq + 1)]
    await connection.close()
    assert all(one.headers["Content-Type"] == "application/cloudevents+json" for one in found)
    return [Read(unquote(one.headers["Nats-Msg-Id"]), one.subject.split(".")[1], json.loads(one.data)) for one in found]


def _of_topic(address: RelayAddress) -> list[Read]:
    from confluent_kafka import Consumer, TopicPartition

    from infrastructure.relaying.kafka import security_of

    usual = {"bootstrap.servers": address.hosts[0], "isolation.level": "read_committed", "enable.partition.eof": True}
    usual |= security_of(address)
    consumer = Consumer({**usual, "group.id": "anybody", "enable.auto.commit": False, "fetch.wait.max.ms": 50})
    count = len(consumer.list_topics(address.name, timeout=QUIET).topics[address.name].partitions)
    found, ended = list[Read](), 0
    consumer.assign([TopicPartition(address.name, at, 0) for at in range(count)])
    while ended < count:
        one = consumer.poll(QUIET)
        assert one is not None, "nothing was answered"
        if one.error():
            ended += 1
            continue
        headers = dict(one.headers())
        assert headers["Content-Type"] == b"application/cloudevents+json"
        found.append(Read(headers["id"].decode(), str(one.partition()), json.loads(one.value())))
        assert one.key().decode() == found[-1].account
    consumer.close()
    return found


def assert_told_once(read: Sequence[Read], studio: Studio) -> None:
    """All facts of the books, each once, as the CloudEvents of exports, and each account's in order and in one lane."""
    booked = [meter_event(one) for one in studio.books.log.read()]
    doubled = {id: count for id, count in Counter(one.id for one in read).items() if count > 1}
    assert not doubled
    told = {one.id: one.event for one in read}
    assert {event["id"] for event in booked} - told.keys() == set(), "lost"
    assert told == {event["id"]: event for event in booked}
    for account in {event["subject"] for event in booked}:
        mine = [one for one in read if one.account == account]
        assert [one.id for one in mine] == [event["id"] for event in booked if event["subject"] == account]
        assert len({one.lane for one in mine}) == 1
