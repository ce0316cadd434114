"""The plug-in of docs/providers.md, taken from the page as it stands there."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

from tests.pages import block, page

PAGE = page("docs/providers.md")


def install(folder: Path) -> None:
    """Put it as pip would leave it into a folder that Python looks into."""
    written = tomllib.loads(block(PAGE, "toml", "entry-points"))
    project, [models] = written["project"], written["tool"]["setuptools"]["package-data"]["atelier"]
    name, version = project["name"], project["version"]
    info, package = folder / f"{name.replace('-', '_')}-{version}.dist-info", folder / "atelier"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = project["entry-points"].items()
    sections = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in own.items()) for group, own in points]
    (info / "entry_points.txt").write_text("\n".join(sections))
    package.mkdir()
    (package / "__init__.py").write_text(block(PAGE, "python", "class Atelier"))
    if fnmatch("models.toml", models):
        (package / "models.toml").write_text(block(PAGE, "toml", "atelier-oil"))
