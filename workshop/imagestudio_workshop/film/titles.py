"""Texts over a film: where, when, how large, in which colour and on which ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PIL import Image

from imagestudio.plugin import ProviderRefused
from imagestudio_workshop.cropping import PLACES
from imagestudio_workshop.film.chains import Chain, overlaid
from imagestudio_workshop.lettering import FACES, REGULAR, SMALLEST, Colour, Lettering, writable
from imagestudio_workshop.orders import LabelledTask

_ALIGNED: Final = {0.0: "left", 0.5: "center", 1.0: "right"}
_MARGIN: Final = 0.05
"""Of the height, on all sides."""
_USUAL: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A text and its looks: letters `pixels` high, or else a share of the film's height."""

    text: str
    position: str
    pixels: int
    share: float
    colour: Colour
    ground: Colour | None
    face: str

    def drawn(self, width: int, height: int) -> Image.Image:
        """Over a film of that size, transparent around it. Raises ProviderRefused if it does not fit in."""
        (across, down), margin = PLACES[self.position], round(height * _MARGIN)
        size = self.pixels or max(SMALLEST, round(height * self.share))
        room = width - 2 * margin, height - 2 * margin
        lettering = Lettering(self.text, size, self.colour, room[0], self.face, _ALIGNED[across], self.ground)
        drawn = lettering.drawn()
        if drawn.width > width or drawn.height > height:
            told = f"the text takes {drawn.width} x {drawn.height} pixels, and the film has {width} x {height}"
            raise ProviderRefused("text_too_large", told)
        picture = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        spare = width - drawn.width, height - drawn.height
        place = _within(spare[0], margin, across), _within(spare[1], margin, down)
        picture.paste(drawn, place)
        return picture


def _within(spare: int, margin: int, share: float) -> int:
    """From the edge; the margin is less if there is no room for it."""
    margin = min(margin, spare // 2)
    return margin + round((spare - 2 * margin) * share)


def title_of(order: LabelledTask, prefix: str = "") -> Chain:
    """The text of an order over a film, from `start` to `end` seconds of what is written. Raises ProviderRefused.

    The inputs are `text`, and those of its looks, whose names begin with `prefix`.
    """
    face, colour = order.choice(f"{prefix}font", FACES, REGULAR), order.tint(f"{prefix}color", "white")
    title = Title(
        text=writable(order.text("text"), face),
        position=order.choice(f"{prefix}position", PLACES, "bottom"),
        pixels=order.whole(f"{prefix}pixels"),
        share=order.number(f"{prefix}size", _USUAL) / 100,
        colour=colour or (255, 255, 255, 255),
        ground=order.tint(f"{prefix}background"),
        face=face,
    )
    start, end = order.number(f"{prefix}start", 0), order.number(f"{prefix}end", 0) or None
    if end is not None and end <= start:
        raise ProviderRefused("unsupported_span", f"a text from {start:g} to {end:g} seconds is never seen")
    return overlaid(title.drawn, start, end)
