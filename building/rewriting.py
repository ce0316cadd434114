"""Rewrites what a module imports of the rooms, as they lie under one package; nothing else changes, no line moves.

from domain.money import Money ──> from imagestudio.domain.money import Money
import domain.money as money   ──> import imagestudio.domain.money as money
import domain.money            ──> BareImport: it binds a name that would be another
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

PACKAGE: Final = "imagestudio"
ROOMS: Final = ("domain", "application", "projections", "infrastructure")

_FROM: Final = re.compile(rb"from(?:[ \t\f]|\\\r?\n)+")


class BareImport(ValueError):
    """An import of a room that cannot be rewritten by itself, with its line."""


def is_of_rooms(module: str | None) -> bool:
    """Whether a module is one of the rooms, or in one."""
    return module is not None and module.partition(".")[0] in ROOMS


def moved(source: bytes, file: str = "") -> bytes:
    """The source of a module, with the rooms under the package. Raises BareImport, SyntaxError."""
    places = sorted(_places(source, file), reverse=True)
    for place in places:
        source = source[:place] + PACKAGE.encode() + b"." + source[place:]
    return source


def _places(source: bytes, file: str) -> Iterator[int]:
    """The place where the name of an imported room begins."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.walk(ast.parse(source, file)):
        if isinstance(node, ast.ImportFrom) and not node.level and is_of_rooms(node.module):
            yield _after_from(source, starts[node.lineno - 1] + node.col_offset)
        for alias in node.names if isinstance(node, ast.Import) else ():
            if is_of_rooms(alias.name):
                if alias.asname is None:
                    raise BareImport(f"{file}:{alias.lineno}: import {alias.name} needs a name of its own, or from")
                yield starts[alias.lineno - 1] + alias.col_offset


def _after_from(source: bytes, place: int) -> int:
    said = _FROM.match(source, place)
    assert said is not None, "an import begins with from"
    return said.end()
