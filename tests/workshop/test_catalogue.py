"""Every local model of the catalogue is asked as a customer asks it, and delivers what its entry promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from application.ports import Media, silent
from application.providing.tasks import outline
from domain.catalogue import Model, check_inputs
from domain.inputs import FileInfo
from imagestudio_workshop import coding, compressing, cropping, lettering, resizing, social, spaces
from imagestudio_workshop.film import fitting, looping, posting, reels, spans, transforming, writer
from imagestudio_workshop.provider import LocalProvider
from imagestudio_workshop.routes import ROUTES
from infrastructure.catalogue import load_catalogue
from infrastructure.media import read_media
from tests.infrastructure.films import film
from tests.workshop.portraits import portrait, signed
from tests.workshop.solids import box
from tests.workshop.test_vision import mask_of
from tests.workshop.work import media_of, png, scene

CATALOGUE = load_catalogue(())[0]
LOCAL = [model for model in CATALOGUE if model.provider == "local"]
FACE = png(portrait(size=160))
FILES = {
    "image": png(scene(160, 120)),
    "mask": png(mask_of((60, 40, 90, 70))),
    "face": FACE,
    "mark": png(scene(40, 20)),
    "mesh": box(),
    "video": read_media(film(seconds=0.4), field="video", max_bytes=10**8, max_pixels=10**8),
}
WISHES: dict[str, dict[str, Any]] = {
    "canvas": {"prompt": "a lake", "width": 64, "height": 64},
    "filter": {"prompt": "sepia"},
    "animation": {"prompt": "a lake", "width": 64, "height": 64, "duration": "0.5"},
    "film": {"prompt": "a lake", "width": 64, "height": 64, "duration": "0.5"},
    "pan": {"duration": "0.5", "resolution": "360p"},
    "mesh-preview": {"side": 64, "duration": "0.5"},
    "image-social": {"width": 1584, "height": 396},
    "image-resize": {"width": 80},
    "image-watermark": {},
    "video-social": {"width": 320, "height": 180},
    "video-transform": {"aspect_ratio": "1:1", "codec": "av1"},
    "video-edit": {"max_seconds": "0.2", "trim": "middle", "text": "Hello"},
    "video-text": {"text": "Hello"},
    "video-resolution": {"resolution": "240p", "enlarge": True},
}
# What not every picture shows; and a small one for what is slow.
PICTURES = {
    **dict.fromkeys(("face-swap", "face-swap-seen", "background-remove-seen"), FACE),
    "text-remove": png(signed(scene(160, 120))),
    "upscale-imagined": png(scene(12, 9)),
}


@pytest.mark.parametrize("model", LOCAL, ids=lambda model: model.id)
async def test_every_local_model_delivers_what_its_entry_promises(model: Model) -> None:
    media = {name: FILES[name] for name, spec in model.inputs.items() if spec.is_file}
    if model.route in PICTURES:
        media["image"] = PICTURES[model.route]
    facts = {name: (facts_of(file),) for name, file in media.items()}
    inputs = check_inputs(model, model.kinds[0], WISHES.get(model.route, {}), facts)
    task = outline(model, model.kinds[0], 1, inputs, {name: (file,) for name, file in media.items()})
    with ThreadPoolExecutor(1) as pool:
        provider = LocalProvider(pool)
        if missing := provider.lacks(model.route):
            assert ROUTES[model.route].needs
            pytest.skip(missing)
        (output,) = media_of(await provider.submit(task, silent))
    assert output.media_type in model.outputs


def facts_of(media: Media) -> FileInfo:
    return FileInfo(media.media_type, len(media.content), media.width, media.height, media.duration_ms)


def test_every_route_has_a_model_and_every_model_a_route() -> None:
    assert {model.route for model in LOCAL} == set(ROUTES)


def test_the_choices_of_an_entry_are_those_that_its_route_knows() -> None:
    def choices(route: str, name: str) -> frozenset[str | int]:
        (model,) = (model for model in LOCAL if model.route == route)
        return frozenset(model.inputs[name].choices)

    assert choices("image-social", "fit") == set(cropping.FITS)
    assert choices("image-social", "output_format") == set(social.FORMATS)
    assert choices("image-convert", "output_format") == set(coding.FORMATS)
    assert choices("image-convert", "color_space") == {"keep", *spaces.SPACES}
    assert choices("image-compress", "output_format") == {"auto", *compressing.SMALL}
    assert choices("image-resize", "mode") == set(resizing.MODES)
    assert choices("image-watermark", "position") == set(cropping.PLACES)
    assert choices("video-social", "output") == set(posting.OUTPUTS)
    assert {choices(route, "fit") for route in ("video-aspect", "video-social", "video-transform")} == {
        frozenset(fitting.FITS)
    }
    assert choices("video-transform", "output_format") == set(transforming.FORMATS)
    assert choices("video-transform", "codec") == set(writer.CODECS)
    assert choices("gif", "output_format") == set(looping.MOVING)
    assert choices("video-edit", "trim") == choices("video-trim", "trim") == set(spans.MODES)
    assert choices("video-edit", "text_position") == choices("video-text", "position") == set(cropping.PLACES)
    assert choices("video-edit", "text_font") == choices("video-text", "font") == set(lettering.FACES)
    assert choices("pan", "motion") == set(reels.MOVES)
    assert choices("video-compress", "quality") == set(writer.QUALITIES)


def test_what_only_encodes_anew_is_free_and_nothing_local_costs_us_anything() -> None:
    for model in LOCAL:
        assert {rule.cost_rate for rule in model.prices} == {Decimal(0)}
        if model.label == "re-encoded":
            assert {rule.rate for rule in model.prices} == {Decimal(0)}
