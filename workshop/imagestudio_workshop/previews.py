"""Draws a small picture of a file: of a picture itself, of a film a moment near its beginning, of a model one view.

Nothing is refused because its colours or its light are more than eight bits can show: a preview is only to be known by.
"""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Final

from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.opening import covering

QUALITY: Final = 80
_GROUND: Final = (232, 232, 234)
_TURNED: Final = 0.08
"""Of a round, from where a model is seen."""
_INTO: Final = 0.1
"""The share of a film after which its moment is looked for, as many begin with black."""
_MOST_FRAMES: Final = 300
"""Decoded on the way to that moment."""


def preview(file: Media, side: int) -> Media:
    """A WebP without metadata, in sRGB. Raises ProviderRefused for what cannot be shown or read."""
    kind = file.media_type.partition("/")[0]
    if kind == "image":
        return _small(covering(file, "file").in_profile(None).image, side)
    if kind == "video":
        return _small(_moment(file), side)
    if kind == "model":
        return _small(_view(file, side), side)
    raise ProviderRefused("nothing_to_see", "there is nothing to see in it")


def _small(image: Image.Image, side: int) -> Media:
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=QUALITY)
    return Media(stream.getvalue(), "image/webp", image.width, image.height)


def _view(file: Media, side: int) -> Image.Image:
    from imagestudio_workshop.solids.gltf import read_glb
    from imagestudio_workshop.solids.turning import Turntable

    return Turntable.of(read_glb(file, "file"), _GROUND).frame(side, _TURNED)


def _moment(file: Media) -> Image.Image:
    import av

    from imagestudio_workshop.film.frames import upright_frames
    from imagestudio_workshop.film.remaking import UNREADABLE, opened_film

    with opened_film(file) as container:
        stream, last = container.streams.video[0], None
        begin, wanted = container.start_time or 0, int((container.duration or 0) * _INTO)
        with suppress(av.FFmpegError):
            container.seek(begin + wanted)
        for number, frame in enumerate(container.decode(video=0)):
            last = frame
            if number >= _MOST_FRAMES or ((frame.time or 0.0) * 1_000_000 - begin >= wanted):
                break
        if last is None:
            raise ProviderRefused(*UNREADABLE)
        with suppress(ProviderRefused):
            last = next(upright_frames(stream, (last,)), last)
        image: Image.Image = last.to_image()  # type: ignore[no-untyped-call]
    return image
