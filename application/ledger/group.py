"""One group of decisions in one transaction: each is run and encoded by itself, so what fails there fails alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from application.ledger.indexing import Moved, index_row
from application.ledger.log import (
    Codec,
    CommittedLinks,
    Head,
    Link,
    as_row,
    link_hash,
    operation_of,
)
from application.ledger.memory import Memory, Remembered, fold_assets, fold_operations
from application.ledger.periodkeeping import keep_period
from application.ledger.reading_back import entries_about, head_of, read_back
from application.ledger.retagging import note_tags
from application.ledger.transaction import (
    AccountRow,
    Beside,
    Conflict,
    ContentRow,
    JobRow,
    KeyRow,
    LeaseRow,
    QueueRow,
    Transaction,
    WordsRow,
)
from domain.actor import Actor, ActorKind
from domain.assets import NEVER_DECIDED, AssetAdded
from domain.errors import ImageStudioError, InvalidInput, LogCorrupted, StoreRefused, StoreUnavailable
from domain.evidence import Spent
from domain.ledger import Decide, Fact, Ledger, account_stream, evolve, period_stream, stream_of
from domain.operation import CLOSED_PHASES, PHASES, Held, ProviderFailed, Rejected, Requested, State
from domain.periods import Period
from domain.relocation import check_here
from domain.tags import TagChange
from domain.turns import USUAL_PLACE
from domain.value import maker, value
from domain.webhooks import WebhookChanged, WebhookRegistered

if TYPE_CHECKING:
    from application.ledger.saving import LedgerLog

LARGEST_FACT = 64 * 1024
"""Bytes; whatever is larger is content, and content is not kept in the log."""
BRINGING = (AssetAdded, WebhookRegistered, WebhookChanged)
"""Facts about what has content of its own."""
QUEUED = PHASES[Held]
"""Held and not dispatched: in the queue, for whichever process performs it."""


@value
class Proposal:
    """A pure decision about one account, the evidence it needs, and what is written beside its facts.

    `operations` and `job` are looked up under the lock, and the job is written with the facts; `own` are ids minted
    for this decision, looked up when it is decided again, so that it finds its own facts. `words` are kept if the
    provider failed. A `patient` one is retried until it is written, the database refuses it for good, or the writer
    closes. `look` reads something from the ledger as the decision leaves it. `earlier` is the stream of an earlier
    period that it needs, `recent` the instant from which it needs the facts of the current one, if it needs any.
    `assets` are those whose earlier decisions it needs, `quote` that whose approval it does, `alarm` what it raises.
    """

    account: str
    decide: Decide
    operations: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    key: KeyRow | None = None
    job: JobRow | None = None
    content: ContentRow | None = None
    words: WordsRow | None = None
    opening: bool = False
    patient: bool = False
    look: Callable[[Ledger, int], Any] | None = None
    earlier: str | None = None
    ends: str | None = None  # the stream whose end it needs
    corrects: Callable[[Ledger], Period] | None = None  # the period whose charges it gives back
    recent: Callable[[Ledger, int], int | None] | None = None
    assets: tuple[str, ...] = ()
    quote: str | None = None
    alarm: str | None = None  # what it raises
    tags: TagChange | None = None  # how it changes those of its operations
    other_key: str | None = None  # one that was spent before, which it needs to know of
    actor: str | None = None  # who decides it, as text; None is this process, by itself
    place: int = USUAL_PLACE  # in the queue, of what is queued by it


@value
class Receipt:
    """The facts that were appended, where the decision's operations stand now, and the earlier use of its key."""

    facts: tuple[Fact, ...]
    states: dict[str, State]
    known: Spent | None
    seen: Any = None


_make_receipt = maker(Receipt)


class Mailbox(Protocol):
    """The receiver of finished tickets: many at a time, because waking a caller costs more than deciding."""

    def deliver(self, tickets: Sequence[Ticket]) -> None: ...


@dataclass(slots=True, eq=False)
class Ticket:
    """A decision in the queue since `since` (seconds, monotonic); ends with a receipt or an error. `unknown` is whether
    a commit that held it was sent and never answered: it may be recorded."""

    proposal: Proposal
    port: Mailbox
    receipt: Receipt | None = None
    error: BaseException | None = None
    again: bool = False
    since: float = 0.0
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Whose operations the group opens, how long they are leased (microseconds), and how often a period is kept."""

    owner: str
    lease: int
    snapshot_every: int
    moves: bool = False
    """Whether it moves accounts, and so decides also about those that have left here."""
    actor: str = field(init=False)
    """This process, as the one who does what nobody asks for."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "actor", str(Actor(ActorKind.STUDIO, self.owner)))


@dataclass(slots=True)
class Group:
    """The decisions of one transaction, under the locks of its accounts."""

    transaction: Transaction
    codec: Codec
    terms: LeaseTerms
    now: int
    ledgers: dict[str, Remembered | LogCorrupted] = field(default_factory=dict)
    links: CommittedLinks = field(default_factory=CommittedLinks)
    index: dict[str, Moved] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
    position: int | None = None
    """The last fact's position in the log, once committed, if the store tells."""
    jobs: dict[tuple[str, str], str] = field(default_factory=dict)
    """Whose the jobs are that the group names: what one decision takes, no later one may, whatever its account."""

    def run(self, tickets: Sequence[Ticket], memory: Memory) -> None:
        """Lock, bring up, load evidence, then decide one after another."""
        accounts = sorted({ticket.proposal.account for ticket in tickets})
        opening = sorted({ticket.proposal.account for ticket in tickets if ticket.proposal.opening})
        rows = self.transaction.lock(accounts, opening)
        self.ledgers = memory.bring_up(self.transaction, rows, accounts)
        self._load_keys(tickets)
        self._load_jobs(tickets)
        self._load_operations(tickets)
        self._load_assets(tickets)
        for ticket in tickets:
            self._decide(ticket)

    def commit(self, log: LedgerLog) -> list[Remembered]:
        """Write everything, or nothing if nothing was decided; the ledgers to remember."""
        read = [ledger for ledger in self.ledgers.values() if isinstance(ledger, Remembered)]
        for account, count in self.touched.items():
            self._close_account(self._ledger(account), count)
        if self.links:
            self._fill_beside()
            log.recorder.insert_events(self.links, transaction=self.transaction)  # type: ignore[arg-type]
            self.position = self.transaction.commit(self.beside)
        return [remembered for remembered in read if remembered.revision]

    def _load_keys(self, tickets: Sequence[Ticket]) -> None:
        wanted = [(t.proposal.account, t.proposal.key.key) for t in tickets if t.proposal.key is not None]
        wanted += [(t.proposal.account, t.proposal.other_key) for t in tickets if t.proposal.other_key is not None]
        if not wanted:
            return
        for (account, key), known in self.transaction.keys(wanted).items():
            ledger = self.ledgers[account]
            if isinstance(ledger, Remembered):
                ledger.ledger.evidence.keys[key] = known

    def _load_jobs(self, tickets: Sequence[Ticket]) -> None:
        wanted = {(t.proposal.job.provider, t.proposal.job.job) for t in tickets if t.proposal.job is not None}
        if not wanted:
            return
        self.jobs = self.transaction.jobs(sorted(wanted))

    def _load_operations(self, tickets: Sequence[Ticket]) -> None:
        wanted: dict[str, str] = {}
        for ticket in tickets:
            proposal = ticket.proposal
            ledger = self.ledgers[proposal.account]
            for id in proposal.operations + (proposal.own if ticket.again else ()):
                if isinstance(ledger, Remembered) and ledger.ledger.look_up(id) is None:
                    wanted[id] = proposal.account
        if not wanted:
            return
        links: dict[str, list[Link]] = {}
        for link in entries_about(self, wanted):
            links.setdefault(str(link.operation), []).append(link)
        for id, entries in links.items():
            self._find(wanted[id], id, entries)

    def _find(self, account: str, id: str, entries: Sequence[Link]) -> None:
        """One operation as evidence; where its entries cannot be read, its account decides nothing."""
        remembered = self.ledgers[account]
        if isinstance(remembered, LogCorrupted):
            return
        try:
            state = fold_operations(self.codec, entries)[id]
        except LogCorrupted as error:
            self.ledgers[account] = error
            return
        if state.operation.account == account:
            remembered.ledger.evidence.found[id] = state

    def _load_assets(self, tickets: Sequence[Ticket]) -> None:
        """Earlier decisions about the assets that are named; if they cannot be read, their account decides nothing."""
        for proposal in [ticket.proposal for ticket in tickets if ticket.proposal.assets]:
            remembered = self.ledgers[proposal.account]
            if not isinstance(remembered, Remembered):
                continue
            try:
                states = fold_assets(self.codec, self.transaction.operations(proposal.assets))
            except LogCorrupted as error:
                self.ledgers[proposal.account] = error
                continue
            known = {id: states.get(id, NEVER_DECIDED) for id in proposal.assets}
            remembered.ledger.evidence.assets.update(known)

    def _ledger(self, account: str) -> Remembered:
        ledger = self.ledgers[account]
        assert isinstance(ledger, Remembered)
        return ledger

    def _decide(self, ticket: Ticket) -> None:
        proposal = ticket.proposal
        remembered = self.ledgers[proposal.account]
        if isinstance(remembered, LogCorrupted):
            ticket.error = remembered
            return
        if proposal.job is not None:
            remembered.ledger.evidence.jobs.update(self.jobs)
        try:
            now = max(self.now, remembered.ledger.last)
            read_back(self, proposal, remembered, now)
            facts = proposal.decide(remembered.ledger, now)
            if not self.terms.moves:
                check_here(remembered.ledger, facts)
            links, heads = self._encode(remembered, facts, proposal.actor or self.terms.actor)
        except (Conflict, StoreUnavailable, StoreRefused):  # the transaction is lost, not this decision
            raise
        except Exception as error:  # noqa: BLE001 - handed to the one caller whose decision it is; the others go on
            ticket.error = error
            return
        if facts:
            remembered.heads.update(heads)
            self._apply(remembered, facts, links, proposal.place)
            self._note(proposal, remembered, facts)
        try:
            ticket.receipt = _receipt(proposal, remembered.ledger, facts, self.now)
        except ImageStudioError as error:  # nothing was decided, and there is nothing to look at
            ticket.error = error

    def _encode(self, remembered: Remembered, facts: Iterable[Fact], actor: str) -> tuple[list[Link], dict[str, Head]]:
        """The rows of the facts, and the ends of their streams if they are appended."""
        ends: dict[str, tuple[int, bytes]] = {}
        links = []
        for fact in facts:
            stream = stream_of(fact)
            version, hash = ends.get(stream) or head_of(self.transaction, remembered, stream)
            topic, state = self.codec.encode(fact)
            if len(state) > LARGEST_FACT:
                raise InvalidInput(topic, f"the fact has {len(state)} bytes, at most {LARGEST_FACT} can be recorded")
            version, operation = version + 1, operation_of(fact)
            hash = link_hash(hash, stream, version, topic, operation, actor, state)
            ends[stream] = (version, hash)
            links.append(as_row(Link, (stream, version, topic, state, operation, actor, hash)))
        return links, {stream: Head(*end) for stream, end in ends.items()}

    def _apply(self, remembered: Remembered, facts: Sequence[Fact], links: Sequence[Link], place: int) -> None:
        before: dict[str, State | None] = {}
        ledger = remembered.ledger
        for fact, link in zip(facts, links, strict=True):
            id = link.operation
            if id is not None and id not in before:
                before[id] = None if isinstance(fact, Requested) else ledger.look_up(id)
            evolve(ledger, fact)
        for id, state in before.items():
            self._index(remembered, id, "" if state is None else PHASES[type(state)], place)
        self.links += links
        self.links.facts += facts
        self.touched[remembered.account] = self.touched.get(remembered.account, 0) + len(links)

    def _index(self, remembered: Remembered, id: str, was: str, place: int) -> None:
        state = remembered.ledger.look_up(id)
        if state is not None:
            was = self.index[id].was if id in self.index else was
            self.index[id] = as_row(Moved, (index_row(state), was, state.operation.provider, place))

    def _note(self, proposal: Proposal, remembered: Remembered, facts: Sequence[Fact]) -> None:
        if proposal.key is not None:
            keys = remembered.ledger.evidence.keys
            spent = self.beside.respent if proposal.key.key in keys else self.beside.keys
            spent.append(proposal.key)
            refused = isinstance(facts[-1], Rejected)
            keys[proposal.key.key] = Spent(proposal.key.reference, proposal.key.fingerprint, refused)
        if proposal.job is not None:
            self._note_job(proposal.job)
        if proposal.words is not None and any(isinstance(fact, ProviderFailed) for fact in facts):
            self.beside.words.append(proposal.words)
        if proposal.tags is not None:
            note_tags(self.beside, remembered.ledger.evidence, proposal.tags, facts)
        if proposal.content is not None and self._is_wanted(proposal.content, proposal.own, facts):
            self.beside.contents.append(proposal.content)

    def _is_wanted(self, content: ContentRow, own: Iterable[str], facts: Iterable[Fact]) -> bool:
        """Content is kept for operations that were admitted, for a file that was added, for a webhook's address."""
        opened = True in [self._is_open(id) for id in own]
        return opened or any(isinstance(fact, BRINGING) and fact.content == content.batch for fact in facts)

    def _note_job(self, job: JobRow) -> None:
        """Once: what is settled by a job may have been claimed with it before."""
        if self.jobs.get((job.provider, job.job)) != job.operation:
            self.beside.jobs.append(job)
            self.jobs[job.provider, job.job] = job.operation

    def _is_open(self, id: str) -> bool:
        return id in self.index and self.index[id].row.phase not in CLOSED_PHASES

    def _close_account(self, remembered: Remembered, count: int) -> None:
        current = remembered.ledger.current
        if current is not None:
            stream = period_stream(remembered.account, current.period)
            if stream != remembered.stream:
                remembered.stream, remembered.snapshot = stream, 0
        remembered.revision += count
        terms = remembered.heads.get(account_stream(remembered.account), Head())
        head = remembered.heads.get(remembered.stream, Head())
        self.beside.accounts.append(
            AccountRow.of(
                remembered.account, remembered.revision, remembered.stream, head, terms, remembered.ledger.last
            )
        )
        keep_period(self.beside, self.codec, self.terms.snapshot_every, remembered, head)

    def _fill_beside(self) -> None:
        expires = self.now + self.terms.lease
        for moved in self.index.values():
            (self.beside.moved if moved.was else self.beside.requested).append(moved.row)
            self._hand_over(moved, expires)

    def _hand_over(self, moved: Moved, expires: int) -> None:
        """An open operation is in the queue or under a lease; one that is sent out of the queue was claimed."""
        row, was, beside = moved.row, moved.was, self.beside
        if row.phase == QUEUED:
            waits = QueueRow(row.operation, row.account, moved.provider, moved.place)
            beside.queued += [] if was == QUEUED else [waits]
            beside.closed += [] if was in ("", QUEUED) else [row.operation]
            return
        beside.unqueued += [row.operation] if was == QUEUED else []
        if row.phase in CLOSED_PHASES:
            beside.closed += [row.operation] if was else []
        elif was in ("", QUEUED):
            beside.leased.append(LeaseRow(row.operation, row.account, self.terms.owner, 1, expires))


def _receipt(proposal: Proposal, ledger: Ledger, facts: Sequence[Fact], now: int) -> Receipt:
    ids = proposal.operations + proposal.own
    states = {id: state for id in ids if (state := ledger.look_up(id)) is not None}
    known = ledger.evidence.keys.get(proposal.key.key) if proposal.key is not None else None
    seen = proposal.look(ledger, max(now, ledger.last)) if proposal.look is not None else None
    return _make_receipt(tuple(facts), states, known, seen)
