"""Every service, at every model of every provider that can do it, over real sockets: sent once, charged once.

    service, model ── its brief ──> studio ── fake provider ──> one output, one charge

A model that cannot do a brief is told before anything is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from application.studios.desk import Served
from application.studios.edit import EDITS
from application.studios.services import Services
from application.studios.upscale import MODES
from domain.catalogue import Model
from infrastructure.service import Studio
from tests.application.services.everywhere import able, done, tried
from tests.application.studios import is_sound
from tests.infrastructure.catalogue.test_every_model import content_of
from tests.infrastructure.sample_inputs import sample
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

PICTURE = media.image(256, 256)
FACE = media.image(256, 256, seed=2)


async def test_create_at_every_model_that_draws(studio: Studio, fake: Fake) -> None:
    def ask(services: Services, model: Model) -> Awaitable[Served]:
        brief: dict[str, Any] = {
            "template": "instagram-post",
            "style": "anime",
            "negative": "people",
            "quality": "premium",
        }
        return services.create("a fox", account="acme", model=model.id, **brief)

    models = able("text-to-image")
    cannot = {model.id: "image" for model in models if (spec := model.inputs.get("image")) and spec.required}
    cannot |= {m.id: "aspect" for m in models if not m.inputs.keys() & {"aspect_ratio", "size", "width"}}
    found = await tried(studio, fake, models, ask)
    assert found == done(models, **cannot)
    assert len(cannot) == 2
    for sent in fake.submissions():
        told = str(sent.inputs)
        assert "anime" in told
        assert "people" in told


@pytest.mark.parametrize("kind", EDITS)
async def test_each_way_to_edit_at_every_model_that_does_it(studio: Studio, fake: Fake, kind: str) -> None:
    def ask(services: Services, model: Model) -> Awaitable[Served]:
        asked = sample(model)
        files = {name: [content_of(name, one) for one in several] for name, several in asked.media.items()}
        [picture] = files.pop("image")
        options: dict[str, Any] = {**asked.inputs, **files, "model": model.id, "account": "acme"}
        options.pop("quality", None)  # of the service: its own words come to the same
        return services.edit(picture, kind, **options)

    models = able(kind)
    assert models
    assert await tried(studio, fake, models, ask) == done(models)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "auto"])
async def test_each_way_to_upscale_at_every_model_that_works_so(studio: Studio, fake: Fake, mode: str) -> None:
    def ask(services: Services, model: Model) -> Awaitable[Served]:
        return services.upscale(PICTURE, account="acme", model=model.id, mode=mode, longest=1_000, prompt="a fox")

    models = able("upscale")
    others = {model.id: "mode" for model in models if mode not in model.modes}
    assert await tried(studio, fake, models, ask) == done(models, **others)
    assert len(others) < len(models)


@pytest.mark.parametrize("keep", ["sketch", "structure", "style"])
async def test_control_at_every_model_that_does_it(studio: Studio, fake: Fake, keep: str) -> None:
    def ask(services: Services, model: Model) -> Awaitable[Served]:
        return services.control(
            PICTURE, "a fox", account="acme", model=model.id, keep=keep, strength="0.4", style="line-art"
        )

    models = able(f"control-{keep}")
    assert await tried(studio, fake, models, ask) == done(models)
    assert "0.4" in str(fake.submissions()[-1].inputs)


async def test_one_face_at_every_model_that_puts_one_in(studio: Studio, fake: Fake) -> None:
    def plainly(services: Services, model: Model) -> Awaitable[Served]:
        return services.face_swap(PICTURE, FACE, account="acme", model=model.id)

    def whose(services: Services, model: Model) -> Awaitable[Served]:
        return services.face_swap(PICTURE, FACE, account="acme", model=model.id, index=1, gender="female")

    models = able("face-swap")
    assert await tried(studio, fake, models, plainly) == done(models)
    lacking = {m.id: "target_gender" for m in models if "target_gender" not in m.inputs}
    lacking |= {m.id: "target_face_index" for m in models if "target_face_index" not in m.inputs}
    assert await tried(studio, fake, models, whose) == done(models, **lacking)
    assert len(lacking) < len(models)


async def test_heads_and_several_faces_at_every_model_that_takes_them(studio: Studio, fake: Fake) -> None:
    def heads(services: Services, model: Model) -> Awaitable[Served]:
        return services.face_swap(PICTURE, FACE, account="acme", model=model.id, head=True)

    def many(services: Services, model: Model) -> Awaitable[Served]:
        return services.face_swap(PICTURE, FACE, FACE, account="acme", model=model.id, instead_of=[PICTURE, PICTURE])

    for kind, ask in (("head-swap", heads), ("face-swap-multi", many)):
        assert await tried(studio, fake, able(kind), ask) == done(able(kind))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("background-remove", {}),
        ("background-replace", {"scene": "a beach"}),
        ("background-replace", {"backdrop": "marble"}),
        ("relight", {"light": "left"}),
        ("relight", {"light": "candles on the table"}),
    ],
)
async def test_backgrounds_at_every_model_that_does_it(
    studio: Studio, fake: Fake, kind: str, options: dict[str, Any]
) -> None:
    def ask(services: Services, model: Model) -> Awaitable[Served]:
        return services.background(PICTURE, account="acme", model=model.id, **options)

    assert await tried(studio, fake, able(kind), ask) == done(able(kind))


async def test_a_background_of_ones_own_at_every_model_that_takes_a_picture(studio: Studio, fake: Fake) -> None:
    def ask(services: Services, model: Model) -> Awaitable[Served]:
        return services.background(PICTURE, account="acme", model=model.id, picture=FACE)

    models = able("background-replace")
    others = {model.id: "background" for model in models if "background" not in model.inputs}
    assert await tried(studio, fake, models, ask) == done(models, **others)


async def test_better_words_by_a_model_are_an_operation_of_their_own(studio: Studio, fake: Fake) -> None:
    found = await studio.services.create.estimate("a fox", account="acme", enhance="model", quality="draft")
    assert len(found.before) == 1
    served = await studio.services.create("a fox", account="acme", enhance="model", quality="draft", key="k")
    [words] = served.before
    assert words.operations[0].status == "charged"
    assert served.price == words.price + served.result.price == found.price
    assert served.notes[-1] == f"{words.model} wrote the prompt"
    again = await studio.services.create("a fox", account="acme", enhance="model", quality="draft", key="k")
    assert (again.result.repeated, again.before[0].repeated) == (True, True)
    assert await is_sound(studio)


@pytest.mark.parametrize(("quality", "wish"), [("draft", "cheapest"), ("standard", "balanced"), ("premium", "best")])
async def test_a_quality_is_a_strategy_and_is_explained_with_all_others_at_their_price(
    studio: Studio, quality: str, wish: str
) -> None:
    found = await studio.services.create.estimate("a fox", account="acme", template="blog-header", quality=quality)
    chosen = found.recommendation
    others = chosen.alternatives
    prices = [one.price.micros for one in others if one.price is not None]
    assert found.price is not None
    assert len(prices) == len(others) > 10
    assert prices == sorted(prices)
    if wish == "cheapest":
        assert found.price.micros <= prices[0]
        assert chosen.reason.startswith(f"the cheapest of {len(others) + 1} models")
    if wish == "best":
        assert chosen.quality >= max(one.quality for one in others)
        assert chosen.reason.startswith(f"the best of {len(others) + 1} models")


async def test_a_fallback_is_asked_in_its_own_words(studio: Studio, fake: Fake) -> None:
    """The first model refuses; the next one knows no width, and gets the shape in the way it knows."""
    fake.next("fal", Behaviour(status=403), times=None)
    served = await studio.services.create(
        "a fox", account="acme", aspect="16:9", quality="draft", max_price="1.00", style="anime"
    )
    [moved] = served.result.rerouted
    assert moved.provider == "fal"
    assert served.result.provider != "fal"
    assert served.result.status == "charged"


@pytest.mark.parametrize("kind", ["image-to-3d", "sketch-to-3d", "multiview-to-3d", "text-to-3d"])
async def test_models_in_three_dimensions_at_every_model_that_makes_them(studio: Studio, fake: Fake, kind: str) -> None:
    pictures = {"multiview-to-3d": (PICTURE, FACE, PICTURE), "text-to-3d": ()}.get(kind, (PICTURE,))

    def ask(services: Services, model: Model) -> Awaitable[Served]:
        words: dict[str, Any] = {"prompt": "a cup"} if "prompt" in model.inputs else {}
        sketch = kind == "sketch-to-3d"
        return services.model_3d(*pictures, account="acme", model=model.id, sketch=sketch, preview="none", **words)

    models = able(kind)
    assert models
    assert await tried(studio, fake, models, ask) == done(models)
