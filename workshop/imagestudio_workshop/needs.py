"""Tells what a route needs beside the workshop itself, packages or weights, and how to get what is missing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from sys import prefix
from typing import Final

from imagestudio.plugin import ProviderRefused

FETCHED: Final = Path(prefix) / "share" / "image-studio-workshop"
"""The folder into which `imagestudio_workshop.fetching` puts weights: a part of the environment, gone with it."""


@dataclass(frozen=True, slots=True)
class Packages:
    """Modules that are installed by an extra of the workshop."""

    modules: tuple[str, ...]
    extra: str

    def lacking(self, weights: Weights) -> str:  # noqa: ARG002
        missing = [module.replace("_", "-") for module in self.modules if not _is_installed(module)]
        if not missing:
            return ""
        return f"{' and '.join(missing)} not installed: pip install 'image-studio-workshop[{self.extra}]'"


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """WeightFiles of weights, all of which are needed and none of which a package brings."""

    names: tuple[str, ...]

    def lacking(self, weights: Weights) -> str:
        missing = [name for name in self.names if weights.find(name) is None]
        if not missing:
            return ""
        looked = ", ".join(map(str, weights.folders))
        return f"no {' and '.join(missing)} in {looked}: get it by python -m imagestudio_workshop.fetching"


Need = Packages | WeightFiles


@dataclass(frozen=True, slots=True)
class Weights:
    """Folders in which weights are looked for, the first first."""

    folders: tuple[Path, ...]

    @classmethod
    def usual(cls, chosen: Path | None = None) -> Weights:
        """The chosen folder, that of rembg, by its own rule, and the environment's."""
        rembg = Path(os.environ.get("U2NET_HOME") or Path.home() / ".u2net")
        return cls((*([chosen] if chosen else []), rembg, FETCHED))

    def find(self, name: str) -> Path | None:
        return next((folder / name for folder in self.folders if (folder / name).is_file()), None)

    def path(self, name: str) -> Path:
        """The file of this name. Raises ProviderRefused where it has gone since it was looked for."""
        found = self.find(name)
        if found is None:
            raise ProviderRefused("no_weights", WeightFiles((name,)).lacking(self))
        return found


NOWHERE: Final = Weights(())


def lacking(needs: Iterable[Need], weights: Weights) -> str:
    """Everything that is missing, and how to get it; empty if nothing is."""
    return "; ".join(filter(None, (need.lacking(weights) for need in needs)))


@cache
def _is_installed(module: str) -> bool:
    return find_spec(module) is not None
