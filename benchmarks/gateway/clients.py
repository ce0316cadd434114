"""Other people's clients against the real service on a socket, from an environment of their own.

python -m benchmarks.gateway.clients FOLDER

FOLDER is a virtual environment with `litellm`, `langchain-community` and `langchain-openai`. Ends with code 1 if one of
them does not get what is expected.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from PIL import Image
from rich.console import Console

from benchmarks.gateway.contenders import ours, plain

CONSOLE: Final = Console(highlight=False)
PROGRAM: Final = Path(__file__).with_name("foreign.py")
EXPECTED: Final[dict[str, dict[str, Any]]] = {
    "litellm generates": {"pictures": 1, "tokens": 272},
    "litellm generates by its proxy": {"pictures": 1},
    "litellm edits": {"pictures": 1},
    "litellm is refused": {"refused": 400},
    "langchain draws": {"pictures": 1},
    "langchain openai asks for the tool": {"refused": 404},
}


def main(arguments: Any) -> int:
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "a.png"
        stream = io.BytesIO()
        Image.new("RGB", (256, 256), "red").save(stream, "PNG")
        picture.write_bytes(stream.getvalue())
        with plain("upstream") as upstream:
            os.environ["IMAGESTUDIO_PICTURE_LINKS"] = "true"
            with ours(Path(folder) / "ours", upstream, 1, "") as service:
                url, found = service.urls[0].removesuffix("/images/generations"), {}
                command = (str(arguments.folder / "bin" / "python"), str(PROGRAM), url, service.keys[0], str(picture))
                done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=folder)
                for line in done.stdout.splitlines():
                    told = json.loads(line)
                    found[told.pop("client")] = told
    for name, expected in EXPECTED.items():
        CONSOLE.print(f"{'as expected' if found[name] == expected else 'NOT AS EXPECTED'}  {name}: {found[name]}")
    return found != EXPECTED


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Other people's clients against the service")
    options.add_argument("folder", type=Path)
    raise SystemExit(main(options.parse_args()))
