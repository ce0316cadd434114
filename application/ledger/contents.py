"""The content of a batch, as it is stored beside the log: written when it is asked, read when it is performed again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from application.ports import Asset, Scalar
from domain.turns import USUAL_PLACE
from domain.value import value

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


@value
class Body:
    """The content of a batch as stored: enough to perform its operations in any process, and again after a crash.

    `inputs` are by model, as each takes them: the one chosen, and those it may fall back to; `each` are the same for
    every operation, if they differ. `asked` is the fingerprint by which a repeat of the key is compared, empty without
    a key; the digest in the log vouches for it with the rest. `place` is that in the queue. `trace` is the context of
    the request (W3C `traceparent`), empty if nobody follows it.
    """

    kind: str
    inputs: dict[str, dict[str, Scalar]]
    media: dict[str, list[Asset]]
    asked: str = ""
    each: tuple[dict[str, dict[str, Scalar]], ...] = ()
    place: int = USUAL_PLACE
    trace: str = ""

    def inputs_at(self, place: int, model: str) -> dict[str, Scalar]:
        """The inputs of the operation at a place in the batch, as a model takes them."""
        return (self.each[place] if self.each else self.inputs)[model]

    def to_json(self) -> str:
        media = {name: [_asset_json(asset) for asset in assets] for name, assets in self.media.items()}
        asked: dict[str, object] = {"asked": self.asked} if self.asked else {}
        if self.each:
            asked["each"] = self.each
        if self.place != USUAL_PLACE:
            asked["place"] = self.place
        if self.trace:
            asked["trace"] = self.trace
        return canonical({"kind": self.kind, "models": self.inputs, "media": media, **asked})

    @classmethod
    def from_json(cls, text: str) -> Body:
        document = json.loads(text)
        media = {name: [Asset(*fields) for fields in assets] for name, assets in document["media"].items()}
        each = tuple(document.get("each", ()))
        place, trace = place_of_content(document), document.get("trace", "")
        return cls(document["kind"], document["models"], media, document.get("asked", ""), each, place, trace)


def place_of_content(document: Mapping[str, Any]) -> int:
    """The place in the queue that a stored body says."""
    place = document.get("place", USUAL_PLACE)
    return place if isinstance(place, int) else USUAL_PLACE


def content_of_asset(asset: str, id: str) -> str:
    """The name of the content by which a file is added: its asset's id, and one of its own."""
    return f"{asset}:{id}"


def asset_in(content: str) -> str:
    """The asset in such a name."""
    return content.partition(":")[0]


def canonical(document: object) -> str:
    """The same document, the same text: what digests are taken of."""
    return _encode(document)


def _asset_json(asset: Asset) -> list[object]:
    return [asset.digest, asset.media_type, asset.size, asset.width, asset.height, asset.duration_ms]
