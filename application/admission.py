"""From a caller's request to the ask that the ledger decides on: inputs checked, model chosen, price quoted."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from application.ports import Asset, AssetStore, Content, Media, MediaReader, Scalar
from application.requests import Request
from domain.account import check_id
from domain.admission import Ask
from domain.catalogue import Catalogue, MediaFacts, Model, Strategy, check_inputs
from domain.errors import InvalidInput, UnknownModel
from domain.pricing import PriceBook, Quote, Unpriced, quote
from domain.records import made_often

MOST_VARIATIONS = 100
AUTO = "auto"
SECRET_BYTES = 32


@made_often
@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that may be put to the ledger, and the content it will be performed from."""

    ask: Ask
    model: Model
    content: Content
    inputs: Mapping[str, Scalar]
    media: Mapping[str, tuple[Media, ...]]


@made_often
@dataclass(frozen=True, slots=True)
class Body:
    """The content of a batch as stored: enough to perform its operations again after a crash."""

    kind: str
    model: str
    inputs: dict[str, Scalar]
    media: dict[str, list[Asset]]

    def to_json(self) -> str:
        media = {name: [_asset_json(asset) for asset in assets] for name, assets in self.media.items()}
        return canonical({"kind": self.kind, "model": self.model, "inputs": self.inputs, "media": media})

    @classmethod
    def from_json(cls, text: str) -> Body:
        document = json.loads(text)
        media = {name: [Asset(*fields) for fields in assets] for name, assets in document["media"].items()}
        return cls(document["kind"], document["model"], document["inputs"], media)


@dataclass(frozen=True, slots=True)
class Preparer:
    """Checks and quotes requests; saves their files before anything is recorded."""

    catalogue: Catalogue
    book: PriceBook
    assets: AssetStore
    read_media: MediaReader
    new_id: Callable[[], str]
    new_secret: Callable[[], bytes]
    providers: Collection[str]

    async def prepare(self, request: Request, now: int, *, sender: str | None, keep: bool = True) -> Prepared:
        """Everything that can be known to be wrong before the ledger is asked. Raises InvalidRequest.

        `keep` saves input files durably, as they must be before the request is recorded.
        """
        _check_ids(request)
        media = await self._read(request)
        facts = {name: tuple(_media_facts(one) for one in many) for name, many in media.items()}
        wish = Strategy.BALANCED if request.model == AUTO else request.model
        model = self.catalogue.choose(request.kind, wish, now, request.inputs, facts)
        self._check_provider(model)
        inputs = check_inputs(model, request.kind, request.inputs, facts)
        quotes = self._quotes(model, request, inputs, facts, now)
        kept = await self._keep(request.account, media) if keep else {}
        batch, secret = self.new_id(), self.new_secret()
        body = Body(request.kind, model.id, dict(inputs), kept).to_json()
        ask = Ask(
            request.account,
            request.user or request.account,
            request.project,
            batch,
            operation_ids(batch, len(quotes)),
            request.kind,
            str(self.catalogue.family(request.kind)),
            request.key,
            "" if request.key is None else _fingerprint(request, media),
            hmac.digest(secret, body.encode(), "sha256").hex(),
            quotes,
            sender,
        )
        return Prepared(ask, model, Content(batch, request.account, secret, body), inputs, media)

    def _check_provider(self, model: Model) -> None:
        if model.provider not in self.providers:
            known = ", ".join(sorted(self.providers))
            message = f"model {model.id!r} cannot be used: there is no provider {model.provider!r}"
            raise UnknownModel(message, hint=f"providers are: {known}")

    def _quotes(
        self,
        model: Model,
        request: Request,
        inputs: Mapping[str, Scalar],
        facts: Mapping[str, tuple[MediaFacts, ...]],
        now: int,
    ) -> tuple[Quote | Unpriced, ...]:
        """One quote an operation: what a model does not deliver in one call takes several."""
        if not 1 <= request.n <= MOST_VARIATIONS:
            raise InvalidInput("n", f"{request.n} variations", hint=f"ask for 1 to {MOST_VARIATIONS}")
        calls, rest = divmod(request.n, model.per_call)
        whole = quote(model, self.book, inputs, model.per_call, now, facts) if calls else None
        quotes = [whole] * calls if whole is not None else []
        return (*quotes, *([quote(model, self.book, inputs, rest, now, facts)] if rest else []))

    async def _read(self, request: Request) -> dict[str, tuple[Media, ...]]:
        read: dict[str, tuple[Media, ...]] = {}
        for name, files in request.media.items():
            read[name] = tuple([await self._read_one(name, file) for file in files])
        return read

    async def _read_one(self, name: str, file: bytes | Path) -> Media:
        content = file if isinstance(file, bytes) else await asyncio.to_thread(_file_bytes, name, file)
        return await self.read_media(content, field=name)

    async def _keep(self, account: str, media: Mapping[str, Sequence[Media]]) -> dict[str, list[Asset]]:
        return {name: [await self.assets.save(account, one) for one in many] for name, many in media.items()}


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical(document: object) -> str:
    """The same document, the same text: what digests are taken of."""
    return _encode(document)


def _check_ids(request: Request) -> None:
    if not request.account:
        raise InvalidInput("account", "every operation needs an account", hint="a trial is an account with a plan")
    check_id("account", request.account)
    for name, value in (("user", request.user), ("project", request.project), ("key", request.key)):
        if value is not None:
            check_id(name, value)


def operation_ids(batch: str, count: int) -> tuple[str, ...]:
    """An operation alone is its own batch; of several the ids are BATCH.1, BATCH.2, …"""
    return (batch,) if count == 1 else tuple(f"{batch}.{number}" for number in range(1, count + 1))


def place_of(operation: str, batch: str) -> int:
    """How many operations of its batch come before this one."""
    return 0 if operation == batch else int(operation.removeprefix(f"{batch}.")) - 1


def _fingerprint(request: Request, media: Mapping[str, Sequence[Media]]) -> str:
    """What a repeat under the same key is compared with: everything that was asked, files by their content."""
    asked = {
        "account": request.account,
        "key": request.key,
        "user": request.user,
        "project": request.project,
        "kind": request.kind,
        "model": request.model,
        "n": request.n,
        "inputs": dict(request.inputs),
        "media": {name: [sha256(one.content).hexdigest() for one in many] for name, many in media.items()},
    }
    return sha256(canonical(asked).encode("utf-8", "surrogatepass")).hexdigest()


def _file_bytes(name: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(name, f"{file} cannot be read: {error.strerror}", hint="give the path of a file") from error


def _media_facts(media: Media) -> MediaFacts:
    return MediaFacts(media.media_type, len(media.content), media.width, media.height, media.duration_ms)


def _asset_json(asset: Asset) -> list[object]:
    return [asset.digest, asset.media_type, asset.size, asset.width, asset.height, asset.duration_ms]
