"""Networks that OpenCV runs: each is read once, when it is first asked, and asked by one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from imagestudio.plugin import TaskFailed

Pixels: TypeAlias = npt.NDArray[np.uint8]
Numbers: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Network:
    """A network, and the turn of who asks it: it holds what it works on."""

    loaded: cv2.dnn.Net
    turn: Lock = field(default_factory=Lock)

    def __call__(self, batch: Numbers, *names: str) -> list[Numbers]:
        """The answer to `batch` (1, channels, H, W): its outputs of these names, or all of them, in no order."""
        with self.turn:
            self.loaded.setInput(batch)
            outputs = self.loaded.forward(names or self.loaded.getUnconnectedOutLayersNames())
            return [np.array(output, dtype=np.float32) for output in outputs]


@cache
def network(path: Path) -> Network:
    """The network in a file, ONNX or TFLite by the end of its name. Raises TaskFailed if it is damaged."""
    read = cv2.dnn.readNetFromTFLite if path.suffix == ".tflite" else cv2.dnn.readNetFromONNX
    try:
        return Network(read(str(path)))
    except cv2.error as error:
        raise TaskFailed("damaged_network", f"{path} cannot be read as a network; get it again") from error


def batch_of(pixels: Numbers) -> Numbers:
    """A picture (H, W, 3) as networks take it: (1, 3, H, W)."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)
