"""Every service of films, at every model of every provider that can do it: estimated, sent once, charged as told.

    service, model ── its brief ──> estimate ──> studio ── fake provider ──> one film, one charge ── same key ──> none

A model that cannot do a brief is told before anything is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count as count_up
from typing import Any

import pytest

from application.studios.desk import Served
from application.studios.services import Services
from application.studios.video.making import CALM
from domain.catalogue import Model
from domain.errors import InvalidInput, OperationFailed
from domain.kinds import KINDS, Family
from domain.operation import Charged
from infrastructure.service import Studio
from tests.application.services.everywhere import CATALOGUE, Ask, able, done, tried
from tests.application.studios import charged, count, facts_of, is_sound
from tests.infrastructure.films import film
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

PICTURE, TALL = media.image(640, 360), media.image(360, 640)
FACE = media.image(256, 256, seed=2)
SPEECH = media.wav(4)
FILM = film()
SILENT = film(audio="")
KEYS = count_up()
MODES = {"wan-2.5-t2v", "wan-2.6-t2v", "wan-2.5-i2v", "wan-2.6-i2v", "wan-2.5-extend"}
"""Models that make sound of themselves."""


def asking(name: str, *files: Any, **options: Any) -> Ask:
    """A service of films at one model: it charges what it said before, and a repeat of its key costs nothing."""

    async def ask(services: Services, model: Model) -> Served:
        service = getattr(services.video, name)
        given = {"account": "acme", "model": model.id, **options}
        found = await service.estimate(*files, **given)
        key = f"{name}/{model.id}/{next(KEYS)}"
        served: Served = await service(*files, **given, key=key)
        again = await service(*files, **given, key=key)
        assert found.price == served.price == again.price
        assert (found.recommendation.model, found.recommendation.reason[:12]) == (model.id, "it was named")
        assert (again.result.repeated, again.result.operation) == (True, served.result.operation)
        return served

    return ask


def lacking(models: list[Model], field: str, *inputs: str) -> dict[str, str]:
    """The models without any of these inputs, each with the field that is told."""
    return {model.id: field for model in models if not model.inputs.keys() & {*inputs}}


def silent(models: list[Model]) -> dict[str, str]:
    return {id: field for id, field in lacking(models, "sound", "generate_audio").items() if id not in MODES}


async def test_plain_films_of_words_at_every_model(studio: Studio, fake: Fake) -> None:
    models = able("text-to-video")
    assert await tried(studio, fake, models, asking("create", "a lake at dawn")) == done(models)
    assert len(models) >= 7


@pytest.mark.parametrize(("seconds", "beyond"), [("4", ()), ("7.5", ()), ("11", ("veo", "ltx", "hunyuan", "wan-2.5"))])
async def test_a_length_is_covered_by_every_model_that_makes_it(
    studio: Studio, fake: Fake, seconds: str, beyond: tuple[str, ...]
) -> None:
    models = able("text-to-video")
    others = lacking(models, "seconds", "duration")
    others |= {model.id: "seconds" for model in models if model.id.startswith(beyond or ("none",))}
    found = await tried(studio, fake, models, asking("create", "a lake", seconds=seconds, aspect=""))
    assert found == done(models, **others)
    for sent in fake.submissions():
        assert float(sent.inputs["duration"]) >= float(seconds)


async def test_shape_lines_and_sound_are_had_or_the_model_is_told(studio: Studio, fake: Fake) -> None:
    models = able("text-to-video")
    shapes = lacking(models, "aspect", "aspect_ratio", "size", "width")
    brief: dict[str, Any] = {"aspect": "9:16", "negative": "people", "style": "anime"}
    assert await tried(studio, fake, models, asking("create", "a fox", **brief)) == done(models, **shapes)
    for sent in fake.submissions():
        assert "people" in str(sent.inputs)
        assert sent.inputs.get("generate_audio") is not True
    loud = await tried(studio, fake, models, asking("create", "rain", sound=True))
    assert loud == done(models, **silent(models))
    assert {id for id, end in loud.items() if end == "done"} >= {"veo3.1", "ltx-2-pro", "wan-2.6-t2v"}
    fine = await tried(studio, fake, models, asking("create", "a hill", resolution="1080p"))
    assert {id for id, end in fine.items() if end == "done"} == {"veo3.1", "veo3.1-fast", "wan-2.5-t2v", "wan-2.6-t2v"}
    assert {end for end in fine.values() if end != "done"} == {"resolution"}


async def test_films_to_a_sound_of_ones_own_at_every_model_that_takes_one(studio: Studio, fake: Fake) -> None:
    for kind, name, subject in (("text-to-video", "create", "rain"), ("image-to-video", "transform", PICTURE)):
        models = able(kind)
        more = {"prompt": "it rains"} if name == "transform" else {}
        found = await tried(studio, fake, models, asking(name, subject, audio=SPEECH, **more))
        assert found == done(models, **lacking(models, "audio", "audio"))
        assert "done" in found.values()


async def test_pictures_in_motion_at_every_model(studio: Studio, fake: Fake) -> None:
    models = able("image-to-video")
    ask = asking("transform", PICTURE, prompt="waves", negative="people", seconds=5)
    assert await tried(studio, fake, models, ask) == done(models)
    last = await tried(studio, fake, models, asking("transform", PICTURE, prompt="x", last=FACE))
    assert last == done(models, **lacking(models, "last_image", "last_image"))
    loud = await tried(studio, fake, models, asking("transform", PICTURE, prompt="rain", sound=True))
    assert loud == done(models, **silent(models))
    assert await tried(studio, fake, models, asking("transform", PICTURE)) == done(models)
    assert fake.submissions()[-1].inputs["prompt"] == CALM


async def test_a_tall_picture_is_filmed_tall_by_every_model(studio: Studio, fake: Fake) -> None:
    """By one that is told shapes as told, by another because it films the picture in its own."""
    models = able("image-to-video")
    assert await tried(studio, fake, models, asking("transform", TALL, prompt="x", aspect="9:16")) == done(models)
    wide = await tried(studio, fake, models, asking("transform", PICTURE, prompt="y", aspect="9:16"))
    assert wide == done(models, **lacking(models, "aspect", "aspect_ratio"))


async def test_speakers_at_every_model_that_lets_them_speak(studio: Studio, fake: Fake) -> None:
    models = able("avatar")
    ask = asking("avatar", FACE, SPEECH, quality="draft", seed=7, prompt="gladly")
    assert await tried(studio, fake, models, ask) == done(models)
    masked = await tried(studio, fake, models, asking("avatar", FACE, SPEECH, mask=media.mask(256, 256)))
    assert masked == done(models, **lacking(models, "mask", "mask"))


async def test_films_go_on_at_every_model_that_extends_them(studio: Studio, fake: Fake) -> None:
    models = able("video-extend")
    assert await tried(studio, fake, models, asking("extend", FILM, prompt="it rains")) == done(models)
    long = await tried(studio, fake, models, asking("extend", FILM, prompt="it snows", seconds="8.5"))
    assert long == done(models, **{"wan-2.2-spicy-extend": "seconds"})
    loud = await tried(studio, fake, models, asking("extend", FILM, prompt="thunder", sound=True))
    assert loud == done(models, **silent(models))


@pytest.mark.parametrize(
    ("options", "resolution"),
    [
        ({}, "1080p"),
        ({"target": "720"}, "720p"),
        ({"target": "4K"}, "4k"),
        ({"factor": "2"}, "720p"),
        ({"factor": 20}, "4k"),
    ],
)
async def test_films_are_enlarged_at_every_model(
    studio: Studio, fake: Fake, options: dict[str, Any], resolution: str
) -> None:
    models = able("video-upscale")
    assert models
    assert await tried(studio, fake, models, asking("enhance", FILM, **options)) == done(models)
    assert {sent.inputs["target_resolution"] for sent in fake.submissions()} == {resolution}


@pytest.mark.parametrize(
    ("kind", "name", "files", "options", "needs"),
    [
        ("video-face-swap", "faces", (FILM, FACE), {}, ()),
        ("video-face-swap", "faces", (FILM, FACE), {"index": 1}, ("target_face_index",)),
        ("video-face-swap", "faces", (FILM, FACE), {"gender": "female"}, ("target_gender",)),
        ("video-translate", "translate", (FILM,), {"to": "spanish (mexico)"}, ()),
        ("video-background", "background", (FILM,), {}, ()),
        ("video-background", "background", (FILM,), {"picture": PICTURE}, ("background",)),
        ("video-add-audio", "sound", (SILENT,), {}, ()),
        ("video-add-audio", "sound", (SILENT,), {"prompt": "rain on a roof", "seed": 5}, ("seed",)),
    ],
)
async def test_films_are_changed_at_every_model_that_does_it(
    studio: Studio, fake: Fake, kind: str, name: str, files: Any, options: dict[str, Any], needs: tuple[str, ...]
) -> None:
    models = able(kind)
    others = lacking(models, needs[0], *needs) if needs else {}
    assert len(others) < len(models)
    assert await tried(studio, fake, models, asking(name, *files, **options)) == done(models, **others)


@pytest.mark.parametrize(
    ("kind", "name"), [("video-style", "style"), ("video-outpaint", "outpaint"), ("video-edit", "rework")]
)
async def test_work_of_unknown_price_is_done_if_its_model_is_named_and_the_account_allows_it(
    studio: Studio, fake: Fake, kind: str, name: str
) -> None:
    models = [one for one in CATALOGUE.for_kind(kind) if one.provider == "wavespeed"]
    assert models
    for model in models:
        service = getattr(studio.services.video, name)
        served = await service(FILM, prompt="a watercolour", account="acme", model=model.id)
        assert (served.result.status, served.result.model) == ("charged", model.id)
    assert await is_sound(studio)


async def test_several_faces_are_put_in_one_after_the_other_each_upon_what_came_before(
    studio: Studio, fake: Fake
) -> None:
    ask: dict[str, Any] = {"account": "acme", "model": "video-face-swap", "index": 1}
    found = await studio.services.video.faces.estimate(FILM, FACE, PICTURE, TALL, **ask)
    served = await studio.services.video.faces(FILM, FACE, PICTURE, TALL, **ask, key="party")
    assert found.price == served.price
    assert len(served.before) == 2
    assert [sent.inputs["target_index"] for sent in fake.submissions()] == [1, 2, 3]
    assert charged(facts_of(studio, "acme")) == served.price.micros
    again = await studio.services.video.faces(FILM, FACE, PICTURE, TALL, **ask, key="party")
    assert [one.repeated for one in again.results] == [True] * 3
    assert count(facts_of(studio, "acme"), Charged) == len(fake.submissions()) == 3
    listed = {one.operation: one.id for one in (await studio.library.list("acme")).assets}
    lineage = await studio.library.lineage("acme", listed[served.result.operation])
    assert listed[served.before[0].operation] in {one.id for one in lineage.ancestors.assets}
    assert lineage.whole.price == served.price


async def test_a_later_face_that_is_none_is_told_before_the_first_is_paid(studio: Studio, fake: Fake) -> None:
    with pytest.raises(InvalidInput, match="face: "):
        await studio.services.video.faces(FILM, FACE, b"a text", account="acme", model="video-face-swap")
    assert fake.submissions() == []


async def test_a_later_face_that_fails_leaves_the_first_paid_and_its_key_tells_both(studio: Studio, fake: Fake) -> None:
    ask: dict[str, Any] = {"account": "acme", "model": "video-face-swap", "key": "k"}
    first = await studio.services.video.faces(FILM, FACE, **{**ask, "key": "k/1", "index": 0})
    fake.next("wavespeed", Behaviour(status=403), times=1)
    for _ in range(2):
        with pytest.raises(OperationFailed):
            await studio.services.video.faces(FILM, FACE, PICTURE, **ask)
        assert count(facts_of(studio, "acme"), Charged) == 1
    assert charged(facts_of(studio, "acme")) == first.price.micros
    assert await is_sound(studio)


async def test_better_words_for_a_film_are_asked_for_as_those_of_a_film(studio: Studio, fake: Fake) -> None:
    brief: dict[str, Any] = {"account": "acme", "enhance": "model", "quality": "draft"}
    found = await studio.services.video.create.estimate("a fox", **brief)
    served = await studio.services.video.create("a fox", **brief)
    [words] = served.before
    assert served.price == words.price + served.result.price == found.price
    assert fake.submissions()[0].inputs["mode"] == "video"


async def test_a_part_of_a_film_is_filmed_again_by_a_model_that_is_named(studio: Studio, fake: Fake) -> None:
    served = await studio.services.video.create("rain", account="acme", model="ltx-2-retake", video=FILM)
    assert served.result.status == "charged"
    assert "video" in fake.submissions()[0].inputs


async def test_a_fallback_is_asked_in_its_own_words(studio: Studio, fake: Fake) -> None:
    fake.next("wavespeed", Behaviour(status=403), times=1)
    served = await studio.services.video.create("a fox", account="acme", style="anime", seed=7, max_price="5.00")
    [moved] = served.result.rerouted
    assert (moved.provider, served.result.provider, served.result.status) == ("wavespeed", "huggingface", "charged")


@pytest.mark.parametrize(
    ("model", "seconds", "notes"),
    [
        ("veo3.1", 7, ("7 s asked: veo3.1 makes 8 s",)),
        ("veo3.1", "8.0", ()),
        ("wan-2.6-t2v", "10.5", ("10.5 s asked: wan-2.6-t2v makes 15 s",)),
        ("seedance-1.5-pro", 1, ("1 s asked: seedance-1.5-pro makes 4 s",)),
        ("seedance-1.5-pro", None, ()),
    ],
)
async def test_a_length_that_a_model_does_not_make_exactly_is_told_before(
    studio: Studio, model: str, seconds: Any, notes: tuple[str, ...]
) -> None:
    found = await studio.services.video.create.estimate("a fox", account="acme", model=model, seconds=seconds)
    assert found.notes == notes


async def test_a_film_is_explained_with_all_others_at_their_price(studio: Studio) -> None:
    found = await studio.services.video.create.estimate("a fox", account="acme", seconds=8, quality="premium")
    others = {one.model: one for one in found.recommendation.alternatives}
    assert found.recommendation.model == "veo3.1"
    assert found.recommendation.reason.startswith("the best of ")
    assert {"seedance-1.5-pro", "wan-2.5-t2v", "wan-2.6-t2v"} <= others.keys()
    assert str(found.price) == "1.60 USD"  # eight silent seconds
    assert str(others["wan-2.5-t2v"].price) == "1.50 USD"  # ten of 1080 lines, as it makes five or ten
    skipped = {one.model: one.skipped for one in found.estimate.chain}
    assert skipped["hunyuan-video-hf"] == "seconds: model 'hunyuan-video-hf' is not told how long"


def test_every_kind_of_films_is_reached_by_a_service(studio: Studio) -> None:
    video = studio.services.video
    services: list[Callable[[], Awaitable[Any]]] = [getattr(video, name) for name in video.__slots__]
    kinds = {getattr(type(one), "KIND", "") for one in services} | {"text-to-video", "image-to-video", "avatar"}
    kinds |= {"video-face-swap"}
    assert kinds >= {kind for kind, family in KINDS.items() if family is Family.VIDEOS}
