"""Whether a model can be asked in this process: its provider is there, is not switched off, and lacks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from application.ports import Provider
from application.providing.mistakes import MistakesOf, ProviderMistaken
from domain.catalogue import Model

NONE_OFF: Mapping[str, str] = MappingProxyType({})


def missing_here(model: Model, providers: Mapping[str, Provider], off: Mapping[str, str] = NONE_OFF) -> str:
    """The lack here of a model's provider, and how to mend it; empty if nothing is.

    `off` are the providers that are switched off, each with how to switch it on.
    """
    if model.provider in off:
        return f"provider {model.provider!r} is {off[model.provider]}"
    if model.provider not in providers:
        return f"there is no provider {model.provider!r} (there are: {', '.join(sorted(providers))})"
    try:
        with MistakesOf(model.provider):
            lacks = providers[model.provider].lacks(model.route)
    except ProviderMistaken as mistake:
        return mistake.message
    return lacks
