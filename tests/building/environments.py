"""Our wheel in environments that have nothing else but what it declares: no network, and nothing of the tree."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.pages import ROOT

OURS = {"image-studio", "image-studio-workshop"}
NEVER_BUILT = (".*", "__pycache__", "*.egg-info", "build", "dist", "findings", "results")


@dataclass(frozen=True)
class Done:
    """How a program ended, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Environment:
    """A virtual environment, in which programs find `packages` before all that is installed."""

    folder: Path
    packages: Path | None = None

    @property
    def site(self) -> Path:
        """Where its packages are."""
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.folder)}))

    def install(self, wheel: Path) -> None:
        """Install a wheel, and by links what it needs of what is installed here."""
        python = str(self.folder / "bin" / "python")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
        subprocess.run([*pip, "--disable-pip-version-check", str(wheel)], check=True)
        name = wheel.name.partition("-")[0]
        [installed] = self.site.glob(f"{name}-*.dist-info")
        for one in (each for each in needed_by(Distribution.at(installed)) if each.name not in OURS):
            for top in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
                link = self.site / top
                if not link.exists():
                    link.symlink_to(str(one.locate_file(top)))

    async def run(self, *command: str, home: Path, **said: str) -> Done:
        """What a program of the environment does in a folder; `said` are settings."""
        known = {f"IMAGESTUDIO_{name.upper()}": value for name, value in {"home": str(home), **said}.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESTUDIO_", "PYTHON"))}
        found = {"PYTHONPATH": str(self.packages)} if self.packages else {}
        program, pipe = self.folder / "bin" / command[0], asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            program, *command[1:], cwd=home, env=kept | known | found, stdout=pipe, stderr=pipe
        )
        out, err = await process.communicate()
        return Done(process.returncode or 0, out.decode(), err.decode())


def needed_by(one: Distribution) -> Iterator[Distribution]:
    """All distributions that it needs, and those need, as their metadata declare it."""
    seen: set[tuple[str, str]] = set()
    left = [(one, "")]
    while left:
        parent, extra = left.pop()
        for requirement in map(Requirement, parent.requires or ()):
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
                continue
            child = distribution(requirement.name)
            for asked in ("", *requirement.extras):
                if (requirement.name, asked) not in seen:
                    seen.add((requirement.name, asked))
                    left.append((child, asked))
            yield child


def new_environment(folder: Path) -> Environment:
    """One that has no packages at all."""
    venv.create(folder, symlinks=True)
    return Environment(folder)


def copy_of_tree(folder: Path) -> Path:
    """The files of the repository, in a folder that a build may write to."""
    return Path(shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NEVER_BUILT, "tests", "benchmarks")))


def built(tree: Path, target: Path, what: str = "wheel", backend: str = "building.backend") -> Path:
    """The wheel or sdist of a tree, made into a new folder by the tree's own backend, as an installer does."""
    target.mkdir()
    code = f"import {backend} as backend; backend.build_{what}({str(target)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=tree, stdout=subprocess.DEVNULL, check=True)
    [made] = target.iterdir()
    return made


@contextmanager
def shared(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """A folder of the whole session, in which only one of its processes is at a time."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


async def python(environment: Environment, code: str, home: Path) -> str:
    """What the code writes, in an interpreter that it leaves without an error."""
    done = await environment.run("python", "-W", "error", "-c", code, home=home)
    assert done.code == 0, done.err
    return done.out


async def command(environment: Environment, home: Path, *words: str, **said: str) -> str:
    """What the command line writes, of which nothing goes wrong."""
    done = await environment.run("imagestudio", *words, home=home, account="acme", **said)
    assert (done.code, done.err) == (0, ""), (words, done)
    return done.out
