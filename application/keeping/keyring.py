"""From an API key's secret to its holder: one query by an index at first, and none while nothing was changed.

    known ─ the form, its check ─┬─ remembered, and fresh ──────────────────────── holder
                                 └─ its facts, by its id in the log ─ its HMAC ─┬─ holder
                                                                                └─ Unauthenticated

A key is forgotten as soon as a fact about it is committed here or heard of from elsewhere. All that is remembered is
held against the log at least once a second, so that no key outlives its revocation for longer, and none opens anything
while the database is away.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from application.ledger.log import Codec, Link
from application.ledger.reader import LogFilter, LogReader
from domain.authority import KeyHolder
from domain.errors import StoreUnavailable
from domain.issuing import ended
from domain.keys import ApiKey, KeyChanged, KeyFact, KeyIssued, KeyRevoked, evolve_key
from domain.keytext import BEGIN, PUBLIC, id_in, sealed

MOST = 1_000
"""Facts of one key."""
REMEMBERED = 10_000
"""Keys."""
PAGE = 500
FRESH = 1_000_000
"""Microseconds for which nothing is asked, if nothing was heard of meanwhile."""

NOWHERE = -1

log = logging.getLogger("imagestudio")


@dataclass(frozen=True, slots=True)
class Pepper:
    """A secret that keys' secrets are hashed under, kept apart from the database; `name` tells it from others."""

    name: str
    value: bytes = field(repr=False)


Peppers = Callable[[], Sequence[Pepper]]
"""This process's peppers, the newest first. Raises StoreUnavailable, InvalidInput."""


class KeyRing:
    """Knows keys by their secrets; safe from any thread."""

    def __init__(
        self,
        reader: LogReader,
        codec: Codec,
        peppers: Peppers,
        clock: Callable[[], int],
        steady: Callable[[], int],
        listen: Callable[[Callable[[int | None, Sequence[Link]], None]], None],
    ) -> None:
        """`listen` has the ring told of every commit; `steady` counts microseconds and is never set."""
        self._reader, self._codec, self._peppers = reader, codec, peppers
        self._clock, self._steady, self._listen = clock, steady, listen
        self._topics = tuple(name for fact in (KeyIssued, KeyChanged, KeyRevoked) for name in codec.names_of(fact))
        self._remembered: OrderedDict[str, ApiKey] = OrderedDict()
        self._lock, self._one_looks = threading.Lock(), threading.Lock()
        self._changes = 0
        """Raised by whatever makes a remembered key untrue, so that nobody remembers what was read before."""
        self._position = NOWHERE
        self._looked = 0
        self._heard = True
        self._looks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Future[None]] = WeakKeyDictionary()

    async def known(self, secret: str) -> KeyHolder:
        """The holder of a key, by its secret.

        Raises Unauthenticated for what opens nothing (no key's, revoked, expired), and StoreUnavailable if nobody can
        tell.
        """
        if not self._is_fresh():
            await self._freshen()
        key = self._recall(secret)
        if key is None and (id := id_in(secret)) is not None:
            key = await asyncio.to_thread(self._look_up, id, lambda one: self._opens(one, secret))
        return self._holder(key)

    async def shown_before(self, account: str, id: str) -> KeyHolder:
        """The holder of a key whose secret was shown before, by its account and id. Raises as `known`."""
        if not self._is_fresh():
            await self._freshen()
        with self._lock:
            key = self._remembered.get(id)
        if key is None or key.account != account:
            key = await asyncio.to_thread(self._look_up, id, lambda one: one.account == account)
        return self._holder(key)

    def _holder(self, key: ApiKey | None) -> KeyHolder:
        if key is None or not key.is_live(self._clock()):
            raise ended(key)
        return KeyHolder(key.account, key.id, key.terms)

    def told(self, _position: int | None, links: Sequence[Link]) -> None:
        """This process has committed entries, or another may have; quickly."""
        if links:
            self._forget([str(link.operation) for link in links if link.topic in self._topics])
        else:
            self._heard = True

    def _forget(self, ids: Sequence[str]) -> None:
        """Look these up anew when they are shown again."""
        if not ids:
            return
        with self._lock:
            self._changes += 1
            for id in ids:
                self._remembered.pop(id, None)

    def _recall(self, secret: str) -> ApiKey | None:
        """The remembered key that the secret opens; its check is left for those that are not remembered."""
        id = f"key_{secret[len(BEGIN) : len(BEGIN) + PUBLIC]}"
        with self._lock:
            key = self._remembered.get(id)
            if key is not None:
                self._remembered.move_to_end(id)
        return key if key is not None and self._opens(key, secret) else None

    def _look_up(self, id: str, is_it: Callable[[ApiKey], bool]) -> ApiKey | None:
        """The key that the log has under this id, of the accounts that have such a one."""
        changes = self._changes
        key = next((one for one in self._read(id) if is_it(one)), None)
        if key is None:
            return None
        with self._lock:
            if self._changes == changes:
                self._remembered[id] = key
                while len(self._remembered) > REMEMBERED:
                    self._remembered.popitem(last=False)
        return key

    def _read(self, id: str) -> list[ApiKey]:
        keys: dict[str, ApiKey | None] = {}
        for entry in self._reader.read(0, MOST, LogFilter(operations=(id,), topics=self._topics)):
            fact = self._codec.decode(entry.link.topic, entry.link.state)
            if isinstance(fact, KeyFact):
                keys[fact.account] = evolve_key(keys.get(fact.account), fact)
        return [key for key in keys.values() if key is not None]

    def _opens(self, key: ApiKey, secret: str) -> bool:
        """Whether the secret is the key's, in the same time whether it is or not."""
        for pepper in self._peppers():
            if pepper.name == key.pepper:
                return hmac.compare_digest(key.digest, sealed(secret, pepper.value))
        # Those who run the studio are told what the holder may not know.
        log.warning("key %s is under pepper %s, which this process does not have", key.id, key.pepper)
        return False

    def _is_fresh(self) -> bool:
        return not self._heard and self._steady() - self._looked < FRESH

    async def _freshen(self) -> None:
        """Forget what was changed elsewhere; those who ask meanwhile wait for one look together."""
        loop = asyncio.get_running_loop()
        for _ in range(2):  # the first look may have begun before this was asked
            if self._is_fresh():
                return
            look = self._looks.get(loop)
            begins = look is None or look.done()
            if look is None or look.done():
                look = self._looks[loop] = asyncio.ensure_future(asyncio.to_thread(self._look))
            await asyncio.shield(look)
            if begins:
                return

    def _look(self) -> None:
        with self._one_looks:
            if self._position == NOWHERE:
                self._listen(self.told)
            self._heard, begun = False, self._steady()
            try:
                self._look_on()
            except StoreUnavailable:
                self._heard = True
                raise
            self._looked = begun

    def _look_on(self) -> None:
        end = self._reader.end()
        full = self._position != NOWHERE
        while full:
            page = self._reader.read(self._position, PAGE, LogFilter(upto=end, topics=self._topics))
            self._forget([str(entry.link.operation) for entry in page])
            self._position = page[-1].position if page else self._position
            full = len(page) == PAGE
        self._position = end
