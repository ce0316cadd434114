"""The build backend (PEP 517, 660): setuptools, whose wheels are then put under one package.

A wheel's metadata are read from the wheel, and an editable install is setuptools' own: it leads to the tree as it is.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
)

from building.wheels import under_one_package

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
]


def build_wheel(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Build in a folder of its own: what an earlier build left in the tree would be taken along, and what this one left
    there would hide what is installed."""
    with TemporaryDirectory() as folder:
        elsewhere = ["egg_info", f"--egg-base={folder}", "build", f"--build-base={folder}/build"]
        settings = {**(config_settings or {}), "--global-option": elsewhere}
        name: str = build_meta.build_wheel(folder, settings, metadata_directory)
        under_one_package(Path(folder, name), Path(wheel_directory, name))
    return name
