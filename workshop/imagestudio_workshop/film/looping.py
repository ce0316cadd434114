"""Orders for a film as a moving picture: a span of it, in fewer pixels and frames, without sound, running for ever."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain as joined
from itertools import pairwise
from math import ceil
from types import MappingProxyType
from typing import Final

import av
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.chains import Chain, chain_of
from imagestudio_workshop.film.lanes import frames_in
from imagestudio_workshop.film.remaking import opened_film
from imagestudio_workshop.film.spans import Stretch, span_of
from imagestudio_workshop.film.stills import Screen
from imagestudio_workshop.film.writer import USUAL
from imagestudio_workshop.indexing import indexed
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.strips import Strip

MOVING: Final = MappingProxyType({"gif": "image/gif", "webp": "image/webp", "avif": "image/avif"})
LONGEST: Final = 20.0
USUAL_RATE: Final = 12
RATES: Final = range(1, 26)
_MOST_PIXELS: Final = 200_000_000
"""Of all frames together, as those of a GIF are held until it is written."""
_SOON: Final = 0.001
_TICKS: Final = {"gif": 100, "webp": 1000, "avif": 1000}
"""Times in which each kind counts, of a second."""
_QUALITY: Final = {
    "webp": {USUAL: 80, "high": 85, "medium": 70, "low": 45},
    "avif": {USUAL: 65, "high": 70, "medium": 55, "low": 40},
}
_HOW: Final = {"webp": {"method": 3}, "avif": {"speed": 8}}


def looped(order: LabelledTask) -> Work:
    """A span, at most `width` pixels wide, `fps` frames a second, as `format`: gif, webp or avif."""
    kind, width = order.choice("format", MOVING, "gif"), order.whole("width", 480)
    narrow = chain_of(("scale", f"'min(iw,{width})':-1:flags=lanczos"), ("setsar", "1"))
    film = order.file("video")
    return moving_picture(film, span_of(order, film), kind, narrow, order.whole("fps", USUAL_RATE))


def moving_picture(film: Media, span: Stretch, kind: str, chain: Chain, rate: int, quality: str = USUAL) -> Work:
    """The pictures of a span through a chain, `rate` a second, as a kind of `MOVING`. Raises ProviderRefused."""
    if span.seconds > LONGEST:
        told = f"a moving picture lasts {LONGEST:g} seconds at most, and this {span.seconds:g}: name a part of it"
        raise ProviderRefused("too_long", told)
    if rate not in RATES:
        raise ProviderRefused("unsupported_fps", f"it has {RATES.start} to {RATES.stop - 1} frames a second")
    count = max(1, ceil(span.seconds * rate - _SOON))

    def work(_variation: int, step: Step) -> Media:
        pictures = _told(_sampled(film, span, chain, rate), count, step)
        return _written(pictures, _durations(span.seconds, count, _TICKS[kind]), kind, quality)

    return work


def _told(pictures: Iterator[Image.Image], count: int, step: Step) -> Iterator[Image.Image]:
    for number, image in enumerate(pictures):
        if image.width * image.height * count > _MOST_PIXELS:
            told = f"{count} frames of {image.width} x {image.height} pixels are too many together; ask for fewer"
            raise ProviderRefused("too_large", told)
        step(0.9 * number / count, f"frame {number + 1} of {count}")
        yield image


def _sampled(film: Media, span: Stretch, chain: Chain, rate: int) -> Iterator[Image.Image]:
    """The picture that is shown at each tick of the span."""
    with opened_film(film) as container:
        stream, offset = container.streams.video[0], (container.start_time or 0) / 1_000_000
        screen, tick, shown = Screen(stream, chain), 0, None
        if span.start:
            container.seek(round((span.start + offset) * 1_000_000))
        packets = container.demux(stream)
        decoded = (frame for packet in packets for frame in frames_in(packet, av.VideoFrame))
        for at, image in (pair for frame in joined(decoded, [None]) for pair in screen.shown(frame)):
            while shown is not None and span.start + tick / rate < min(at - offset, span.end) - _SOON:
                yield shown
                tick += 1
            if at - offset > span.end:
                return
            shown = image
        while shown is not None and span.start + tick / rate < span.end - _SOON:
            yield shown
            tick += 1


def _durations(seconds: float, count: int, ticks: int) -> list[int]:
    """Milliseconds of each frame, in whole ticks, that come to the length of the span."""
    ends = [round(seconds * ticks * place / count) for place in range(count + 1)]
    return [max(1, after - before) * 1000 // ticks for before, after in pairwise(ends)]


def _written(pictures: Iterator[Image.Image], durations: list[int], kind: str, quality: str) -> Media:
    stream = io.BytesIO()
    if kind == "gif":
        first, *rest = [indexed(one)[0] for one in pictures]
        first.save(stream, "GIF", save_all=True, append_images=rest, duration=durations, loop=0, optimize=False)
        return Media(stream.getvalue(), MOVING[kind])
    first = next(pictures)
    # An encoder goes back to the first picture when it is done.
    strip = Strip(first.size, len(durations), lambda number: next(pictures) if number else first)
    how = {**_HOW[kind], "quality": _QUALITY[kind][quality]}
    strip.save(stream, kind.upper(), save_all=True, duration=durations, loop=0, **how)
    return Media(stream.getvalue(), MOVING[kind])
