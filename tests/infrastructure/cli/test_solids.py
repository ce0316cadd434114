"""Models at the command line: made of a picture, shown, and written for a printer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call, settle


@pytest.fixture(scope="module")
def mesh(prepared: Callable[[], Workspace], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model that was made of a picture, with a picture of it beside."""
    home, made = tmp_path_factory.mktemp("solids") / "studio", tmp_path_factory.mktemp("made")
    shutil.copytree(prepared().home, home)
    with pytest.MonkeyPatch.context() as patched:
        settle(patched, home)
        picture = Workspace(home).picture()
        done = call("model-3d", picture, "--preview", "png", "--out", made, "--account", ACCOUNT, "--json")
    assert done.code == 0, done.err
    assert sorted(path.suffix for path in made.iterdir()) == [".glb", ".png"]
    assert done.document["after"][0]["operations"][0]["outputs"][0]["copy"].endswith(".png")
    return next(made.glob("*.glb"))


def test_a_model_is_written_for_a_printer(workspace: Workspace, mesh: Path, tmp_path: Path) -> None:
    priced = call("model-3d", str(mesh), "--to", "stl", "--estimate", "--json")
    done = call("model-3d", str(mesh), "--to", "stl", "--out", str(tmp_path / "printed"), "--json")
    (written,) = (tmp_path / "printed").iterdir()
    assert (done.code, done.document["price"]) == (0, priced.document["price"])
    assert written.suffix == ".stl"


def test_a_model_turns_before_a_camera(workspace: Workspace, mesh: Path, tmp_path: Path) -> None:
    small = ("-i", "side=64", "-i", "duration=0.5")
    done = call("model-3d", str(mesh), "--preview", "webp", *small, "--out", str(tmp_path / "shown"), "--json")
    assert done.code == 0, done.err
    assert [path.suffix for path in (tmp_path / "shown").iterdir()] == [".webp"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [((), "image: is missing"), (("--to", "fbx"), "to: 'fbx' is not accepted"), (("--preview", "gif"), "preview")],
)
def test_what_is_wrong_is_one_error(workspace: Workspace, mesh: Path, arguments: tuple[str, ...], told: str) -> None:
    named = () if not arguments else (str(mesh),) if "--to" in arguments else (str(workspace.picture()),)
    done = call("model-3d", *named, *arguments)
    assert done.code == 2
    assert told in done.err
