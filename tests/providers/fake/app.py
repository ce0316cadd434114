"""The application: every API under its real paths, none of which meet, and the store of files beside them."""

from __future__ import annotations

from starlette.applications import Starlette

from tests.providers.fake import files
from tests.providers.fake.fal import Fal
from tests.providers.fake.gemini import Gemini
from tests.providers.fake.huggingface import HuggingFace
from tests.providers.fake.openai import OpenAI
from tests.providers.fake.stability import Stability
from tests.providers.fake.state import State
from tests.providers.fake.wavespeed import WaveSpeed
from tests.providers.fake.wavespeed_money import Money


def application(state: State) -> Starlette:
    """All APIs over one state."""
    wavespeed = WaveSpeed(state)
    apis = (Money(wavespeed), wavespeed, OpenAI(state), Stability(state), HuggingFace(state), Fal(state), Gemini(state))
    return Starlette(routes=[*files.routes(state), *(route for api in apis for route in api.routes())])
