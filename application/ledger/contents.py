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
class Fallbacks:
    """The models that may follow the one that was chosen, if it definitely refuses, for whichever process sends it.

    `chains` are in their order, one for all operations or one for each, a model with its prices in micro-units by
    number of outputs, as they were at an instant, `at`: it is asked at no higher one. `allowed` are the classes that
    the request allows. If it is `bounded`, its own bound allows these prices, and otherwise only what is held.
    """

    chains: tuple[dict[str, dict[int, int]], ...]
    allowed: tuple[str, ...]
    bounded: bool
    at: int

    def after(self, place: int, model: str) -> dict[str, dict[int, int]]:
        """Those that follow a model of the operation at a place in its batch; all, if it is the first one."""
        chain = self.chains[place] if len(self.chains) > 1 else self.chains[0]
        models = [*chain]
        return {one: chain[one] for one in models[models.index(model) + 1 if model in models else 0 :]}

    def written(self) -> dict[str, object]:
        """As it is stored: JSON has only texts as names."""
        chains = [[[model, sorted(prices.items())] for model, prices in chain.items()] for chain in self.chains]
        return {"chains": chains, "allowed": self.allowed, "bounded": self.bounded, "at": self.at}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Fallbacks:
        chains = [{model: dict(prices) for model, prices in one} for one in told["chains"]]
        return cls(tuple(chains), tuple(told["allowed"]), told["bounded"], told["at"])


@value
class Body:
    """The content of a batch as stored: enough to perform its operations in any process, and again after a crash.

    `inputs` are by model, as each takes them: the one chosen, and those it may fall back to; `each` are the same for
    every operation, if they differ. `asked` is the fingerprint by which a repeat of the key is compared, empty without
    a key; the digest in the log vouches for it with the rest. `place` is that in the queue. `trace` is the context of
    the request (W3C `traceparent`), empty if nobody follows it. `fallbacks` are of what is queued. `strategies` chose
    the models that were not named, one for all operations or one for each.
    """

    kind: str
    inputs: dict[str, dict[str, Scalar]]
    media: dict[str, list[Asset]]
    asked: str = ""
    each: tuple[dict[str, dict[str, Scalar]], ...] = ()
    place: int = USUAL_PLACE
    trace: str = ""
    fallbacks: Fallbacks | None = None
    strategies: tuple[str, ...] = ()

    def strategy_at(self, place: int) -> str:
        """The strategy that chose the model of the operation at a place in the batch; empty if it was named."""
        return "" if not self.strategies else self.strategies[place if len(self.strategies) > 1 else 0]

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
        if self.fallbacks is not None:
            asked["others"] = self.fallbacks.written()
        if self.strategies:
            asked["by"] = self.strategies
        return canonical({"kind": self.kind, "models": self.inputs, "media": media, **asked})

    @classmethod
    def from_json(cls, text: str) -> Body:
        document = json.loads(text)
        media = {name: [Asset(*fields) for fields in assets] for name, assets in document["media"].items()}
        each = tuple(document.get("each", ()))
        place, trace = place_of_content(document), document.get("trace", "")
        others = Fallbacks.read(document["others"]) if "others" in document else None
        told = (document.get("asked", ""), each, place, trace, others, tuple(document.get("by", ())))
        return cls(document["kind"], document["models"], media, *told)


def place_of_content(document: Mapping[str, Any]) -> int:
    """The place in the queue that a stored body says."""
    place = document.get("place", USUAL_PLACE)
    return place if isinstance(place, int) else USUAL_PLACE


def content_name(owner: str, id: str) -> str:
    """The name of content that is one thing's own, a file's or a webhook's: the id of that, and one of its own."""
    return f"{owner}:{id}"


def owner_in(content: str) -> str:
    """The asset or webhook in such a name."""
    return content.partition(":")[0]


def canonical(document: object) -> str:
    """The same document, the same text: what digests are taken of."""
    return _encode(document)


def _asset_json(asset: Asset) -> list[object]:
    return [asset.digest, asset.media_type, asset.size, asset.width, asset.height, asset.duration_ms]
