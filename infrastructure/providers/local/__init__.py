"""Offers `LocalProvider`: pictures made on this machine, by arithmetic and not by a model."""

from __future__ import annotations

from infrastructure.providers.local.provider import LocalProvider

__all__ = ["LocalProvider"]
