"""Requests by keyword options, as `generate`, `edit` and `upscale` take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from application.asking.requests import File, Request

OWN_OPTIONS = (
    "user",
    "project",
    "model",
    "n",
    "key",
    "allow",
    "max_price",
    "by",
    "priority",
    "on_limit",
    "quote",
    "tags",
)


def request_of(
    kind: str,
    account: str,
    inputs: Mapping[str, Any],
    media: Mapping[str, Sequence[File]],
    options: Mapping[str, Any],
) -> Request:
    """A request from keyword options: our own by name, all others are inputs of the model."""
    own = {name: value for name, value in options.items() if name in OWN_OPTIONS}
    rest = {name: value for name, value in options.items() if name not in OWN_OPTIONS}
    return Request(kind, account, {**inputs, **rest}, media, **own)
