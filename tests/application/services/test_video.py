"""Films by models of this machine and by a scripted one: shaped, priced, refused, kept as any other operation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.studios.recipes import Item, Order, Recipe, Step
from domain.errors import ImageStudioError, InvalidInput, UnknownModel
from domain.money import Money
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from tests.application.studios import charged, count, facts_of, is_sound, picture, studio_on
from tests.infrastructure.films import film, frames_of
from tests.wire.fake import media

ASKED: dict[str, Any] = {"account": "acme", "allow": "stand-in", "fps": 4}
FOOTAGE: dict[str, Any] = {"account": "acme", "model": "scripted-footage"}
FILM, FACE, SPEECH = film(), picture(64, 64), media.wav(2)
TEXT = b"no film at all, but a text"


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


# Made here


async def test_a_film_of_words_has_the_length_the_shape_and_the_lines_that_were_asked_for(studio: Studio) -> None:
    found = await studio.services.video.create.estimate(
        "a lake", seconds="1.5", aspect="9:16", resolution="480", **ASKED
    )
    served = await studio.services.video.create("a lake", seconds="1.5", aspect="9:16", resolution="480", **ASKED)
    [made] = served.result.assets
    assert (made.asset.media_type, made.asset.width, made.asset.height) == ("video/mp4", 486, 864)
    assert (made.asset.duration_ms, len(frames_of(made.content))) == (1500, 6)
    assert found.price == served.price
    assert (served.result.model, served.result.model_class) == ("local-film", "stand-in")
    assert not any(one.unlike for one in served.result.operations)
    assert await is_sound(studio)


async def test_a_template_gives_a_film_its_shape_its_length_and_its_words(studio: Studio) -> None:
    drafted = studio.services.video.create.draft("a lake.", "acme", {"template": "email-teaser-film"})
    wishes = drafted.request.wishes
    assert drafted.request.inputs["prompt"] == "a lake. Wide film whose first picture tells all, simple ground"
    assert wishes is not None
    assert (wishes.aspect, wishes.seconds, wishes.sound, wishes.negative) == (
        "16:9",
        Decimal(5),
        False,
        "text, watermark",
    )
    own = studio.services.video.create.draft("x", "acme", {"template": "tiktok-ad", "seconds": 3, "aspect": "1:1"})
    assert own.request.wishes is not None
    assert (own.request.wishes.aspect, own.request.wishes.seconds, own.request.wishes.sound) == (
        "1:1",
        Decimal(3),
        True,
    )
    assert own.request.model == "best"


async def test_an_animated_picture_is_no_film_unless_its_model_is_named(studio: Studio) -> None:
    found = await studio.services.video.create.estimate("a lake", **ASKED)
    skipped = {one.model: one.skipped for one in found.estimate.chain}
    assert skipped["local-loop"] == "model: model 'local-loop' makes image/webp"
    named = await studio.services.video.create.estimate("a lake", account="acme", model="local-loop")
    assert named.estimate.model == "local-loop"


async def test_variations_of_a_seed_have_the_seeds_that_follow_it_in_one_batch(studio: Studio) -> None:
    small: dict[str, Any] = {**ASKED, "seconds": "0.5", "width": 64, "height": 64}
    served = await studio.services.video.create("a fox", seed=41, n=2, **small)
    last = await studio.services.video.create("a fox", seed=42, **small)
    assert len(served.result.operations) == 2
    assert served.result.assets[1].asset.digest == last.result.assets[0].asset.digest
    assert charged(facts_of(studio, "acme")) == 150_000


async def test_a_repeat_under_a_key_is_the_same_film_and_another_length_is_told(studio: Studio) -> None:
    first = await studio.services.video.create("a fox", seconds="0.5", key="k", **ASKED)
    again = await studio.services.video.create("a fox", seconds="0.50", key="k", **ASKED)
    assert (again.result.repeated, again.result.operation) == (True, first.result.operation)
    assert count(facts_of(studio, "acme"), Charged) == 1
    with pytest.raises(ImageStudioError, match="key 'k'"):
        await studio.services.video.create("a fox", seconds=1, key="k", **ASKED)


async def test_the_rule_adds_to_a_film_what_its_prompt_says_nothing_of(studio: Studio) -> None:
    found = await studio.services.video.create.estimate("a lake at dawn", enhance="rule", **ASKED)
    added = "gentle natural motion throughout, steady camera that slowly moves closer"
    assert found.notes == (f"enhanced by rule: added {added}",)
    told = await studio.services.video.create.estimate("waves moving at night, drone shot", enhance="rule", **ASKED)
    assert told.notes == ("enhanced by rule: nothing was missing",)


async def test_a_picture_in_motion_is_filmed_in_its_own_shape_or_in_another(studio: Studio) -> None:
    service = studio.services.video.transform
    served = await service(picture(160, 90), seconds=1, quality="draft", motion="pan-left", **ASKED)
    wide = served.result.assets[0].asset
    assert (wide.media_type, wide.height, wide.duration_ms) == ("video/mp4", 480, 1000)
    tall = await service(picture(160, 90), seconds=1, quality="draft", aspect="9:16", **ASKED)
    assert tall.result.assets[0].asset.width == 480
    assert await is_sound(studio)


# Changed by a scripted model


@pytest.mark.parametrize(
    ("name", "files", "options", "kind"),
    [
        ("avatar", (FACE, SPEECH), {"quality": "premium"}, "avatar"),
        ("extend", (FILM,), {"prompt": "on", "seconds": 7}, "video-extend"),
        ("enhance", (FILM,), {"factor": "5"}, "video-upscale"),
        ("enhance", (FILM,), {"target": "2160"}, "video-upscale"),
        ("faces", (FILM, FACE), {"index": "2"}, "video-face-swap"),
        ("translate", (FILM,), {"to": "  SPANISH (mexico) "}, "video-translate"),
        ("background", (FILM,), {"picture": FACE}, "video-background"),
        ("sound", (FILM,), {"prompt": "rain", "seed": 3}, "video-add-audio"),
        ("style", (FILM,), {"prompt": "ink", "negative": "red"}, "video-style"),
        ("outpaint", (FILM,), {}, "video-outpaint"),
        ("rework", (FILM,), {"prompt": "at night"}, "video-edit"),
    ],
)
async def test_each_change_is_estimated_done_and_paid_once(
    studio: Studio, name: str, files: Any, options: dict[str, Any], kind: str
) -> None:
    service = getattr(studio.services.video, name)
    found = await service.estimate(*files, **FOOTAGE, **options)
    assert count(facts_of(studio, "acme"), Requested) == 0
    served = await service(*files, **FOOTAGE, **options, key="k")
    again = await service(*files, **FOOTAGE, **options, key="k")
    assert (served.result.status, found.price, again.result.repeated) == ("charged", served.price, True)
    [requested] = [fact for fact in facts_of(studio, "acme") if isinstance(fact, Requested)]
    assert requested.operation.kind == kind
    assert count(facts_of(studio, "acme"), Charged) == 1


async def test_languages_are_those_of_models_and_an_unknown_one_is_refused_with_the_nearest(studio: Studio) -> None:
    translate = studio.services.video.translate
    assert len(translate.languages()) > 170
    assert {"German", "Spanish (Mexico)", "Norwegian Bokmål (Norway)"} <= set(translate.languages())
    assert translate.languages("swahili") == ("Swahili (Kenya)", "Swahili (Tanzania)")
    for wanted, hint in (("germn", "did you mean German?"), ("Klingon", "studio.services.video.translate.languages()")):
        with pytest.raises(InvalidInput, match=f"to: no model speaks '{wanted}'") as refused:
            await translate(FILM, to=wanted, account="acme")
        assert hint in str(refused.value.hint)


# Wrong


@pytest.mark.parametrize(
    ("name", "files", "options", "told"),
    [
        ("create", (" ",), {}, "prompt: is empty"),
        ("create", ("x",), {"seconds": 60}, "seconds: 60 s asked, and model 'local-film' makes 10 s at most"),
        ("create", ("x",), {"seconds": "long"}, "seconds: must be an exact decimal, not 'long'"),
        ("create", ("x",), {"seconds": 2.5}, "seconds: must be an exact decimal, not 2.5"),
        ("create", ("x",), {"seconds": True}, "seconds: must be an exact decimal, not True"),
        ("create", ("x",), {"seconds": 0}, "seconds: 0 s is no length"),
        ("create", ("x",), {"sound": True}, "sound: model 'local-film' makes none"),
        ("create", ("x",), {"sound": True, "audio": SPEECH}, "sound and audio: exclude each other"),
        ("create", ("x",), {"audio": SPEECH}, "audio: is no input of model 'local-film'"),
        ("create", ("x",), {"resolution": "huge"}, "resolution: 'huge' is none"),
        ("create", ("x",), {"resolution": "4k"}, "2160 lines asked, and model 'local-film' makes 1080 at most"),
        ("create", ("x",), {"aspect": "wide"}, "aspect: must be width and height"),
        ("create", ("x",), {"template": "tiktok-clp"}, "template: there is no video-template 'tiktok-clp'"),
        ("create", ("x",), {"quality": "best"}, "quality: there is no video-quality 'best'"),
        ("create", ("x",), {"enhance": "please"}, "enhance: 'please' is no way to do it"),
        ("create", ("x",), {"n": 11}, "n: 11 variations"),
        ("create", ("x",), {"secnds": 5}, "secnds: is no option of this service"),
        ("transform", (TEXT,), {}, "image: is no image"),
        ("transform", (FILM,), {}, "image: video/mp4 is not accepted"),
        ("transform", (FACE,), {"prompt": "waves"}, "prompt: is no input of model 'local-pan'"),
        ("transform", (FACE,), {"last": FACE}, "last_image: is no input of model 'local-pan'"),
        ("avatar", (FACE, FACE), FOOTAGE, "audio: image/png is not accepted"),
        ("avatar", (FACE, TEXT), FOOTAGE, "audio: is no image"),
        ("extend", (TEXT,), {**FOOTAGE, "prompt": "on"}, "video: is no image"),
        ("extend", (FILM,), {**FOOTAGE, "seconds": 99}, "seconds: 99 s asked"),
        ("extend", (FILM,), {**FOOTAGE, "sound": True}, "sound: model 'scripted-footage' makes none"),
        ("enhance", (FACE,), FOOTAGE, "video: image/png is not accepted"),
        ("enhance", (FILM,), {**FOOTAGE, "target": "8k"}, "4320 lines asked"),
        ("enhance", (FILM,), {**FOOTAGE, "target": "90p"}, "target: the film has 96 lines already"),
        ("enhance", (FILM,), {**FOOTAGE, "target": "big"}, "target: 'big' is none"),
        ("enhance", (FILM,), {**FOOTAGE, "factor": 1}, "factor: 1 enlarges nothing"),
        ("enhance", (FILM,), {**FOOTAGE, "factor": 2, "target": "4k"}, "target and factor: exclude each other"),
        ("enhance", (FILM,), {**FOOTAGE, "resolution": "4k"}, "resolution: is told by the target here"),
        ("faces", (FILM,), FOOTAGE, "face: is missing"),
        ("faces", (FILM, TEXT), FOOTAGE, "face: is no image"),
        ("faces", (FILM, FACE), {**FOOTAGE, "gender": "cat"}, "gender: 'cat' is not accepted"),
        ("faces", (FILM, FACE, FACE), {**FOOTAGE, "gender": "male"}, "gender: does not say whose place"),
        ("faces", (FILM, FACE, FACE), {**FOOTAGE, "n": 2}, "n: of several faces is one"),
        ("faces", (FILM, FACE), {**FOOTAGE, "index": 11}, "target_face_index: 11 is above 10"),
        ("translate", (FILM,), FOOTAGE, "to: is missing"),
        ("background", (FILM,), {**FOOTAGE, "picture": SPEECH}, "background: audio/wav is not accepted"),
    ],
)
async def test_bad_input_is_told_by_field_and_nothing_is_recorded(
    studio: Studio, name: str, files: Any, options: dict[str, Any], told: str
) -> None:
    usual = {"account": "acme"} if "model" in options else {"account": "acme", "allow": "stand-in"}
    service = getattr(studio.services.video, name)
    for ask in (service, service.estimate):
        with pytest.raises(InvalidInput) as refused:
            await ask(*files, **{**usual, **options})
        assert told in str(refused.value)
    assert count(facts_of(studio, "acme"), Requested) == 0


async def test_without_a_key_it_is_told_how_a_film_could_be_had(studio: Studio) -> None:
    with pytest.raises(UnknownModel, match="no model of known price does avatar here") as refused:
        await studio.services.video.avatar(FACE, SPEECH, account="acme")
    assert "IMAGESTUDIO_WAVESPEED_KEY" in str(refused.value.hint)


# In batches


async def test_a_batch_films_pictures_that_it_made(studio: Studio) -> None:
    steps = (
        Step(service="create", options={"width": 64, "height": 64}),
        Step(service="video-transform", options={"seconds": "0.5", "quality": "draft", "fps": 4}),
    )
    order = Order(
        items=[Item("a fox"), Item("a lake")],
        recipe=Recipe(id="moving", name="Moving", steps=steps),
        name="moving",
        account="acme",
        caller={"allow": ("stand-in",)},
    )
    found = await studio.services.batch.estimate(order)
    batched = await studio.services.batch.run(order)
    assert found.held == batched.price == Money(120_000, "USD")
    assert [one.outputs[0].media_type for one in batched.outcomes] == ["video/mp4"] * 2
    assert (await studio.services.batch.run(order)).price == batched.price
    assert count(facts_of(studio, "acme"), Charged) == 4
