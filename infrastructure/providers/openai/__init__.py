"""OpenAI's images: the adapter, and what its API lists of the models that a key may use."""

from infrastructure.providers.openai.provider import OpenAIProvider

__all__ = ["OpenAIProvider"]
