"""Networks of ncnn that enlarge: a picture goes through in tiles, so that memory is bounded and it can be stopped.

picture ── tile of 64 with a margin ── network ── margin cut off ──> result
                   └── one tile at a time in the whole process ──┘
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imagestudio.plugin import TaskFailed

if TYPE_CHECKING:
    import ncnn

Pixels: TypeAlias = npt.NDArray[np.uint8]

TILE: Final = 64
_TURN: Final = Lock()


@dataclass(frozen=True, slots=True)
class Shape:
    """How a family of networks is asked: its package, its blobs, what it multiplies a side by, and its margin."""

    package: str
    given: str
    made: str
    factor: int
    margin: int


@dataclass(frozen=True, slots=True)
class Enlarger:
    """A loaded network."""

    network: ncnn.Net
    shape: Shape

    def __call__(self, pixels: Pixels, step: Callable[[float], None]) -> Pixels:
        """`pixels` (H, W, 3) enlarged; `step` hears what share is done before each tile, and may raise."""
        height, width = pixels.shape[:2]
        factor, margin = self.shape.factor, self.shape.margin
        result = np.empty((height * factor, width * factor, 3), dtype=np.uint8)
        padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        tiles = list(_tiles(height, width))
        for number, (y, x, high, wide) in enumerate(tiles):
            step(number / len(tiles))
            tile = self._through(padded[y : y + high + 2 * margin, x : x + wide + 2 * margin])
            rows, columns = slice(y * factor, (y + high) * factor), slice(x * factor, (x + wide) * factor)
            result[rows, columns] = _middle(tile, high * factor, wide * factor)
        return result

    def _through(self, part: Pixels) -> Pixels:
        import ncnn

        # The matrix borrows the array's memory: the array has to live until the result is extracted.
        ordered = np.ascontiguousarray(part.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
        with _TURN:
            extractor = self.network.create_extractor()
            extractor.input(self.shape.given, ncnn.Mat(ordered))
            failed, made = extractor.extract(self.shape.made)
        if failed:
            raise TaskFailed("network_failed", "the network gave no result, as it does where memory runs out")
        planes = np.array(made, dtype=np.float32).transpose(1, 2, 0)
        return (planes * np.float32(255) + np.float32(0.5)).clip(0, 255).astype(np.uint8)


def _middle(tile: Pixels, high: int, wide: int) -> Pixels:
    """Without the margin, which some networks cut off themselves."""
    top, left = (tile.shape[0] - high) // 2, (tile.shape[1] - wide) // 2
    return tile[top : top + high, left : left + wide]


def _tiles(height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    """Top, left, height and width of each."""
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            yield y, x, min(TILE, height - y), min(TILE, width - x)


@cache
def enlarger(name: str, shape: Shape) -> Enlarger:
    """The network of this name, loaded once. Raises TaskFailed if its files are damaged."""
    import ncnn

    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    place = _folder(shape.package) / "models"
    # ncnn raises nothing: whatever is not 0 went wrong.
    if network.load_param(str(place / f"{name}.param")) or network.load_model(str(place / f"{name}.bin")):
        raise TaskFailed("damaged_network", f"{shape.package} is damaged: {name} cannot be loaded; install it again")
    return Enlarger(network, shape)


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise TaskFailed("no_network", f"{package} is not installed any more")
    return Path(spec.origin).parent
