"""How providers stand here, and how they took a check: as JSON and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrastructure.showing.formats import iso

if TYPE_CHECKING:
    from application.providing.checking import Checked, ProviderStanding

LOST_ANSWERS = {
    "repeatable": "run again, it is free",
    "findable": "looked up there",
    "blind": "released after a grace",
}
"""The fate of a submission whose answer was lost, by what its provider allows."""


def standing_document(one: ProviderStanding) -> dict[str, object]:
    """A provider with how many of its models are ready, and what keeps the others from use."""
    missing = {one.off: sum(one.models.values())} if one.off else one.models
    lacks = [{"what": what, "models": count} for what, count in sorted(missing.items()) if what]
    return {
        "name": one.name,
        "enabled": not one.off,
        "models": sum(one.models.values()),
        "ready": 0 if one.off else one.models.get("", 0),
        "recovery": one.recovery.value,
        "lacks": lacks,
    }


def checked_document(one: Checked) -> dict[str, object]:
    """The outcome of a check, and which models its key can reach if the provider lists them."""
    written: dict[str, object] = {"name": one.name, "state": one.state, "detail": one.words}
    if one.reach is not None:
        ends = {id: iso(end)[:10] for id, end in one.reach.ends.items()}
        written |= {"offered": list(one.reach.offered), "missing": list(one.reach.missing), "retires": ends}
    return written


def here(one: ProviderStanding) -> str:
    """Whether it is ready here, and what it lacks."""
    return "; ".join(part for part in ("ready" if one.is_set_up else "", one.lacks) if part)
