"""What local routes write, as others read it: sharp for pictures, and the validator of glTF's makers for models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.corpus.programs import asked_of_node
from tests.workshop.portraits import portrait
from tests.workshop.test_keeping import LENGTHS, animated, deep, lying
from tests.workshop.work import make, png

WIDE = {"color_space": "adobe-rgb"}
PRINTED = ("png", "jpeg")


async def test_pictures_and_models_are_what_others_take_them_for(tmp_path: Path, second_opinions: Path) -> None:
    await write(tmp_path)
    said = {answer["file"]: answer for answer in asked_of_node(sorted(tmp_path.iterdir()), second_opinions)}
    assert {name: answer["error"] for name, answer in said.items() if "error" in answer} == {}
    for name in ("cushion.glb", "slab.glb"):
        assert (said[name]["errors"], said[name]["warnings"]) == (0, 0)
    for name in ("from-gif.webp", "from-png.webp"):
        assert (said[name]["pages"], said[name]["delay"]) == (len(LENGTHS), LENGTHS)
    for name in ("upright.jpeg", "upright.webp", "upright.png"):
        assert (said[name]["width"], said[name]["height"], said[name].get("orientation", 1)) == (120, 120, 1)
    for name in ("still.gif", "still.tiff", "still.avif"):
        assert (said[name]["width"], said[name]["height"]) == (120, 120)
    assert (said["moving.gif"]["pages"], said["moving.gif"]["delay"]) == (len(LENGTHS), LENGTHS)
    assert said["deep.png"]["depth"] == said["deep.tiff"]["depth"] == "ushort"
    assert {said[name]["hasProfile"] for name in ("wide.tiff", "wide.avif", "wide.png")} == {True}
    assert said["print.png"]["density"] == said["print.jpeg"]["density"] == 300


async def write(made: Path) -> None:
    sitter = png(portrait(size=120, background=(240, 240, 240)))
    wishes: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("cushion.glb", "relief", sitter, {"shape": "inflate"}),
        ("slab.glb", "relief", sitter, {"shape": "relief"}),
        ("from-gif.webp", "image-convert", animated("GIF"), {"format": "webp"}),
        ("from-png.webp", "image-convert", animated("PNG"), {"format": "webp"}),
        ("moving.gif", "image-convert", animated("WEBP"), {"format": "gif"}),
        *((f"still.{kind}", "image-convert", sitter, {"format": kind}) for kind in ("gif", "tiff", "avif")),
        *((f"wide.{kind}", "image-convert", sitter, WIDE | {"format": kind}) for kind in ("png", "tiff", "avif")),
        *((f"print.{kind}", "image-resize", sitter, {"width": 60, "dpi": 300, "format": kind}) for kind in PRINTED),
        ("deep.tiff", "image-convert", deep(3, 16), {"format": "tiff"}),
        ("deep.png", "image-convert", deep(3, 16), {"format": "png"}),
        *((f"upright.{kind}", "image-convert", lying(6, "JPEG"), {"format": kind}) for kind in ("jpeg", "webp", "png")),
    ]
    for name, route, image, wish in wishes:
        (made / name).write_bytes((await make(route, {"image": image}, **wish)).content)
