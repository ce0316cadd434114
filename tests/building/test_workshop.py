"""The base install does everything but draw, and says what to install; with the workshop beside it, it draws."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image

from tests.building.environments import Environment, command, python
from tests.corpus.heic import coded, heic
from tests.infrastructure.films import film

ADVICE = "install models that run on this machine: pip install 'image-studio[local]'"
DRAWERS = {"av", "cv2", "numpy", "pi_heif", "imagestudio_workshop"}
DEMONSTRATION = ("python", "-m", "imagestudio.infrastructure.cli.demo")


def test_its_wheel_holds_its_package_its_models_and_its_entry_points(workshop_wheel: Path) -> None:
    with ZipFile(workshop_wheel) as file:
        names = file.namelist()
        assert {name.partition("/")[0] for name in names} == {
            "imagestudio_workshop",
            "image_studio_workshop-0.1.0.dist-info",
        }
        points = file.read("image_studio_workshop-0.1.0.dist-info/entry_points.txt").decode()
    assert {"imagestudio_workshop/local.toml", "imagestudio_workshop/py.typed"} <= set(names)
    assert "[imagestudio.providers]\nlocal = " in points
    assert "[imagestudio.catalogues]\nlocal = " in points


def test_the_base_install_has_nothing_to_draw_with(alone: Environment, drawn_in: Environment) -> None:
    assert DRAWERS.isdisjoint(path.name for path in alone.site.iterdir())
    assert {path.name for path in drawn_in.site.iterdir()} >= DRAWERS


# What is asked, and the message, of which the advice is the hint.
UNINSTALLED: dict[str, tuple[Sequence[str], str]] = {
    "a model": (("imagestudio", "models", "local-canvas"), "there is no model and no kind 'local-canvas'"),
    "a provider": (("imagestudio", "models", "--provider", "local"), "no model is of provider 'local'"),
    "a check of it": (("imagestudio", "providers", "check", "local"), "NAME: there is no provider 'local'"),
    "its list": (("imagestudio", "catalogue", "check", "local"), "PROVIDER: there is no provider 'local'"),
    "by name": (("imagestudio", "generate", "a lake", "--model", "local-canvas"), "there is no model 'local-canvas'"),
    "by class": (("imagestudio", "generate", "a lake", "--allow", "stand-in"), "no model of known price does"),
    "the demonstration": (DEMONSTRATION, "the story is painted by the workshop, which is not installed"),
}


@pytest.fixture(scope="module")
def home(alone: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a studio with one account, in which nothing happens that is refused."""
    folder = tmp_path_factory.mktemp("home")
    asyncio.run(command(alone, folder, "account", "open", "acme", "--plan", "pro"))
    return folder


@pytest.mark.parametrize("what", UNINSTALLED)
async def test_without_it_one_error_says_what_to_install(alone: Environment, home: Path, what: str) -> None:
    asked, message = UNINSTALLED[what]
    done = await alone.run(*asked, home=home, account="acme")
    assert (done.code, done.out) == (2, "")
    told, hint = done.err.splitlines()
    assert told.startswith(f"error: {message}")
    assert hint.startswith(" hint: ")
    assert hint.endswith(ADVICE)


async def test_with_it_the_same_is_shown_and_drawn(drawn_in: Environment, tmp_path: Path) -> None:
    await command(drawn_in, tmp_path, "account", "open", "acme", "--plan", "pro")
    assert "ready to use" in await command(drawn_in, tmp_path, "models", "local-canvas")
    small = ("-i", "width=64", "-i", "height=64", "--json")
    for wish in (("--model", "local-canvas"), ("--allow", "stand-in")):
        made = json.loads(await command(drawn_in, tmp_path, "generate", "a lake", *wish, *small))
        assert (made["provider"], made["price"]["amount"]) == ("local", "0.01")


# Inputs of the base install: pictures decoded, HEIC by its tables, films by their boxes.
READ = """
import sys
from pathlib import Path
from imagestudio.plugin import read_media
for path in sorted(Path("inputs").iterdir()):
    media = read_media(path.read_bytes(), field="image", max_bytes=10**7, max_pixels=10**7)
    print(media.media_type, media.width, media.height, media.duration_ms)
print(sorted({"av", "cv2", "numpy", "pi_heif"} & sys.modules.keys()))
"""


async def test_the_base_install_reads_what_is_documented(alone: Environment, tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    folder.mkdir()
    for place, form in enumerate(("PNG", "JPEG", "WEBP", "GIF", "AVIF")):
        stream = io.BytesIO()
        Image.new("RGB", (64, 48), "teal").save(stream, form)
        (folder / f"{place}").write_bytes(stream.getvalue())
    (folder / "5").write_bytes(heic(*coded(tmp_path), (64, 48), turn=1))
    (folder / "6").write_bytes(film(seconds=0.4))
    types = ("png", "jpeg", "webp", "gif", "avif")
    pictures = [f"image/{each} 64 48 None" for each in types]
    told = (await python(alone, READ, tmp_path)).splitlines()
    assert told[:6] == [*pictures, "image/heic 48 64 None"]
    assert told[6].startswith("video/mp4 ")
    assert told[6].endswith(" 400")
    assert told[7] == "[]"
