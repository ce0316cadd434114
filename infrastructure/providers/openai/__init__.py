"""OpenAI's images: the adapter, and what its API lists of the models that a key may use."""

from infrastructure.providers.openai.provider import OpenAIProvider, Settings, build

__all__ = ["OpenAIProvider", "Settings", "build"]
