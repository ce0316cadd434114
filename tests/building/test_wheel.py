"""Our wheel where it is installed: alone, and beside a product that calls its own packages as our rooms are called."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from building.rewriting import PACKAGE, ROOMS
from tests import atelier
from tests.application.studios import picture
from tests.building.environments import Environment, built, command, copy_of_tree, python
from tests.infrastructure import sites
from tests.infrastructure.wire.servers import answer, answering
from tests.pages import block, page

README = page("README.md")
OWN = """
import sys
import application, domain, infrastructure, projections
from domain.purse import Purse
assert {application.OWNER, domain.OWNER, infrastructure.OWNER, projections.OWNER, Purse.OWNER} == {"product"}
assert not [name for name in sys.modules if name.startswith("imagestudio.domain.purse")]
"""
"""What a product that has these packages may rest on, whatever it imports besides."""


def test_it_holds_one_package_and_what_is_told_of_it(wheel: Path) -> None:
    with ZipFile(wheel) as file:
        names = file.namelist()
        assert {name.partition("/")[0] for name in names} == {PACKAGE, "image_studio-0.1.0.dist-info"}
        assert file.read("image_studio-0.1.0.dist-info/top_level.txt") == b"imagestudio\n"
    assert {f"{PACKAGE}/py.typed", f"{PACKAGE}/infrastructure/catalogue/scripted.toml"} <= set(names)


def test_it_installs_them_and_one_program(alone: Environment) -> None:
    ours = {path.name for path in alone.site.iterdir() if not path.is_symlink()} - {"__pycache__"}
    assert ours == {PACKAGE, "image_studio-0.1.0.dist-info"}
    assert {path.name for path in (alone.folder / "bin").iterdir()} >= {"imagestudio"}


def test_a_source_distribution_builds_the_same_and_nothing_is_left_in_it(wheel: Path, tmp_path: Path) -> None:
    sdist = built(copy_of_tree(tmp_path / "tree"), tmp_path / "sdist", "sdist")
    subprocess.run(["tar", "-xzf", sdist, "-C", tmp_path], check=True)
    source = tmp_path / sdist.name.removesuffix(".tar.gz")
    before = {*source.rglob("*")}
    again = built(source, tmp_path / "again")
    assert {path for path in source.rglob("*") if path.name != "__pycache__" and path.suffix != ".pyc"} == before
    with ZipFile(wheel) as one, ZipFile(again) as other:
        assert {name: one.read(name) for name in one.namelist()} == {
            name: other.read(name) for name in other.namelist()
        }


async def test_the_ten_lines_run_and_leave_a_product_its_own(drawing: Environment, tmp_path: Path) -> None:
    code = block(README, "python", "open_studio") + (OWN if drawing.packages else "")
    path, *told = (await python(drawing, code, tmp_path)).split()
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    assert told == ["0.01", "USD", "99", "stand-in"]


async def test_a_product_may_import_its_own_first(alone: Environment, product: Path, tmp_path: Path) -> None:
    code = f"{OWN}\nfrom imagestudio import *\nimport imagestudio.plugin\n{OWN}"
    await python(replace(alone, packages=product), code, tmp_path)


async def test_the_command_line_goes_from_an_account_to_an_audit(installed: Environment, tmp_path: Path) -> None:
    assert "imagestudio" in await command(installed, tmp_path, "--help")
    await command(installed, tmp_path, "account", "open", "acme", "--plan", "pro")
    made = await command(
        installed, tmp_path, "generate", "a lake", "--model", "scripted-image", "--json", scripted_enabled="true"
    )
    assert json.loads(made)["price"]["amount"] == "0.04"
    assert "0.04" in await command(installed, tmp_path, "usage")
    await command(installed, tmp_path, "projections", "rebuild", "--workers", "2")
    await command(installed, tmp_path, "audit")


async def test_its_modules_run_as_the_program(alone: Environment, tmp_path: Path) -> None:
    done = await alone.run("python", "-m", "imagestudio", "--version", home=tmp_path)
    assert (done.code, done.out.split()[-1]) == (0, "0.1.0")


@pytest.fixture
def plugged(installed: Environment, product: Path, tmp_path: Path) -> Environment:
    """With the plug-in of docs/providers.md, in a folder of its own on the path."""
    folder = tmp_path / "atelier-1.0"
    atelier.install(folder)
    if installed.packages:
        for room in ROOMS:
            (folder / room).symlink_to(product / room)
    return replace(installed, packages=folder)


async def test_a_plug_in_is_found_and_works(plugged: Environment, tmp_path: Path) -> None:
    async with sites.running_site() as site:
        ready = {"status": "done", "url": site.put("/red.png", sites.answer(picture()))}
        answers = [answer(body=json.dumps(body).encode()) for body in ({"balance": "12.50"}, {"id": "7"}, ready)]
        async with answering(*answers) as served:
            said = {"atelier_url": served.url, "atelier_key": "a-key", "own_origins": site.origin}
            assert "12.50 USD left" in await command(plugged, tmp_path, "providers", "check", "atelier", **said)
            await command(plugged, tmp_path, "account", "open", "acme", "--plan", "pro", **said)
            made = await command(plugged, tmp_path, "generate", "a lake", "--model", "atelier-oil", "--json", **said)
    assert json.loads(made)["price"]["amount"] == "0.07"
