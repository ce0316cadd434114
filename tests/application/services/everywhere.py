"""One service at many models that are had elsewhere: each is sent once and charged once, or told before it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from application.studios.desk import Served
from application.studios.services import Services
from domain.catalogue import Model
from domain.errors import InvalidInput
from domain.operation import Requested
from infrastructure.catalogue import load_catalogue
from infrastructure.clock import now
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound
from tests.infrastructure.catalogue.test_every_model import REMOTE
from tests.wire.fake.server import Fake

CATALOGUE, _ = load_catalogue()
Ask = Callable[[Services, Model], Awaitable[Served]]


def able(kind: str) -> list[Model]:
    """The models of a kind that are had elsewhere and chosen by themselves."""
    return [
        model
        for model in CATALOGUE.for_kind(kind)
        if model.provider in REMOTE and model.auto and not model.why_unavailable(now())
    ]


async def tried(studio: Studio, fake: Fake, models: list[Model], ask: Ask) -> dict[str, str]:
    """The end of each model: "done" if it was sent once and charged once, else the field that is not for it."""
    found = {}
    for model in models:
        sent, recorded = len(fake.submissions()), count(facts_of(studio, "acme"), Requested)
        try:
            result = (await ask(studio.services, model)).result
        except InvalidInput as objection:
            assert len(fake.submissions()) == sent
            assert count(facts_of(studio, "acme"), Requested) == recorded
            found[model.id] = objection.field
        else:
            assert (result.model, result.status, len(result.assets)) == (model.id, "charged", 1)
            assert len(fake.submissions()) == sent + 1
            found[model.id] = "done"
    assert await is_sound(studio)
    return found


def done(models: list[Model], **others: str) -> dict[str, str]:
    return {model.id: others.get(model.id, "done") for model in models}
