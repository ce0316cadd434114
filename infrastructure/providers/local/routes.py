"""Every local route: how its results are labelled, who makes them, and what has to be installed for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Final

from infrastructure.providers.local.orders import Maker

EXTRA: Final = "pip install 'image-studio[local]'"
_CV: Final = ("cv2",)
_AV: Final = ("av",)
_BOTH: Final = ("cv2", "av")


@dataclass(frozen=True, slots=True)
class Route:
    """`maker` is "module:function" in this package, imported when first used; `needs` are packages of the extra."""

    label: str
    maker: str
    needs: tuple[str, ...] = ()

    def load(self) -> Maker:
        maker: Maker = resolve_name(f"{__package__}.{self.maker}")
        return maker

    def lacks(self, is_installed: Callable[[str], bool]) -> str:
        """What to do before it can be used; empty where nothing is missing."""
        return "" if all(map(is_installed, self.needs)) else f"needs the extra: {EXTRA}"


def is_installed(package: str) -> bool:
    return find_spec(package) is not None


def _film(maker: str, *, needs: tuple[str, ...] = _AV) -> Route:
    return Route("Image Studio local video edit (FFmpeg through PyAV)", maker, needs)


def _still(maker: str) -> Route:
    return Route("Image Studio local picture encoding (Pillow)", maker)


ROUTES: Final = MappingProxyType(
    {
        "canvas": Route("Image Studio local canvas (procedural, not a diffusion model)", "pictures:painted"),
        "filter": Route("Image Studio local filter (classical image processing, not a model)", "pictures:filtered"),
        "upscale": Route("Image Studio local upscale (back-projection, not a neural network)", "pictures:enlarged"),
        "animation": Route("Image Studio local animation (procedural, not a video model)", "animations:animated"),
        "relief": Route("Image Studio local relief (inflated outline, not a 3D model of the thing)", "relief:modelled"),
        "image-compress": _still("encoding:compressed"),
        "image-convert": _still("encoding:converted"),
        "image-social": _still("social:posted"),
        "upscale-detail": Route(
            "Image Studio local detail (back-projection, not a neural network)", "vision.detail:refined", _CV
        ),
        "face-swap": Route(
            "Image Studio local face swap (Haar cascades, not a neural network)", "vision.faces:swapped", _CV
        ),
        "erase": Route("Image Studio local eraser (cloned surroundings, not a model)", "vision.erase:erased", _CV),
        "background-remove": Route(
            "Image Studio local cutout (GrabCut, not a neural network)", "vision.cutout:cut_out", _CV
        ),
        "film": Route("Image Studio local film (procedural, not a video model)", "film.reels:filmed", _AV),
        "pan": Route("Image Studio local camera (moves over the picture, not a video model)", "film.reels:panned", _AV),
        "video-trim": _film("film.edits:trimmed"),
        "video-speed": _film("film.edits:sped"),
        "video-stabilize": _film("film.steady:steadied", needs=_BOTH),
        "video-text": _film("film.edits:written_on"),
        "video-volume": _film("film.edits:turned_up"),
        "video-normalize": _film("film.edits:normalized"),
        "video-denoise": _film("film.edits:cleaned"),
        "video-format": _film("film.shapes:reformatted"),
        "video-aspect": _film("film.shapes:reshaped"),
        "video-resolution": _film("film.shapes:resampled"),
        "video-compress": _film("film.shapes:compressed"),
        "video-social": _film("film.shapes:posted"),
    }
)
