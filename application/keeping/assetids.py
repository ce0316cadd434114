"""The audit of assets' ids: each is worked out anew from the digest of its file, and held against the log.

    outputs ─────── the digest in the fact ──────────────┐
    inputs, added ─ the digest in erasable content ──────┴─ keyed BLAKE2b ── the id in the fact, or it is told

Of content that was erased nothing can be worked out, and nothing is told. The key is the ledger's; if that is another
than it was, every id differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from application.keeping.tables import PAGE, Ground
from application.keeping.walking import Problem
from application.ledger.contents import Body
from application.ledger.log import Positioned
from application.ledger.reader import LogFilter
from application.ledger.transaction import keyed_digest
from application.library.naming import AssetNames
from domain.assets import AssetAdded
from domain.operation import ProviderCompleted, Requested

NamedFact: TypeAlias = Requested | ProviderCompleted | AssetAdded
"""Facts that name assets by their ids."""

NAMING = (Requested, ProviderCompleted, AssetAdded)


def verify_asset_ids(ground: Ground, names: AssetNames, account: str | None = None) -> Iterator[Problem]:
    """Every fact that names an asset otherwise than its file would be named, of all accounts or one.

    Raises LogCorrupted for an entry that cannot be read, StoreUnavailable.
    """
    topics = tuple(name for one in NAMING for name in ground.codec.names_of(one))
    which = LogFilter(upto=ground.reader.end(), account=account, topics=topics)
    last = -1
    while page := ground.reader.read(last, PAGE, which):
        facts = [ground.codec.decode(entry.link.topic, entry.link.state) for entry in page]
        named = [(entry, fact) for entry, fact in zip(page, facts, strict=True) if isinstance(fact, NAMING)]
        bodies = _bodies(ground, [fact for _, fact in named])
        for entry, fact in named:
            yield from _otherwise(entry, fact, bodies.get(_content_of(fact)), names)
        last = page[-1].position


def _content_of(fact: NamedFact) -> str:
    return fact.content if isinstance(fact, AssetAdded) else fact.operation.batch


def _bodies(ground: Ground, facts: Sequence[NamedFact]) -> Mapping[str, Body]:
    """The contents that are kept of what was brought, and that are what they were."""
    digests = {_content_of(fact): fact.digest for fact in facts if not isinstance(fact, ProviderCompleted)}
    if not digests:
        return {}
    with ground.desks.moment() as desk:
        rows = desk.rows("contents", ("batch",), [(one,) for one in digests])
    return {
        str(row["batch"]): Body.from_json(str(row["body"]))
        for row in rows
        if isinstance(secret := row["secret"], bytes)
        and keyed_digest(secret, str(row["body"])) == digests[str(row["batch"])]
    }


def _otherwise(entry: Positioned, fact: NamedFact, body: Body | None, names: AssetNames) -> Iterator[Problem]:
    for told, wanted in _differing(fact, body, names):
        stream, version = str(entry.link.originator_id), entry.link.originator_version
        yield Problem(entry.position, stream, version, f"names a file asset {told}, and by its digest it is {wanted}")


def _differing(fact: NamedFact, body: Body | None, names: AssetNames) -> Iterator[tuple[str, str]]:
    if isinstance(fact, ProviderCompleted):
        id_of = _id_of(names, fact.operation.account)
        yield from ((one.id, id_of(one.digest)) for one in fact.assets if one.id and one.id != id_of(one.digest))
        return
    told = [(fact.asset)] if isinstance(fact, AssetAdded) else [given.id for given in fact.inputs]
    if body is None or not told:
        return
    id_of = _id_of(names, fact.account if isinstance(fact, AssetAdded) else fact.operation.account)
    wanted = [id_of(asset.digest) for assets in body.media.values() for asset in assets]
    lacking, beyond = Counter(wanted) - Counter(told), Counter(told) - Counter(wanted)
    yield from zip(sorted(beyond.elements()), sorted(lacking.elements()), strict=False)


def _id_of(names: AssetNames, account: str) -> Callable[[str], str]:
    return lambda digest: names.id(account, digest)
