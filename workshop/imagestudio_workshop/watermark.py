"""Orders that mark a picture as somebody's: a logo or a text over it, once or all over.

mark ── as large as a share of the picture ── turned ── as strong as its opacity ── at its place, or tiled ──> picture
"""

from __future__ import annotations

from typing import Final

from PIL import Image

from imagestudio.plugin import ProviderRefused
from imagestudio_workshop import lettering
from imagestudio_workshop.cropping import PLACES
from imagestudio_workshop.lettering import Lettering
from imagestudio_workshop.opening import first_frame, moves
from imagestudio_workshop.orders import LabelledTask, Work
from imagestudio_workshop.profiles import Picture
from imagestudio_workshop.resizing import coding_like, finished

_LETTERS: Final = 200
"""The height at which letters are drawn, to be made smaller afterwards."""
_APART: Final = 1.5
"""How far tiles are apart, in their own size."""


def marked(order: LabelledTask) -> Work:
    """The picture, or each frame of an animation, under the mark `mark` (a picture) or `text`."""
    source = order.file("image")
    moves_too = moves(source, "image")
    picture = first_frame(source, "image") if moves_too else order.picture()
    coding, over = coding_like(order, source, picture), layer(order, picture)

    def shape(each: Picture) -> Picture:
        laid = Image.alpha_composite(each.image.convert("RGBA"), over)
        return each.of(laid if each.image.mode == "RGBA" else laid.convert("RGB"))

    return finished(source, picture, coding, shape, moves_too=moves_too)


def layer(order: LabelledTask, picture: Picture) -> Image.Image:
    """All that is laid over a picture of that size: the mark, and nothing around it."""
    mark, margin = _sized(order, picture), round(min(picture.size) * order.number("margin", 3) / 100)
    over = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    if order.flag("tiled"):
        _tile(over, mark)
    else:
        across, down = PLACES[order.choice("position", PLACES, "bottom-right")]
        room = picture.size[0] - mark.width - 2 * margin, picture.size[1] - mark.height - 2 * margin
        # A mark that is larger than the room between the margins still lies where it was asked for.
        over.paste(mark, (margin + round(room[0] * across), margin + round(room[1] * down)))
    return over


def _sized(order: LabelledTask, picture: Picture) -> Image.Image:
    """`size` percent of the picture wide, and never higher than it; turned by `angle` degrees."""
    mark = _written(order, picture) if order.text("text") else _logo(order, picture)
    width, height = picture.size
    scale = min(width * order.number("size", 20) / 100 / mark.width, height / mark.height)
    size = max(1, round(mark.width * scale)), max(1, round(mark.height * scale))
    small = mark.resize(size, Image.Resampling.LANCZOS)
    if angle := order.number("angle", 0):
        small = small.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    small.putalpha(small.getchannel("A").point([round(level * order.number("opacity", 0.6)) for level in range(256)]))
    return small


def _logo(order: LabelledTask, picture: Picture) -> Image.Image:
    if not order.task.media.get("mark"):
        raise ProviderRefused("missing_mark", "there is neither a mark nor a text to lay over the picture")
    return order.picture("mark").in_profile(picture.profile).image.convert("RGBA")


def _written(order: LabelledTask, picture: Picture) -> Image.Image:
    text, colour = lettering.writable(order.text("text")), picture.colour(order.color("color", "white"))
    return Lettering(text, _LETTERS, (*colour, 255), float("inf")).drawn()


def _tile(over: Image.Image, mark: Image.Image) -> None:
    """Row by row, every other row by half a tile to the left."""
    across, down = round(mark.width * _APART) + 1, round(mark.height * _APART) + 1
    for row, top in enumerate(range(-mark.height // 2, over.height, down)):
        for left in range(-(across // 2) * (row % 2 + 1), over.width, across):
            over.paste(mark, (left, top))
