"""Names of models that clients send: their own ids, ids of old, and ours of which one model has several.

a client's word ── an alias? ── yes ─> its model for this kind
                             └─ no ──> the model of this id; if it does another kind, its sibling that does this one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from application.studios.presets import Presets
from domain.catalogue import Catalogue, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A word that clients send for a model, and the model that does each kind of operation instead."""

    WORD: ClassVar[str] = "alias"
    id: str
    models: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClientModels:
    """The models as clients name them: a provider's one model is one for them, though it is two entries of ours."""

    catalogue: Catalogue
    presets: Presets

    @property
    def aliases(self) -> Mapping[str, Alias]:
        return self.presets.of(Alias)

    def meant(self, word: str, kind: str) -> str:
        """The id of ours for a client's word; the word itself if none is known, for the entry to judge."""
        alias = self.aliases.get(word)
        if alias is not None:
            return alias.models.get(kind, word)
        if word not in self.catalogue:
            return word
        named = self.catalogue.get(word)
        if kind in named.kinds:
            return word
        siblings = [one.id for one in self.catalogue if _same(one, named) and kind in one.kinds]
        return siblings[0] if siblings else word

    def listed(self, kinds: frozenset[str], at: int) -> list[Model]:
        """The models that do one of these kinds and can be used, each once, under the id that clients send."""
        found: dict[tuple[str, str], Model] = {}
        for one in self.catalogue:
            if kinds.intersection(one.kinds) and not one.why_unavailable(at):
                known = found.get((one.provider, one.route))
                if known is None or len(one.id) < len(known.id):
                    found[one.provider, one.route] = one
        return sorted(found.values(), key=lambda one: one.id)


def _same(one: Model, other: Model) -> bool:
    return (one.provider, one.route) == (other.provider, other.route)
