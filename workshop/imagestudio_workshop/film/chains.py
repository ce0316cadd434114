"""Filters as edits name them: steps from one node of FFmpeg's graph to the next.

Chain: (graph, node, scene) ──> node
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final, TypeAlias

import av
import numpy as np
from av.filter import Graph
from av.filter.context import FilterContext
from PIL import Image

from imagestudio.plugin import ProviderRefused
from imagestudio_workshop.film.marks import RGB, Marks, graphic, source_of


@dataclass(frozen=True, slots=True)
class Scene:
    """The film before the chain: its size, set upright in square pixels, and how its colours are coded; and pictures
    to be fed into the graph once it stands."""

    width: int
    height: int
    marks: Marks = field(default_factory=Marks)
    feeds: list[tuple[FilterContext, av.VideoFrame]] = field(default_factory=list)


Chain: TypeAlias = Callable[[Graph, FilterContext, Scene], FilterContext]

_ANY_TIME_BASE = Fraction(1, 1000)


def chain_of(*filters: tuple[str, str]) -> Chain:
    """Filters one after the other, each with its arguments as FFmpeg writes them."""

    def build(graph: Graph, node: FilterContext, _scene: Scene) -> FilterContext:
        for name, arguments in filters:
            after = graph.add(name, arguments or None)
            node.link_to(after)
            node = after
        return node

    return build


def all_of(*chains: Chain) -> Chain:
    """Chains one after the other; each is told of the film before all of them."""

    def build(graph: Graph, node: FilterContext, scene: Scene) -> FilterContext:
        for chain in chains:
            node = chain(graph, node, scene)
        return node

    return build


def resized(width: int, height: int) -> Chain:
    return chain_of(("scale", f"{width}:{height}:flags=lanczos"), ("setsar", "1"))


def cropped(width: int, height: int, about: tuple[float, float] = (0.5, 0.5)) -> Chain:
    """Fills the frame, about a point in shares of width and height; what is too wide or too high is cut off."""
    scale = f"{width}:{height}:force_original_aspect_ratio=increase:flags=lanczos"
    x, y = (
        f"clip({share:.6f}*{side}-{kept}/2,0,{side}-{kept})"
        for share, side, kept in zip(about, ("iw", "ih"), (width, height), strict=True)
    )
    return chain_of(("scale", scale), ("crop", f"{width}:{height}:'{x}':'{y}'"), ("setsar", "1"))


def padded(width: int, height: int, colour: str = "black") -> Chain:
    """Shows everything, with bars of a colour."""
    scale = f"{width}:{height}:force_original_aspect_ratio=decrease:flags=lanczos"
    return chain_of(("scale", scale), ("pad", f"{width}:{height}:-1:-1:{colour}"), ("setsar", "1"))


def blurred(width: int, height: int) -> Chain:
    """Shows everything, on the same film, enlarged and out of focus."""

    def build(graph: Graph, node: FilterContext, scene: Scene) -> FilterContext:
        split = graph.add("split", "2")
        node.link_to(split)
        behind = graph.add("scale", f"{width // 8}:{height // 8}:force_original_aspect_ratio=increase:flags=area")
        split.link_to(behind, 0, 0)
        soft = chain_of(
            ("crop", f"{width // 8}:{height // 8}"),
            ("gblur", "sigma=4"),
            ("scale", f"{width}:{height}"),
            ("setsar", "1"),
        )
        front = graph.add("scale", f"{width}:{height}:force_original_aspect_ratio=decrease:flags=lanczos")
        split.link_to(front, 1, 0)
        over = graph.add("overlay", f"(W-w)/2:(H-h)/2:format={_blending(scene.marks)}")
        soft(graph, behind, scene).link_to(over, 0, 0)
        chain_of(("setsar", "1"))(graph, front, scene).link_to(over, 0, 1)
        return over

    return build


def overlaid(draw: Callable[[int, int], Image.Image], start: float, end: float | None) -> Chain:
    """A picture (RGBA) over the film, drawn for its width and height, from `start` to `end` seconds."""

    def build(graph: Graph, node: FilterContext, scene: Scene) -> FilterContext:
        pixels = graphic(np.asarray(draw(scene.width, scene.height)), scene.marks)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgba64le")
        frame.pts, frame.time_base = 0, _ANY_TIME_BASE
        picture = source_of(graph, frame, replace(scene.marks, matrix=RGB), "overlay")
        scene.feeds.append((picture, frame))
        until = "" if end is None else f"*lt(t,{end})"
        blending = _blending(scene.marks)
        over = graph.add("overlay", f"0:0:eof_action=repeat:format={blending}:enable='gte(t,{start}){until}'")
        node.link_to(over, 0, 0)
        chain_of(("format", _LAID[blending] + scene.marks.coded()))(graph, picture, scene).link_to(over, 0, 1)
        return over

    return build


# The way of blending as the filter "overlay" calls it, and the pixels that it wants to be laid over the film.
_LAID: Final = {"yuv420": "pix_fmts=yuva420p", "yuv420p10": "pix_fmts=yuva420p10le"}


def _blending(marks: Marks) -> str:
    if marks.depth > 10:
        raise ProviderRefused("unsupported_depth", f"nothing can be laid over a film of {marks.depth} bits a sample")
    return "yuv420" if marks.depth == 8 else "yuv420p10"
