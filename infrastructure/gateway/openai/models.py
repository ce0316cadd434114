"""`/v1/models`: the models that can be named, for the lists that clients show."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request

from domain.catalogue import Model
from domain.errors import UnknownModel
from domain.kinds import KINDS, Family
from infrastructure.gateway.callers import Reader
from infrastructure.gateway.gate import gate_of

router = APIRouter(prefix="/v1/models", tags=["Compatible routes"])
LISTED: Final = frozenset(kind for kind, family in KINDS.items() if family is not Family.OTHER)
CREATED: Final = 0
"""No model here says when it was made."""


@router.get("")
async def models(request: Request, _caller: Reader) -> dict[str, Any]:
    """List the models that the caller's account could use, with the aliases that stand for one."""
    gate = gate_of(request)
    off = gate.studio.providers.off
    found = [_document(one.id, one) for one in gate.models.listed(LISTED, gate.clock()) if one.provider not in off]
    return {"object": "list", "data": found}


@router.get("/{id}")
async def model(request: Request, _caller: Reader, id: str) -> dict[str, Any]:
    """One of them."""
    gate = gate_of(request)
    alias = gate.models.aliases.get(id)
    meant = next(iter(alias.models.values()), id) if alias is not None else id
    if meant not in gate.studio.catalogue:
        raise UnknownModel(f"there is no model {id!r}", hint="the list of models has them all")
    return _document(id, gate.studio.catalogue.get(meant))


def _document(id: str, model: Model) -> dict[str, Any]:
    return {"id": id, "object": "model", "created": CREATED, "owned_by": model.provider}
