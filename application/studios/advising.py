"""Why a request is done where it is: the model that is asked first, the reason in words, and who else could do it."""

from __future__ import annotations

from application.asking.requests import Candidate, Estimate
from application.studios.desk import OtherModel, Recommendation
from domain.catalogue import Catalogue
from domain.counts import counted

REASONS = {
    "cheapest": "the cheapest of {count} that can do this",
    "best": "the best of {count} that can do this",
    "balanced": "the best among the cheaper half of {count} that can do this",
}


def recommended(estimate: Estimate, catalogue: Catalogue, wish: str) -> Recommendation:
    """An estimate's words on the models, for people. Who cannot do it is in the estimate's chain, with why."""
    alternatives = sorted(
        (
            _alternative(one, catalogue)
            for one in estimate.chain
            if one.model != estimate.model and one.price is not None
        ),
        key=lambda one: (one.price.micros if one.price is not None else 0, -one.quality, one.model),
    )
    model = catalogue.get(estimate.model)
    return Recommendation(
        model.id,
        model.provider,
        model.quality,
        _reason(wish, len(alternatives) + 1, model.quality),
        tuple(alternatives),
    )


def _reason(wish: str, count: int, quality: int) -> str:
    of = f", quality {quality} of 100"
    if wish not in {*REASONS, "auto"}:
        return f"it was named{of}"
    if count == 1:
        return f"the only model that can do this here{of}"
    return REASONS["balanced" if wish == "auto" else wish].format(count=counted(count, "model")) + of


def _alternative(one: Candidate, catalogue: Catalogue) -> OtherModel:
    model = catalogue.get(one.model)
    why = one.skipped or "it is asked next if those before definitely refuse"
    return OtherModel(one.model, one.provider, one.model_class, model.quality, one.price, why)
