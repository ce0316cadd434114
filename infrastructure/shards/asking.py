"""The question that each shard is asked, of one that is asked of all of them.

Positions of all, and moments, become each shard's own. Of groups by size each is asked for all, as one may be large
only together with those of the same name elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from application.ledger.moments import MomentOfShards, is_position
from application.ledger.positions import Positions, is_several
from domain.errors import InvalidInput

Args = tuple[Any, ...]
SUMS: Final = frozenset({"views.sum_up", "past.sum_up"})
AS_OF: Final = {"past.find": 2, "past.rows": 2, "past.sum_up": 1, "past.balance": 0, "past.moment": 0}
"""The place of the argument that says when, of calls that may be about all accounts."""


def shard_asked(shard: str, path: str, args: Args, named: Mapping[str, Any]) -> tuple[Args, Mapping[str, Any]]:
    """The arguments of a call as one shard is given them. Raises InvalidInput for positions that do not name it."""
    own = {name: _when(shard, one) if name == "as_of" else shard_part(shard, one) for name, one in named.items()}
    if path in SUMS and args[0].top is not None:
        own = {name: value for name, value in own.items() if name not in ("after", "limit")}
    place = AS_OF.get(path)
    mine = [_when(shard, one) if number == place else shard_part(shard, one) for number, one in enumerate(args)]
    return tuple(mine), own


def shard_part(shard: str, value: Any) -> Any:
    """The shard's own of a position or moment of all; any other value as it is."""
    if isinstance(value, MomentOfShards):
        return value.parts[shard]
    if isinstance(value, Positions):
        if shard not in value.logs:
            raise InvalidInput("position", f"{value} says none of shard {shard!r}", hint="name one of each shard")
        return value.logs[shard]
    return value


def _when(shard: str, value: Any) -> Any:
    """The shard's own of what a caller says when: positions of all shards, or an instant."""
    if isinstance(value, str) and is_several(value):
        value = Positions.parse(value, "as_of")
    if isinstance(value, int | str) and not isinstance(value, Positions) and is_position(value):
        told = f"{value} is a position of one log, and each shard has its own"
        raise InvalidInput("as_of", told, hint="give an instant, or one of each, such as a:16,b:12")
    return shard_part(shard, value)
