"""Orders for models: in another format, or as a picture or a film of one that turns."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageColor

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.animations import timing
from imagestudio_workshop.film.reels import shot
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.pictures import labelled_png
from imagestudio_workshop.profiles import Picture
from imagestudio_workshop.solids.gltf import read_glb
from imagestudio_workshop.solids.turning import Turntable
from imagestudio_workshop.solids.writing import as_obj, as_stl
from imagestudio_workshop.strips import Strip

SIDES: Final = range(64, 1025)
FORMATS: Final = ("webp", "mp4", "png")
_BESIDE: Final = 0.08
"""Of a round, from where a still picture is taken."""


def model_converted(order: LabelledTask) -> Work:
    """The form of a GLB as OBJ, in metres, or as STL, `longest` millimetres long."""
    chosen, longest = order.choice("format", ("stl", "obj"), "stl"), order.number("longest", 100)
    parts = read_glb(order.file("mesh"), "mesh")

    def work(_variation: int, step: Step) -> Media:
        step(0.3, f"writing {chosen.upper()}")
        if chosen == "obj":
            return Media(as_obj(parts, order.label), "model/obj")
        return Media(as_stl(parts, longest, order.label), "model/stl")

    return work


def model_turned(order: LabelledTask) -> Work:
    """A model that turns once, as an animated WebP that runs for ever or as an MP4, or as one picture."""
    chosen, side = order.choice("format", FORMATS, "webp"), order.whole("side", 384) // 2 * 2
    if side not in SIDES:
        raise ProviderRefused("unsupported_side", f"it is drawn {SIDES.start} to {SIDES.stop - 1} pixels wide")
    ground = ImageColor.getrgb(order.color("background", "#e8e8ea"))[:3]
    count, rate = timing(order)
    table = Turntable.of(read_glb(order.file("mesh"), "mesh"), (ground[0], ground[1], ground[2]))

    def work(_variation: int, step: Step) -> Media:
        if chosen == "png":
            return labelled_png(Picture(table.frame(side, _BESIDE)), order)
        if chosen == "mp4":
            return shot((table.frame(side, number / count) for number in range(count)), count, rate, step)

        def frame(number: int) -> Image.Image:
            step(0.9 * number / count, f"frame {number + 1} of {count}")
            return table.frame(side, number / count)

        stream = io.BytesIO()
        strip = Strip((side, side), count, frame)
        strip.save(stream, "WEBP", save_all=True, duration=round(1000 / rate), loop=0, quality=80, method=2)
        return Media(stream.getvalue(), "image/webp")

    return work
