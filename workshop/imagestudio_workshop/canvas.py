"""Paints a picture from the words of a prompt: the scene, its colours, what stands in it; no model is involved."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from imagestudio_workshop import abstract, cosmos, figures, land, sky, water
from imagestudio_workshop.color import to_bytes
from imagestudio_workshop.noise import spectral
from imagestudio_workshop.palettes import COSMIC, PALETTE_WORDS, PALETTES
from imagestudio_workshop.stage import Stage

Pixels: TypeAlias = npt.NDArray[np.uint8]

# In order of precedence; the first scene that one of the prompt's words asks for is painted.
SCENE_WORDS = {
    "cosmos": "space galaxy nebula cosmos cosmic universe planet asteroid milky supernova saturn jupiter astronaut",
    "glass": "mosaic geometric stained glass crystal cubist cubism polygon kaleidoscope cathedral voronoi",
    "silk": "abstract silk marble fluid liquid swirl texture pattern smoke paint energy wallpaper kintsugi",
    "city": "city skyline street tokyo urban skyscraper building downtown cyberpunk metropolis york london neon",
    "dunes": "desert dune sand sahara mars camel",
    "lake": "lake pond reflection fjord river",
    "sea": "ocean sea beach coast wave ship boat sail sailboat yacht lighthouse island harbor harbour gull lagoon",
    "forest": "forest wood woods jungle tree pine rainforest fox deer wolf bear moss fern",
    "meadow": "meadow field flower garden hill grass farm village countryside rose tulip sakura blossom balloon",
    "mountains": "mountain peak alps alpine valley canyon volcano summit cliff glacier eagle aurora cabin hut snow",
}
COSMIC_PALETTES = ("fire", "gold", "neon", "lavender", "mono")
UNASKED = ("mountains", "lake", "sea", "forest", "meadow", "silk", "cosmos", "dunes")


@dataclass(frozen=True, slots=True)
class Understood:
    """The part of a prompt that was understood."""

    scene: str
    palette: str
    words: frozenset[str]


def read_prompt(prompt: str, rng: np.random.Generator) -> Understood:
    """Scene and palette by the first words known; what no word decides, the prompt's own seed does."""
    words = _words(prompt)
    scene, palette = str(rng.choice(UNASKED)), str(rng.choice(list(PALETTES)))
    return Understood(_asked(SCENE_WORDS, words) or scene, _asked(PALETTE_WORDS, words) or palette, words)


def _words(prompt: str) -> frozenset[str]:
    """Lower-case words, each also without a plural's ending."""
    found = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFKC", prompt).casefold())
    singular = {word.removesuffix("s") for word in found} | {word.removesuffix("es") for word in found}
    return frozenset(found) | singular


def _asked(table: dict[str, str], words: frozenset[str]) -> str | None:
    return next((name for name, known in table.items() if not words.isdisjoint(known.split())), None)


def seeded(prompt: str, seed: object, variation: int) -> np.random.Generator:
    """Random numbers that follow from the request alone."""
    text = f"{unicodedata.normalize('NFC', prompt)}\0{'' if seed is None else seed}\0{variation}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()))


def paint(
    prompt: str, rng: np.random.Generator, size: tuple[int, int], step: Callable[[float, str], None]
) -> Image.Image:
    """A picture of `size` (width, height) pixels; `step` hears of the progress. Same arguments, same pixels."""
    stage, scene = _prepare(prompt, rng, size)
    step(0.15, "mixing the colours")
    SCENES[scene](stage)
    step(0.75, "finishing")
    _vignette(stage)
    return Image.fromarray(np.ascontiguousarray(to_bytes(stage.picture, stage.rng)))


@dataclass(frozen=True, slots=True)
class Layers:
    """A picture without its vignette, for whoever moves it: pixels of shape (H, W, 3).

    `sky` is the sky alone, `water` all that was painted up to and with the water; None where there is none.
    `waterline` is the share of the height above it.
    """

    whole: Pixels
    sky: Pixels | None
    water: Pixels | None
    waterline: float
    scene: str
    words: frozenset[str]
    night: bool


def paint_layers(prompt: str, rng: np.random.Generator, size: tuple[int, int]) -> Layers:
    """The picture that `paint` would paint, in the layers of which it consists."""
    stage, scene = _prepare(prompt, rng, size)
    stage.kept = {}
    SCENES[scene](stage)
    shown = {name: to_bytes(field, np.random.default_rng(0)) for name, field in stage.kept.items()}
    whole = to_bytes(stage.picture, np.random.default_rng(0))
    night = stage.palette.night
    return Layers(whole, shown.get("sky"), shown.get("water"), stage.waterline, scene, stage.words, night)


def _prepare(prompt: str, rng: np.random.Generator, size: tuple[int, int]) -> tuple[Stage, str]:
    reading = read_prompt(prompt, rng)
    palette, words = PALETTES[reading.palette], reading.words
    if reading.palette == "storm" or "rain" in words:
        words |= {"nosun", "storm"}
    if reading.palette == "winter" or not words.isdisjoint(("snowy", "winter", "ice", "icy", "frost", "glacier")):
        words |= {"snow"}
    width, height = size
    horizon = float(rng.uniform(0.50, 0.62))
    x = width / height * float(rng.choice([rng.uniform(0.22, 0.42), rng.uniform(0.58, 0.78)]))
    y = horizon * (1 - palette.height * float(rng.uniform(0.85, 1.1)))
    if reading.scene == "cosmos" and reading.palette not in COSMIC_PALETTES:
        palette = replace(palette, accents=COSMIC[int(rng.integers(0, len(COSMIC)))], light="#fff2dc")
    picture = np.zeros((3, height, width), dtype=np.float32)
    return Stage(picture, palette, words, rng, spectral(rng, 2.2), horizon, (x, y)), reading.scene


def _vignette(stage: Stage) -> None:
    x, y = stage.columns() / np.float32(stage.aspect) - 0.5, stage.rows() - 0.5
    stage.picture *= 1 - np.clip((x * x + y * y) * np.float32(0.62) - np.float32(0.03), 0, 1)


def _sky(stage: Stage) -> None:
    sky.paint_sky(stage)
    stage.keep("sky")


def _water(stage: Stage, level: float, *, calm: float) -> None:
    water.paint_water(stage, level, calm=calm)
    stage.waterline = level
    stage.keep("water")


def _mountains(stage: Stage) -> None:
    _sky(stage)
    ridges = land.paint_mountains(stage, 1.02)
    figures.plant_pines(stage, ridges[-2], tallest=0.05, spacing=0.009)
    figures.plant_pines(stage, ridges[-1], tallest=0.13, spacing=0.02)
    land.paint_mist(stage, stage.horizon + 0.16, 0.35)
    figures.place_figures(stage, 0.9)


def _lake(stage: Stage) -> None:
    _sky(stage)
    level = stage.horizon + 0.10
    ridges = land.paint_mountains(stage, level + 0.01, layers=4)
    figures.plant_pines(stage, ridges[-1], tallest=0.055, spacing=0.007)
    _water(stage, level, calm=float(stage.rng.uniform(0.8, 0.97)))
    land.paint_mist(stage, level, 0.45)
    figures.place_figures(stage, level)
    if stage.rng.uniform() < 0.6 or stage.has("forest", "pine", "tree"):
        _near_shore(stage)


def _near_shore(stage: Stage) -> None:
    """Dark pines on one side frame the view."""
    x = stage.columns() / np.float32(stage.aspect)
    away = x if stage.light[0] > stage.aspect / 2 else 1 - x
    shore = land.Ridge(np.asarray(0.90 + 0.35 * away**1.5, dtype=np.float32), 1.0)
    figures.plant_pines(stage, shore, tallest=0.42, spacing=0.035)
    figures.fill_below(stage, shore, 0.045)


def _sea(stage: Stage) -> None:
    _sky(stage)
    if stage.has("island", "coast", "fjord") or stage.rng.uniform() < 0.3:
        land.paint_hills(stage, stage.horizon + 0.01, layers=2)
    if stage.has("lighthouse"):
        figures.raise_lighthouse(stage, stage.horizon)
    calm = 0.05 if stage.has("storm", "wave") else float(stage.rng.uniform(0.25, 0.6))
    _water(stage, stage.horizon, calm=calm)
    figures.place_figures(stage, stage.horizon)


def _forest(stage: Stage) -> None:
    stage.horizon *= 0.78
    _sky(stage)
    ridges = land.paint_hills(stage, 1.0, layers=5)
    for ridge in ridges[1:]:
        near = ridge.near
        figures.plant_pines(stage, ridge, tallest=0.07 + 0.26 * near**2, spacing=0.008 + 0.022 * near)
        land.paint_mist(stage, float(ridge.crest.mean()) + 0.10, 0.42 * (1 - near))
    figures.place_figures(stage, 0.86)


def _meadow(stage: Stage) -> None:
    _sky(stage)
    ridges = land.paint_hills(stage, 0.86)
    figures.plant_pines(stage, ridges[1], tallest=0.035, spacing=0.012)
    land.paint_flowers(stage, ridges[-1])
    figures.place_figures(stage, 0.80)


def _dunes(stage: Stage) -> None:
    _sky(stage)
    land.paint_dunes(stage)
    figures.place_figures(stage, 0.9)


def _city(stage: Stage) -> None:
    _sky(stage)
    level = stage.horizon + 0.16
    figures.build_city(stage, level)
    _water(stage, level, calm=0.45)


SCENES: dict[str, Callable[[Stage], None]] = {
    "cosmos": cosmos.paint_cosmos,
    "glass": abstract.paint_glass,
    "silk": abstract.paint_silk,
    "city": _city,
    "dunes": _dunes,
    "lake": _lake,
    "sea": _sea,
    "forest": _forest,
    "meadow": _meadow,
    "mountains": _mountains,
}
