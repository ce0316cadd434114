"""Orders for a film as an animated GIF: a span of it, in fewer pixels and frames, without sound, running for ever."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import av
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.frames import upright_frames
from imagestudio_workshop.film.lanes import frames_in
from imagestudio_workshop.film.marks import HLG, PQ
from imagestudio_workshop.film.remaking import length_of, opened_film
from imagestudio_workshop.indexing import indexed
from imagestudio_workshop.orders import LabelledTask, Step, Work

_HUNDREDTHS: Final = 100
_SOON: Final = 0.001


def looped(order: LabelledTask) -> Work:
    """From `start` for `duration` seconds, at most `width` pixels wide, `fps` frames a second."""
    film, start = order.file("video"), order.number("start", 0)
    end = min(length_of(film), start + order.number("duration", 6))
    if not start < end:
        raise ProviderRefused("unsupported_span", f"nothing is left of the film from {start:g} seconds on")
    width, rate = order.whole("width", 480), order.whole("fps", 12)

    def work(_variation: int, step: Step) -> Media:
        pictures = []
        for at, image in _sampled(film, start, end, rate):
            step(0.8 * (at - start) / (end - start), "taking frames")
            pictures.append(indexed(_within(image, width))[0])
        step(0.85, "writing the GIF")
        return _written(pictures, end - start)

    return work


def _sampled(film: Media, start: float, end: float, rate: int) -> Iterator[tuple[float, Image.Image]]:
    """The picture that is shown at each tick of the span. Raises ProviderRefused for light that 8 bits cannot show."""
    with opened_film(film) as container:
        stream = container.streams.video[0]
        if stream.codec_context.color_trc in (PQ, HLG):
            raise ProviderRefused("unsupported_colours", "the film is brighter than a GIF can show")
        packets = container.demux(stream)
        decoded = (frame for packet in packets for frame in frames_in(packet, av.VideoFrame))
        offset, tick, shown = (container.start_time or 0) / 1_000_000, 0, None
        for frame in upright_frames(stream, decoded):
            at = (frame.time or 0.0) - offset
            while shown is not None and start + tick / rate < min(at, end) - _SOON:
                yield start + tick / rate, shown
                tick += 1
            if at > end:
                return
            shown = frame.to_image()  # type: ignore[no-untyped-call]
        while shown is not None and start + tick / rate < end - _SOON:
            yield start + tick / rate, shown
            tick += 1


def _within(image: Image.Image, width: int) -> Image.Image:
    if image.width <= width:
        return image
    return image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)


def _written(pictures: list[Image.Image], seconds: float) -> Media:
    """Every frame for as long, in whole hundredths that come to the length of the span."""
    ends = [round(seconds * _HUNDREDTHS * place / len(pictures)) for place in range(len(pictures) + 1)]
    durations = [10 * (after - before) for before, after in pairwise(ends)]
    stream = io.BytesIO()
    rest = pictures[1:]
    pictures[0].save(stream, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, optimize=False)
    return Media(stream.getvalue(), "image/gif")
