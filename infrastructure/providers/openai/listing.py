"""OpenAI's offers now: the models that a key may use, each with the day on which it is shut down, if that is known.

    GET /models ──> {"data": [{"id", "created", "owned_by", "shutdown_date"}]}      "2026-12-01", or null

Neither inputs nor prices are listed. A model that makes images is told by its name alone, as nothing else in the list
says it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from application.providing.answers import is_word
from application.providing.listings import Offered, Offers
from domain.counts import counted
from infrastructure.clock import SECOND
from infrastructure.wire.answers import Answer, Unreadable
from infrastructure.wire.api import Api

LIST_SECONDS: Final = 30.0
MOST_MODELS: Final = 20_000
PICTURES: Final = re.compile(r"(^|[-.])(image|images|dall-e)([-.]|$)")
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


async def read_models(api: Api, within: float = LIST_SECONDS) -> list[Mapping[str, Any]]:
    """The entries of the list that can be read. Raises ProviderError."""
    return [one for one in _entries(await api.read("GET", "/models", within=within)) if _is_entry(one)]


async def offers(api: Api, routes: Collection[str]) -> Offers:
    """Those that make images, and those of `routes`. Raises ProviderError."""
    entries = _entries(await api.read("GET", "/models", within=LIST_SECONDS))
    listed = [one for one in entries if _is_entry(one)]
    wanted = [one for one in listed if one["id"] in routes or PICTURES.search(one["id"])]
    unread = [one["id"] for one in wanted if ends(one) is None and one.get("shutdown_date") is not None]
    left = len(listed) - len(wanted)
    notes = [f"left out: {counted(left, 'model')} of no images, by name"] if left else []
    odd = len(entries) - len(listed)
    notes += (
        [f"{counted(odd, 'entry', 'entries')} of the list cannot be read, so that nothing is said to be gone"]
        if odd
        else []
    )
    notes += [f"the shutdown date of {name!r} cannot be read" for name in unread]
    kinds = ("text-to-image", "image-edit")
    found = tuple(Offered(one["id"], kinds=kinds, retires=ends(one)) for one in wanted)
    return Offers(found, is_whole=not odd, tells_ends=True, notes=tuple(notes[:100]))


def ends(entry: Mapping[str, Any]) -> int | None:
    """The instant at which the day of its shutdown begins, in UTC; None where no day is told, or none that is one."""
    day = entry.get("shutdown_date")
    if not isinstance(day, str) or not DAY.fullmatch(day):
        return None
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * SECOND
    except ValueError:
        return None


def _entries(answer: Answer) -> list[Any]:
    data = answer.object().get("data")
    if not isinstance(data, list) or len(data) > MOST_MODELS:
        raise Unreadable("the provider's list of models cannot be read")
    return data


def _is_entry(one: Any) -> bool:
    return isinstance(one, dict) and is_word(one.get("id"))
