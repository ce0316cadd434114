"""The application: every API under its real paths, none of which meet, and the store of files beside them."""

from __future__ import annotations

from starlette.applications import Starlette

from tests.providers.fake import files
from tests.providers.fake.openai import OpenAI
from tests.providers.fake.state import State
from tests.providers.fake.wavespeed import WaveSpeed


def application(state: State) -> Starlette:
    """All APIs over one state."""
    return Starlette(
        routes=[
            *files.routes(state),
            *WaveSpeed(state).routes(),
            *OpenAI(state).routes(),
        ]
    )
