"""Every table that stands beside the log and from which something is decided, held against what the log says of it.

    log, a page of requests ── their facts ── what must stand beside them ─┬─ keys, operations, jobs, leases, queue …
    each table, a page of rows ── their facts ── nobody recorded them ─────┘
    snapshots ── their streams, folded
    erased users ── the facts of their erasures

Each page is read in one moment of the database, so what is written meanwhile is no difference; memory holds a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from application.keeping.derived import (
    Derived,
    additions_otherwise,
    contents_of,
    contents_otherwise,
    first_of,
    tell_fingerprints,
    tell_queue,
    told_by,
)
from application.keeping.erasedrows import erased_otherwise, erased_rows
from application.keeping.snapshots import periods_otherwise
from application.keeping.tables import (
    PAGE,
    TABLES,
    Desk,
    Discrepancy,
    Ground,
    Place,
    Row,
    columns_of,
    place_in_table,
    places_of,
)
from application.ledger.contents import owner_in
from application.ledger.group import BRINGING
from application.ledger.reader import LogFilter
from domain.granting import CHARGEBACK, GRANT, spent_key
from domain.ledger import CREDIT, CreditAdded, Fact
from domain.operation import Dropped, Refused, Requested
from domain.wallet import ChargedBack, GrantGiven

FOREVER = 2**63 - 1
SPENDING = (CreditAdded, GrantGiven, ChargedBack)
PREFIXES = (CREDIT, GRANT, CHARGEBACK)
OF_THE_OPEN = ("leases", "queue")
"""One of them has a row of each open operation, and of a closed one none has."""
LONGEST_LEASE = 24 * 60 * 60 * 1_000_000
"""Microseconds from now at which the longest lease ends; one that ends later would be a hold for ever."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """The rows that a page of the log asks about: operations by id, assets and webhooks by id, and payments."""

    operations: tuple[str, ...]
    others: tuple[str, ...]
    spent: tuple[tuple[str, str, str], ...]
    """The references of payments, grants and chargebacks: account, key and fingerprint."""


def differences(ground: Ground, account: str | None = None) -> Iterator[Discrepancy]:
    """Every row that is not as the log says, and no other: of keys, operations, jobs, leases, queue, contents, periods
    and erased users.

    Of all accounts or one. Raises LogCorrupted for an entry that cannot be read, StoreUnavailable.
    """
    for page in requests(ground, account):
        with ground.desks.moment() as desk:
            yield from told_otherwise(ground, desk, page)
    for table in ("operations", "keys", "jobs", *OF_THE_OPEN, "contents"):
        if account is not None and "account" not in columns_of(table):
            continue
        for places in places_of(ground.desks, table, account):
            with ground.desks.moment() as desk:
                yield from unheard_of(ground, desk, table, places)
    yield from periods_otherwise(ground, account)
    asked = erased_rows(ground, account)
    with ground.desks.moment() as desk:
        yield from erased_otherwise(desk, asked)


def requests(ground: Ground, account: str | None) -> Iterator[LogPage]:
    """The log's requests and payments, a page at a time."""
    topics = tuple(name for one in (Requested, *BRINGING, *SPENDING) for name in ground.codec.names_of(one))
    which = LogFilter(upto=ground.reader.end(), account=account, topics=topics)
    last = -1
    while page := ground.reader.read(last, PAGE, which):
        facts = [ground.codec.decode(entry.link.topic, entry.link.state) for entry in page]
        ids = [fact.operation.id for fact in facts if isinstance(fact, Requested)]
        brought = [
            str(entry.link.operation) for entry, fact in zip(page, facts, strict=True) if isinstance(fact, BRINGING)
        ]
        yield LogPage(tuple(ids), tuple(dict.fromkeys(brought)), tuple(_spent(facts)))
        last = page[-1].position


def _spent(facts: Iterable[Fact]) -> Iterator[tuple[str, str, str]]:
    for fact in facts:
        if isinstance(fact, SPENDING) and (spent := spent_key(fact)) is not None:
            yield (fact.account, *spent)


def told_otherwise(ground: Ground, desk: Desk, asked: LogPage) -> Iterator[Discrepancy]:
    """Rows that the log's requests and payments ask for, and that are missing or say something else."""
    told = told_by(ground.codec, desk.entries_of((*asked.operations, *asked.others)))
    contents = contents_of(desk, told)
    yield from contents_otherwise(told, contents)
    yield from additions_otherwise(told, contents)
    tell_fingerprints(told, contents)
    if held := list(told.rows["queue"]):
        tell_queue(told, contents, [(row["operation"],) for row in desk.rows("leases", ("operation",), held)])
    for account, key, fingerprint in asked.spent:
        row: Row = {"reference": key, "fingerprint": fingerprint}
        told.add("keys", (account, key), account, row)
    for table in ("operations", "keys", "jobs", *OF_THE_OPEN):
        yield from _compared(ground, desk, table, told)


def _compared(ground: Ground, desk: Desk, table: str, told: Derived) -> Iterator[Discrepancy]:
    rows, key = told.rows[table], TABLES[table].key
    places = list(rows) if table not in OF_THE_OPEN else [(id,) for id in told.states]
    stored = {place_in_table(table, row): row for row in desk.rows(table, key, places)} if places else {}
    for place in places:
        wanted, found = rows.get(place), stored.get(place)
        account = told.accounts["operations", place] if table in OF_THE_OPEN else told.accounts[table, place]
        if table == "leases" and wanted is not None:
            wanted = {**wanted, "expires": _ends(ground, found)}
        if _agree(wanted, found) or (found is not None and _is_newer(ground, desk, table, place, found, told)):
            continue
        yield Discrepancy(table, account, dict(zip(key, place, strict=True)), found, wanted)


def _agree(wanted: Row | None, found: Row | None) -> bool:
    if wanted is None or found is None:
        return wanted is found
    return all(value is None or found[name] == value for name, value in wanted.items())


def _ends(ground: Ground, lease: Row | None) -> int | None:
    """When a lease must end that is missing or would outlast all others; None is whenever it does."""
    expires = lease["expires"] if lease is not None else FOREVER
    assert isinstance(expires, int)
    return ground.now + ground.lease if expires > ground.now + max(LONGEST_LEASE, ground.lease) else None


def _is_newer(ground: Ground, desk: Desk, table: str, place: Place, found: Row, told: Derived) -> bool:
    """Whether the row is what a later request under the key, or another claim of the job, made of it."""
    if table == "jobs":
        other = told_by(ground.codec, desk.entries_of([str(found["operation"])]))
        return other.rows["jobs"].get(place) == {"operation": found["operation"]}
    if table != "keys" or found["reference"] == told.rows["keys"][place]["reference"]:
        return False
    batch = str(told.rows["keys"][place]["reference"])
    ours = [one for one in told.requested.values() if one.operation.batch == batch]
    theirs = told_by(ground.codec, desk.entries_of(first_of(str(found["reference"])))).requested.values()
    return any((one.operation.account, one.key) == place and one.at >= ours[0].at for one in theirs) if ours else False


def unheard_of(ground: Ground, desk: Desk, table: str, places: Sequence[Place]) -> Iterator[Discrepancy]:
    """Rows that no fact speaks of."""
    rows = desk.rows(table, TABLES[table].key, places)
    by_operation = {place_in_table(table, row): _operations_of(table, row) for row in rows}
    ids = [id for ids in by_operation.values() for id in ids]
    told = told_by(ground.codec, desk.entries_of(ids))
    paid = _paid(ground, rows) if table == "keys" else frozenset()
    for row in rows:
        place = place_in_table(table, row)
        if place in paid or _is_told(told, table, row, by_operation[place]):
            continue
        account = str(row.get("account") or _account_of(told, by_operation[place]))
        key = dict(zip(TABLES[table].key, place, strict=True))
        yield Discrepancy(table, account, key, row, None)


def _operations_of(table: str, row: Row) -> tuple[str, ...]:
    if table == "keys":
        return first_of(str(row["reference"]))
    if table == "contents":
        return (*first_of(str(row["batch"])), owner_in(str(row["batch"])))
    return (str(row["id"] if table == "operations" else row["operation"]),)


def _is_told(told: Derived, table: str, row: Row, ids: Sequence[str]) -> bool:
    known = [id for id in ids if id in told.states]
    if table == "keys":
        return place_in_table(table, row) in told.rows["keys"]
    if table == "contents":
        return row["batch"] in told.added.keys() | told.addresses.keys() or any(
            not isinstance(told.states[id], Refused) for id in known
        )
    if table == "jobs":
        # A late success brings its job with it, and no fact of its own names that.
        late = any(isinstance(state, Dropped) and state.late for state in map(told.states.__getitem__, known))
        return place_in_table(table, row) in told.rows["jobs"] or late
    return bool(known)


def _account_of(told: Derived, ids: Sequence[str]) -> str:
    return next((told.states[id].operation.account for id in ids if id in told.states), "")


def _paid(ground: Ground, rows: Sequence[Row]) -> frozenset[Place]:
    """Those of the keys under which payments were recorded: each account's payments are read through once a page."""
    wanted = {place_in_table("keys", row) for row in rows if str(row["key"]).startswith(PREFIXES)}
    found: set[Place] = set()
    for account in sorted({str(place[0]) for place in wanted}):
        which = LogFilter(
            account=account, topics=tuple(name for one in SPENDING for name in ground.codec.names_of(one))
        )
        last = -1
        while page := ground.reader.read(last, PAGE, which):
            facts = [ground.codec.decode(entry.link.topic, entry.link.state) for entry in page]
            found |= wanted & {(owner, key) for owner, key, _ in _spent(facts)}
            last = page[-1].position
    return frozenset(found)
