"""Pictures by number of colour: exactly where there are few of them, or as near as 256 come."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

_COLOURS: Final = 256
_CLEAR: Final = 255
"""The number of what is transparent."""


def reduced(image: Image.Image) -> Image.Image:
    """The same pixels by number, where they have at most 256 colours in all; else the image itself."""
    found = image.getcolors(_COLOURS) if image.mode in ("RGB", "RGBA") else None
    if not found:
        return image
    colours = np.array(sorted(colour for _, colour in found), dtype=np.uint32)
    pixels = np.asarray(image, dtype=np.uint32)
    codes = _code(colours)
    by_number = Image.fromarray(np.searchsorted(codes, _code(pixels)).astype(np.uint8))
    by_number.putpalette(colours[:, :3].ravel().tolist())
    if image.mode == "RGBA" and (colours[:, 3] < 255).any():
        by_number.info["transparency"] = bytes(colours[:, 3].tolist())
    return by_number


def _code(colours: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """One number a colour, in the order of the colours."""
    code = np.zeros(colours.shape[:-1], dtype=np.uint32)
    for plane in range(colours.shape[-1]):
        code = code << np.uint32(8) | colours[..., plane]
    return code


def indexed(image: Image.Image) -> tuple[Image.Image, int | None]:
    """At most 256 colours, dithered where there were more, and the number of what is wholly transparent."""
    solid = image.convert("RGB")
    clear = np.asarray(image.getchannel("A")) == 0 if image.mode == "RGBA" else None
    if clear is not None:
        # So that colours that nobody sees take no number.
        solid.paste((0, 0, 0), mask=Image.fromarray(clear))
    most = _COLOURS if clear is None else _CLEAR
    few = reduced(solid) if solid.getcolors(most) else _dithered(solid, most)
    if clear is None:
        return few, None
    few.paste(_CLEAR, mask=Image.fromarray(clear))
    return few, _CLEAR


def _dithered(solid: Image.Image, most: int) -> Image.Image:
    palette = solid.quantize(most, method=Image.Quantize.MEDIANCUT, kmeans=1)
    return solid.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
