"""How a model of the catalogue stands at an instant, and in which order models are listed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.catalogue import Model


class ModelStatus(StrEnum):
    """How a model stands."""

    AVAILABLE = "available"
    UNPRICED = "unpriced"
    RETIRING = "retiring"
    UNAVAILABLE = "unavailable"
    RETIRED = "retired"


def status_of(model: Model, at: int) -> ModelStatus:
    """How a model stands at an instant, whatever else is missing here."""
    if model.why_unavailable(at):
        return ModelStatus.UNAVAILABLE if model.unavailable else ModelStatus.RETIRED
    if model.warning(at):
        return ModelStatus.RETIRING
    return ModelStatus.AVAILABLE if any(rule.rate is not None for rule in model.prices) else ModelStatus.UNPRICED


def ordered(models: Sequence[Model], kinds: frozenset[str]) -> list[tuple[str, Model]]:
    """Models under each kind that they do, in the order of the kinds; of several kinds under each of them."""
    from domain.catalogue import KINDS

    return [(kind, model) for kind in KINDS if kind in kinds for model in models if kind in model.kinds]
