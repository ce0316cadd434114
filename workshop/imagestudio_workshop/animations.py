"""Orders for a short moving picture without a video codec: an animated WebP that runs for ever."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop import canvas
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.pictures import size_of
from imagestudio_workshop.reel import Reel
from imagestudio_workshop.strips import Strip

USUAL_SIDE: Final = 384
MOST_PIXELS: Final = 1280 * 720
RATES: Final = range(4, 31)
LONGEST: Final = 10.0
_QUALITY: Final = 78


def animated(order: LabelledTask) -> Work:
    """The prompt's picture in motion, for `duration` seconds at `fps` frames a second; it loops without a seam."""
    prompt, seed = order.text("prompt"), order.task.inputs.get("seed")
    size, (count, rate) = size_of(order, USUAL_SIDE, MOST_PIXELS), timing(order)

    def work(variation: int, step: Step) -> Media:
        reel = Reel(prompt, lambda: canvas.seeded(prompt, seed, variation), size)
        strip = Strip(size, count, lambda number: _shown(reel, number, count, step))
        stream = io.BytesIO()
        strip.save(stream, "WEBP", save_all=True, duration=round(1000 / rate), loop=0, quality=_QUALITY, method=2)
        return Media(stream.getvalue(), "image/webp")

    return work


def timing(order: LabelledTask, rate: int = 12) -> tuple[int, int]:
    """How many frames, and how many a second."""
    rate, seconds = order.whole("fps", rate), order.number("duration", 4)
    if rate not in RATES or not 0 < seconds <= LONGEST:
        limits = f"at most {LONGEST:g} seconds at {RATES.start} to {RATES.stop - 1} frames a second"
        raise ProviderRefused("unsupported_duration", f"it lasts {limits}")
    return max(2, round(rate * seconds)), rate


def _shown(reel: Reel, number: int, count: int, step: Step) -> Image.Image:
    step(0.9 * number / count, f"frame {number + 1} of {count}")
    return reel.frame(number / count)
