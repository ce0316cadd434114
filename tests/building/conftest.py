"""The wheels of both distributions, and environments that have one of them or both, alone and beside a product.

wheel ─────────────────> alone ─────┐
   └── workshop_wheel ─> drawn_in ──┴── beside a product that calls its packages as our rooms are called
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from building.rewriting import ROOMS
from tests.building.environments import Environment, built, copy_of_tree, new_environment, shared

SURROUNDINGS = ["alone", "beside a product"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with shared(tmp_path_factory, "wheel") as folder:
        made = sorted((folder / "made").glob("*.whl"))
        return made[0] if made else built(copy_of_tree(folder / "tree"), folder / "made")


@pytest.fixture(scope="session")
def workshop_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with shared(tmp_path_factory, "workshop") as folder:
        made = sorted((folder / "made").glob("*.whl"))
        tree = folder / "tree" / "workshop"
        if not made:
            copy_of_tree(tree.parent)
        return made[0] if made else built(tree, folder / "made", backend="setuptools.build_meta")


@pytest.fixture(scope="session")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = new_environment(tmp_path_factory.mktemp("environment") / "venv")
    environment.install(wheel)
    return environment


@pytest.fixture(scope="session")
def drawn_in(wheel: Path, workshop_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """With the workshop, as the extra `local` has it."""
    environment = new_environment(tmp_path_factory.mktemp("environment") / "venv")
    for one in (wheel, workshop_wheel):
        environment.install(one)
    return environment


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with packages called as our rooms, and a module called as one of ours is not."""
    folder = tmp_path_factory.mktemp("product")
    for room in ROOMS:
        (folder / room).mkdir()
        (folder / room / "__init__.py").write_text("OWNER = 'product'\n")
    (folder / "domain" / "purse.py").write_text("class Purse:\n    OWNER = 'product'\n")
    return folder


@pytest.fixture(params=SURROUNDINGS)
def installed(request: pytest.FixtureRequest, alone: Environment, product: Path) -> Environment:
    return alone if request.param == "alone" else replace(alone, packages=product)


@pytest.fixture(params=SURROUNDINGS)
def drawing(request: pytest.FixtureRequest, drawn_in: Environment, product: Path) -> Environment:
    return drawn_in if request.param == "alone" else replace(drawn_in, packages=product)
