"""The evidence of an erasure as JSON, and in words where its counts were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from domain.erasure import ErasureEvidence

ERASED: Final = {
    "contents": "prompts and inputs, each with its key",
    "files": "files",
    "tags": "tags of operations",
    "words": "providers' words",
    "fingerprints": "fingerprints of idempotency keys",
    "rows": "rows of views that named a user",
    "answers": "answers of webhooks",
    "webhooks": "webhooks, with their addresses",
    "key_names": "names of API keys",
    "asset_words": "titles and descriptions",
    "asset_tags": "tags",
    "asset_collections": "collections",
    "collected_assets": "places in collections",
}
"""Counts of what was deleted, by name."""


def evidence_document(found: ErasureEvidence) -> dict[str, Any]:
    """All of it; `digest` is SHA-256 of the rest as JSON with sorted names and without spaces, as the fact has it."""
    return {**found.content(), "digest": found.digest or None}
