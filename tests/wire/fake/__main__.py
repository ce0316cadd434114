"""The fake in a process of its own: python -m tests.wire.fake --state FOLDER --port N."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

import uvicorn

from tests.wire.fake.server import configured
from tests.wire.fake.state import State


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the fake provider APIs on 127.0.0.1.")
    parser.add_argument("--state", type=Path, required=True, help="the folder that holds all it knows")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    with closing(State(arguments.state)) as state:
        uvicorn.Server(configured(state, host="127.0.0.1", port=arguments.port)).run()


if __name__ == "__main__":
    main()
