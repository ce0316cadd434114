"""From the log to messages: every fact that is an event becomes a message to each webhook that wants it, once.

    mark ── facts after it ── the webhooks of their accounts, as they stood then ── messages ── with the mark, at once

The mark is compared and moved in the transaction that writes the messages. So a process that dies loses none and writes
none twice, and of several that take in the same part of the log one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from application.ledger.log import Codec, Positioned, operation_of
from application.ledger.reader import LogFilter, LogReader
from application.ports.hooks import HookMessage, HookPlan, HookTables
from domain.happenings import TELLING, event_id, events_of, told_to
from domain.ledger import Fact
from domain.webhooks import (
    Webhook,
    WebhookChanged,
    WebhookFact,
    WebhookPaused,
    WebhookRegistered,
    WebhookRemoved,
    WebhookResumed,
    WebhookRotated,
    evolve_webhook,
)

PAGE = 500
FAR = 5_000
"""Positions without any event after which the mark is moved all the same."""
ABOUT_WEBHOOKS: tuple[type[Fact], ...] = (
    WebhookRegistered,
    WebhookChanged,
    WebhookRotated,
    WebhookPaused,
    WebhookResumed,
    WebhookRemoved,
)


@dataclass(slots=True, eq=False)
class HookLog:
    """The log, as far as webhooks are concerned; blocking."""

    reader: LogReader
    codec: Codec
    about: tuple[str, ...] = field(init=False)
    """Names of the facts about webhooks."""
    telling: tuple[str, ...] = field(init=False)
    """The same, and names of facts that may be events."""

    def __post_init__(self) -> None:
        self.about = tuple(name for one in ABOUT_WEBHOOKS for name in self.codec.names_of(one))
        self.telling = (*self.about, *(name for one in TELLING for name in self.codec.names_of(one)))

    def fact(self, entry: Positioned) -> Fact:
        """Raises LogCorrupted."""
        return self.codec.decode(entry.link.topic, entry.link.state)

    def known(self, ids: Sequence[str], upto: int | None = None) -> dict[str, Webhook]:
        """Those of the webhooks that there are, as they stand at a position."""
        found: dict[str, Webhook | None] = {}
        for entry in self._all(LogFilter(upto=upto, operations=tuple(ids), topics=self.about)) if ids else ():
            fact = self.fact(entry)
            assert isinstance(fact, WebhookFact)
            found[fact.webhook] = evolve_webhook(found.get(fact.webhook), fact)
        return {id: one for id, one in found.items() if one is not None}

    def _all(self, wanted: LogFilter) -> Iterator[Positioned]:
        last = 0
        while page := self.reader.read(last, PAGE, wanted):
            yield from page
            last = page[-1].position


@dataclass(slots=True, eq=False)
class HookPlanner:
    """Takes in the log; blocking, and for one thread at a time."""

    log: HookLog
    tables: HookTables
    any_webhook: bool = field(default=False, init=False)
    """Whether there was a webhook when it last looked."""
    _seen: int = field(default=0, init=False)
    """Up to here nothing is to be taken in, although the mark is behind."""

    def advance(self) -> int:
        """Take in all that is new; how many messages that made. Raises LogCorrupted, StoreUnavailable."""
        end, made = self.log.reader.end(), 0
        while True:
            mark, self.any_webhook = self.tables.mark()
            after = max(mark, self._seen)
            if after >= end:
                return made
            topics = self.log.telling if self.any_webhook else self.log.about
            page = self.log.reader.read(after, PAGE, LogFilter(upto=end, topics=topics))
            upto = page[-1].position if len(page) == PAGE else end
            if page and not self.any_webhook:  # from the first webhook on, events count, too
                page, upto = page[:1], page[0].position
            plan = self._plan(mark, after, upto, page)
            if not (plan.messages or plan.registered or plan.removed) and upto - mark < FAR:
                self._seen = upto
            elif self.tables.take_in(plan):
                made += len(plan.messages)

    def _plan(self, mark: int, after: int, upto: int, page: Sequence[Positioned]) -> HookPlan:
        accounts = {told_to(self.log.fact(entry)) for entry in page}
        hooks = self.log.known(self.tables.webhooks_of(accounts), after) if accounts else {}
        registered: dict[str, str] = {}
        removed: set[str] = set()
        messages: list[HookMessage] = []
        for entry in page:
            fact = self.log.fact(entry)
            if not isinstance(fact, WebhookFact):
                messages += messages_of(entry, fact, hooks.values())
                continue
            now = evolve_webhook(hooks.pop(fact.webhook, None), fact)
            if now is not None:
                hooks[fact.webhook] = now
            if isinstance(fact, WebhookRegistered):
                registered[fact.webhook] = fact.account
            elif isinstance(fact, WebhookRemoved):
                removed.add(fact.webhook)
        kept = [one for one in messages if one.webhook not in removed]
        return HookPlan(mark, upto, registered, removed, kept)


def messages_of(entry: Positioned, fact: Fact, hooks: Iterable[Webhook]) -> list[HookMessage]:
    """The messages that an entry of the log is, to those of the webhooks that want it."""
    account = told_to(fact)
    return [
        HookMessage(
            webhook=hook.id,
            id=event_id(entry.link.hash, event),
            account=hook.account,
            event=event,
            operation=operation_of(fact) or "",
            position=entry.position,
            at=fact.at,
            due=fact.at,
        )
        for event in events_of(fact)
        for hook in hooks
        if hook.account == account and hook.wants(event)
    ]
