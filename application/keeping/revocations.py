"""Grants of an account that were revoked, each as it had been given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from application.ledger.log import Codec
from application.ledger.moments import PastReader
from domain.ledger import Fact
from domain.operation import Operation
from domain.wallet import GrantGiven, GrantRevoked


@dataclass(frozen=True, slots=True)
class RevokedGrant:
    """A grant that was revoked: where in the log, by whom, and the terms on which it had been given."""

    position: int
    actor: str
    fact: GrantRevoked
    given: GrantGiven | None

    def could_pay(self, operation: Operation, at: int) -> bool:
        """Whether it would have paid for an operation at an instant, had it not been revoked."""
        given = self.given
        if given is None or not self.fact.amount or (given.expires is not None and given.expires <= at):
            return False
        return not given.kinds or operation.kind in given.kinds or operation.family in given.kinds


def revocations_of(past: PastReader, codec: Codec, account: str) -> list[RevokedGrant]:
    """All of an account, in the order of the log; blocks. Each period is looked through once a process."""
    ends = past.ends_at(account, past.end())
    revoked = _facts(past, codec, ends, GrantRevoked)
    if not revoked:
        return []
    given = {fact.grant: fact for _, _, fact in _facts(past, codec, ends, GrantGiven) if isinstance(fact, GrantGiven)}
    return [
        RevokedGrant(position, actor, fact, given.get(fact.grant))
        for position, actor, fact in revoked
        if isinstance(fact, GrantRevoked)
    ]


def _facts(past: PastReader, codec: Codec, ends: Mapping[str, int], shape: type[Fact]) -> list[tuple[int, str, Fact]]:
    names = codec.names_of(shape)
    found = [entry for stream, version in ends.items() for entry in past.rare(stream, version, names)]
    told = [(one.position, one.link.actor, codec.decode(one.link.topic, one.link.state)) for one in found]
    return sorted(told, key=lambda one: one[0])
