"""Counts in words: the one place that knows singular and plural."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """1 image, 2 images; what goes on otherwise than by an s has its `plural`: "operation is", "operations are"."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
