"""Kafka's protocol: one topic that only the relay writes to; an account's facts are in one partition, in order.

    newest producer of ours ── the last message of each partition, as readers see it ── a batch, one transaction

A producer's name is the ledger's and the topic's, so that an older process of ours can write nothing more once a newer
one began, and what it left half-done is undone. The topic is asked for what it has, so that nothing is there twice
even where a broker shows what was undone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zlib import crc32

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from domain.errors import ImageStudioError
from infrastructure.relaying.address import RelayAddress
from infrastructure.relaying.broker import (
    CONTENT_TYPE,
    LEDGER,
    POSITION,
    Message,
    away,
    message_refused,
    position_there,
)
from infrastructure.store.relays import RelayMark

LOGGER = logging.getLogger("imagestudio.kafka")
LOGGER.propagate = False  # what matters of it is said by whoever waits for an answer

CONNECTING: Final = 5.0
ANSWERING: Final = 20.0
"""Seconds for one answer."""
LOOKING_BACK: Final = 16
"""Places from a partition's end where its last message is looked for; more where there is none."""
REFUSALS: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.POLICY_VIOLATION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)


TELLING: Final = frozenset({KafkaError._SSL, KafkaError._AUTHENTICATION, KafkaError._RESOLVE})


@dataclass(slots=True)
class KafkaBroker:
    """Implements Broker; the client blocks, so each call is in a thread of its own."""

    address: RelayAddress
    ledger: str
    _producer: Any = field(default=None, init=False)
    _there: list[int] = field(default_factory=list, init=False)
    """By partition, the position up to which its messages are there."""
    _objections: list[tuple[Message, KafkaError]] = field(default_factory=list, init=False)
    _heard: str = field(default="", init=False)

    async def open(self, mark: RelayMark, end: int) -> None:
        await self._apart(lambda: self._open(mark, end))

    async def send(self, messages: Sequence[Message]) -> int:
        new = [(one, at) for one in messages if one.position > self._there[at := self._partition(one)]]
        if new:
            await self._apart(lambda: self._send(new))
        return 0

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()

    async def _apart(self, work: Callable[[], None]) -> None:
        self._heard = ""
        try:
            await asyncio.to_thread(work)
        except KafkaException as error:
            raise away(self.address, self._heard or _reason(error)) from error

    def _partition(self, message: Message) -> int:
        return crc32(message.account.encode()) % len(self._there)

    def _usual(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "bootstrap.servers": ",".join(self.address.hosts),
            "client.id": "image-studio",
            "socket.connection.setup.timeout.ms": 5_000,
            "logger": LOGGER,
            "error_cb": self._hear,
        }
        return {**found, **security_of(self.address)}

    def _hear(self, error: KafkaError) -> None:
        """An error of a connection says more than that of whoever waited for it."""
        if error.code() in TELLING:
            self._heard = error.str()

    def _open(self, mark: RelayMark, end: int) -> None:
        count = self._partitions()
        name = f"image-studio-{self.ledger}-{self.address.name}"
        self._producer = Producer({**self._usual(), "transactional.id": name, "transaction.timeout.ms": 60_000})
        self._producer.init_transactions(ANSWERING)
        reading = {"group.id": name, "isolation.level": "read_committed", "enable.auto.commit": False}
        consumer = Consumer({**self._usual(), **reading, "enable.partition.eof": True, "fetch.wait.max.ms": 50})
        try:
            last = [self._last(consumer, TopicPartition(self.address.name, at)) for at in range(count)]
        finally:
            consumer.close()
        there = [position_there(headers, self.address, self.ledger, end) if headers else 0 for headers in last]
        self._there = [max(mark.position, one) for one in there]

    def _partitions(self) -> int:
        """How many the topic has. It is made if there is none, as the broker makes topics."""
        client, name = AdminClient(self._usual()), self.address.name
        try:
            known = client.list_topics(timeout=CONNECTING).topics
        finally:
            client.poll(0)
        if name not in known:
            made = client.create_topics([NewTopic(name, -1, -1)], operation_timeout=ANSWERING)[name]
            made.result(ANSWERING)
            known = client.list_topics(timeout=ANSWERING).topics
        return max(1, len(known[name].partitions)) if name in known else 1

    def _last(self, consumer: Any, place: Any) -> dict[str, str]:
        """The headers of the last message of a partition; empty if it has none."""
        low, high = consumer.get_watermark_offsets(place, timeout=ANSWERING)
        back, found = LOOKING_BACK, dict[str, str]()
        while not found and high > low:
            begin = max(low, high - back)
            consumer.assign([TopicPartition(place.topic, place.partition, begin)])
            while (one := consumer.poll(ANSWERING)) is not None and not one.error():
                found = {name: (value or b"").decode() for name, value in one.headers() or ()}
            if one is None or one.error().code() != KafkaError._PARTITION_EOF:
                raise KafkaException(one.error() if one is not None else KafkaError(KafkaError._TIMED_OUT))
            if begin == low:
                break
            back *= 8
        return found

    def _send(self, messages: Sequence[tuple[Message, int]]) -> None:
        self._objections.clear()
        self._producer.begin_transaction()
        for one, partition in messages:
            self._produce(one, partition)
        try:
            self._producer.commit_transaction(ANSWERING)
        except KafkaException as error:
            raise self._objection(error) from error
        for one, partition in messages:
            self._there[partition] = one.position

    def _produce(self, message: Message, partition: int) -> None:
        headers = {"Content-Type": CONTENT_TYPE, "id": message.id}
        told = {**headers, POSITION: str(message.position), LEDGER: self.ledger}

        def answered(error: KafkaError | None, _message: object) -> None:
            if error is not None:
                self._objections.append((message, error))

        try:
            self._producer.produce(
                self.address.name,
                key=message.account.encode(),
                value=message.body,
                partition=partition,
                headers=told,
                on_delivery=answered,
            )
        except KafkaException as error:
            if error.args[0].code() in REFUSALS:
                raise message_refused(message, _reason(error)) from error
            raise

    def _objection(self, error: KafkaException) -> ImageStudioError:
        for message, why in self._objections:
            if why.code() in REFUSALS:
                return message_refused(message, why.str())
        return away(self.address, _reason(error))


def security_of(address: RelayAddress) -> dict[str, str]:
    """The client's words for encryption, certificates and the password."""
    trust, user = address.trust, address.user
    protocol = f"{'SASL_' if user else ''}{'SSL' if address.encrypted else 'PLAINTEXT'}"
    files = {"ssl.ca.location": trust.ca, "ssl.certificate.location": trust.certificate}
    # a certificate's key may be in the same file, as it is in many tools
    files["ssl.key.location"] = trust.key or trust.certificate
    found = {"security.protocol": protocol, **{name: str(file) for name, file in files.items() if file is not None}}
    if not user:
        return found
    return {
        **found,
        "sasl.mechanism": trust.sasl.upper(),
        "sasl.username": user,
        "sasl.password": address.password,
    }


def _reason(error: KafkaException) -> str:
    found = error.args[0]
    return str(found.str() if isinstance(found, KafkaError) else found)
