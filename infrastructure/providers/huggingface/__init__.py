"""Hugging Face's router, one key for several services: its own inference, and the queue of fal."""

from infrastructure.providers.huggingface.provider import HuggingFaceProvider, Settings, build

__all__ = ["HuggingFaceProvider", "Settings", "build"]
