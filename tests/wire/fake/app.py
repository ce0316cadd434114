"""The application: every API under its real paths, none of which meet, and the store of files beside them."""

from __future__ import annotations

from starlette.applications import Starlette

from tests.wire.fake import files
from tests.wire.fake.fal import Fal
from tests.wire.fake.gemini import Gemini
from tests.wire.fake.huggingface import HuggingFace
from tests.wire.fake.openai import OpenAI
from tests.wire.fake.stability import Stability
from tests.wire.fake.state import State
from tests.wire.fake.wavespeed import WaveSpeed
from tests.wire.fake.wavespeed_money import Money


def application(state: State) -> Starlette:
    """All APIs over one state."""
    wavespeed = WaveSpeed(state)
    apis = (Money(wavespeed), wavespeed, OpenAI(state), Stability(state), HuggingFace(state), Fal(state), Gemini(state))
    return Starlette(routes=[*files.routes(state), *(route for api in apis for route in api.routes())])
