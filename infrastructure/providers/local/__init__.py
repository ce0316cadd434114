"""Offers `LocalProvider` and `build`: pictures made on this machine, by arithmetic and not by a model."""

from __future__ import annotations

from infrastructure.providers.local.provider import LocalProvider, build

__all__ = ["LocalProvider", "build"]
