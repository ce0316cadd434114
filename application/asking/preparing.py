"""From a caller's request to the ask that the ledger decides on: inputs checked, model chosen, price quoted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from io import BufferedReader
from pathlib import Path

from application.asking.choosing import STRATEGIES, Choice, Chooser, Chosen
from application.asking.consent import allowed_by, most_of
from application.asking.requests import ADDRESSES, OF_ASSET, File, Request, Variant
from application.ledger.contents import Body, Fallbacks, canonical
from application.ledger.transaction import ContentRow, TagRow, keyed_digest
from application.library.naming import AssetNames
from application.ports import (
    Asset,
    AssetStore,
    DownloadFailed,
    Downloads,
    Media,
    MediaReader,
    Scalar,
)
from application.providing.tasks import operation_ids
from domain.actor import ActorKind
from domain.admission import Ask
from domain.advice import Advice
from domain.catalogue import Catalogue
from domain.errors import InvalidInput
from domain.ids import check_id
from domain.inputs import shortened
from domain.operation import Given
from domain.pricing import Quote
from domain.tags import check_tags
from domain.turns import PRIORITIES
from domain.value import maker, value
from domain.wishes import compared

MOST_VARIATIONS = 100
SECRET_BYTES = 32


@value
class Prepared:
    """A request that may be put to the ledger, and the content it will be performed from.

    `chosen` is the choice for all of it, or, if its variations have inputs of their own, one for each of them.
    """

    ask: Ask
    chosen: tuple[Chosen, ...]
    content: ContentRow
    media: Mapping[str, tuple[Media, ...]]
    by: str
    place: int
    request: Request

    def chosen_at(self, place: int) -> tuple[Chosen, int]:
        """The choice for the operation at a place in the batch, and how many operations are of choices before it."""
        return (self.chosen[place], place) if len(self.chosen) > 1 else (self.chosen[0], 0)


_make_ask = maker(Ask)
_prepared = maker(Prepared)
_make_body = maker(Body)


@dataclass(frozen=True, slots=True)
class Preparer:
    """Checks and quotes requests; saves their files before anything is recorded. `largest` is in bytes, a file.

    `trace` tells the context of the request that goes on (W3C `traceparent`), empty if nobody follows it.
    """

    chooser: Chooser
    assets: AssetStore
    read_media: MediaReader
    downloads: Downloads
    new_id: Callable[[], str]
    new_secret: Callable[[], bytes]
    largest: int
    names: AssetNames
    content_of_asset: Callable[[str, str], Awaitable[Media]]
    trace: Callable[[], str]

    @property
    def catalogue(self) -> Catalogue:
        return self.chooser.catalogue

    async def prepare(self, request: Request, now: int, *, sender: str | None, keep: bool = True) -> Prepared:
        """Everything that can be known to be wrong before the ledger is asked. Raises InvalidRequest.

        `keep` saves input files durably, as they must be before the request is recorded.
        """
        _check_asked(request)
        alone = [_alone(request, own) for own in request.each] if request.each else [request]
        for one in alone if request.media else ():
            self.chooser.check_named(one, now)
        media = await self._read(request)
        priced = now if request.priced_at is None else request.priced_at
        chosen = tuple([await self.chooser.choose(one, media, priced) for one in alone])
        most = most_of(request, self.chooser.currency_at(chosen[0].till))
        kept = await self._keep(request.account, media) if keep else {}
        batch, secret = self.new_id(), self.new_secret()
        each = tuple(map(_inputs_by_model, chosen)) if request.each else ()
        asked = "" if request.key is None else _fingerprint(request, _named(request, media))
        place = PRIORITIES.index(request.priority)
        others = _fallbacks(chosen, priced, bounded=most is not None) if sender is None and keep else None
        told = (kept, asked, each, place, self.trace(), others, _strategies(alone))
        body = _make_body(request.kind, _inputs_by_model(chosen[0]), *told).to_json()
        quotes = [one.first.quotes[outputs] for one in chosen for outputs in one.calls]
        ask = _make_ask(
            request.account,
            request.user or request.account,
            request.project,
            batch,
            operation_ids(batch, len(quotes)),
            request.kind,
            str(self.catalogue.family(request.kind)),
            request.key,
            asked,
            keyed_digest(secret, body),
            tuple(quotes),
            sender,
            _allowed(chosen),
            most,
            self._given(request.account, kept) if kept else (),
            key_of(request),
            _instead(chosen),
            request.quote,
            request.priced_at,
        )
        by = f"user:{ask.user}" if request.by is None else str(request.by)
        return _prepared(ask, chosen, _content_of(ask, request, secret, body), media, by, place, request)

    def _given(self, account: str, kept: Mapping[str, Sequence[Asset]]) -> tuple[Given, ...]:
        return tuple(self.names.given(account, name, asset) for name, assets in kept.items() for asset in assets)

    async def _read(self, request: Request) -> dict[str, tuple[Media, ...]]:
        read: dict[str, tuple[Media, ...]] = {}
        for name, files in request.media.items():
            read[name] = tuple([await self._read_one(request.account, name, file) for file in files])
        return read

    async def _read_one(self, account: str, name: str, file: File) -> Media:
        if isinstance(file, str) and file.startswith(OF_ASSET):
            known = await self.content_of_asset(account, file.removeprefix(OF_ASSET))
            return await self.read_media(known.content, field=name, media_types=(known.media_type,))
        if isinstance(file, str):
            return await self.read_media(await self._download(name, file), field=name)
        content = file if isinstance(file, bytes) else await asyncio.to_thread(_file_bytes, name, file, self.largest)
        return await self.read_media(content, field=name)

    async def _download(self, name: str, url: str) -> bytes:
        if not url.startswith(ADDRESSES):
            told = "is neither an http or https address nor asset:ID"
            raise InvalidInput(name, told, hint="give a path as a Path, not as text")
        try:
            async with self.downloads.open(url, self.largest) as content:
                whole = bytearray()
                async for piece in content:
                    whole += piece
                return bytes(whole)
        except DownloadFailed as error:
            raise InvalidInput(name, f"cannot be fetched: {error}", hint="send the file itself") from error

    async def _keep(self, account: str, media: Mapping[str, Sequence[Media]]) -> dict[str, list[Asset]]:
        return {name: [await self.assets.save(account, one) for one in many] for name, many in media.items()}


def _content_of(ask: Ask, request: Request, secret: bytes, body: str) -> ContentRow:
    if not request.tags:
        return ContentRow(ask.batch, ask.account, secret, body)
    tags = tuple(TagRow(id, ask.account, *tag) for id in ask.operations for tag in request.tags.items())
    return ContentRow(ask.batch, ask.account, secret, body, tags)


def key_of(request: Request) -> str | None:
    """The id of the API key that asks, if one does."""
    return request.by.id if request.by is not None and request.by.kind is ActorKind.KEY else None


def _instead(chosen: Sequence[Chosen]) -> tuple[Quote, ...]:
    """The quotes of the model that may do all of it instead; none if it cannot do a part."""
    found = [(one.instead.quotes[outputs] if one.instead else None) for one in chosen for outputs in one.calls]
    quotes = tuple(quote for quote in found if isinstance(quote, Quote))
    return quotes if len(quotes) == len(found) else ()


def _allowed(chosen: Sequence[Chosen]) -> frozenset[str]:
    return frozenset[str]().union(*[one.allowed for one in chosen])


def _fallbacks(chosen: Sequence[Chosen], at: int, *, bounded: bool) -> Fallbacks | None:
    """Whom another process may ask after a refusal; nobody, if a model was named."""
    if not any(one.others for one in chosen):
        return None
    chains = tuple({other.model.id: _prices(other) for other in one.others} for one in chosen)
    return Fallbacks(chains, tuple(sorted(_allowed(chosen))), bounded, at)


def _strategies(alone: Sequence[Request]) -> tuple[str, ...]:
    """The strategies by which models were chosen, one if it is the same for all; none if all models were named."""
    found = tuple([one.model if one.model in STRATEGIES else "" for one in alone])
    return found if len({*found}) > 1 else (found[0],) if found[0] else ()


def _prices(choice: Choice) -> dict[int, int]:
    return {outputs: quote.price for outputs, quote in choice.quotes.items() if isinstance(quote, Quote)}


def _inputs_by_model(chosen: Chosen) -> dict[str, dict[str, Scalar]]:
    return {one.model.id: dict(one.inputs) for one in chosen.choices}


def _check_asked(request: Request) -> None:
    """The ids, and that each field is of the type that `Request` says: it comes from anybody. Raises InvalidInput."""
    if not request.account:
        raise InvalidInput("account", "every operation needs an account", hint="a trial is an account with a plan")
    check_id("account", request.account)
    own = (("user", request.user), ("project", request.project), ("key", request.key), ("quote", request.quote))
    for name, id in own:
        if id is not None:
            check_id(name, id)
    for name, word in (("kind", request.kind), ("model", request.model)):
        if not isinstance(word, str):
            raise InvalidInput(name, f"must be text, not {shortened(word)}", hint=Advice("model.such"))
    if type(request.n) is not int:
        raise InvalidInput(
            "n", f"must be a whole number, not {shortened(request.n)}", hint=f"ask for 1 to {MOST_VARIATIONS}"
        )
    if not 1 <= request.n <= MOST_VARIATIONS:
        raise InvalidInput("n", f"{request.n} variations", hint=f"ask for 1 to {MOST_VARIATIONS}")
    if request.priority not in PRIORITIES:
        told = f"{shortened(request.priority)} is no priority"
        raise InvalidInput("priority", told, hint=f"one of: {', '.join(PRIORITIES)}")
    if request.tags or not isinstance(request.tags, dict):
        check_tags(request.tags)
    if request.each:
        _check_each(request)
    _check_by_name("inputs", request.inputs)
    if request.media or not isinstance(request.media, dict):
        _check_media(request.media)


def _check_media(media: Mapping[str, Sequence[File]]) -> None:
    _check_by_name("media", media)
    for name, files in media.items():
        _check_files_given(name, files)


def _check_each(request: Request) -> None:
    if isinstance(request.each, str | bytes | Mapping) or not isinstance(request.each, Sequence):
        raise InvalidInput(
            "each", f"must be a list of inputs, not {shortened(request.each)}", hint="give one dict each"
        )
    if request.n not in (1, len(request.each)):
        raise InvalidInput("n", f"{request.n} variations, and inputs of {len(request.each)}", hint="leave n out")
    if len(request.each) > MOST_VARIATIONS:
        raise InvalidInput("each", f"{len(request.each)} variations", hint=f"ask for 1 to {MOST_VARIATIONS}")
    for own in request.each:
        _check_by_name("each", own.inputs if isinstance(own, Variant) else own)


def _alone(request: Request, own: Mapping[str, Scalar] | Variant) -> Request:
    """One variation as a request of its own; what all of them may cost together is the ledger's to check."""
    variant = own if isinstance(own, Variant) else Variant(own)
    return replace(
        request,
        inputs={**request.inputs, **variant.inputs},
        model=variant.model or request.model,
        wishes=variant.wishes or request.wishes,
        n=1,
        max_price=None,
        each=(),
    )


def _check_by_name(field: str, given: object) -> None:
    if isinstance(given, dict | Mapping):
        for name in given:
            if not isinstance(name, str):
                break
        else:
            return
    raise InvalidInput(field, f"must be a mapping by input name, not {shortened(given)}", hint="give a dict")


def _check_files_given(name: str, files: object) -> None:
    if isinstance(files, str | bytes) or not isinstance(files, Sequence):
        raise InvalidInput(name, "must be a list of files", hint="give several or one, as in [file]")
    for file in files:
        if not isinstance(file, bytes | Path | str):
            told = f"a file is bytes, a path, an http address or asset:ID, not {shortened(file)}"
            raise InvalidInput(name, told, hint="read it first, or give its pathlib.Path")


async def fingerprint_before_fetching(request: Request) -> str | None:
    """The request's fingerprint, without fetching its addresses: they are compared as written.

    None if there is no address. Raises as `fingerprint_of_asked`.
    """
    _check_asked(request)
    files = [file for many in request.media.values() for file in many]
    return await fingerprint_of_asked(request) if any(isinstance(file, str) for file in files) else None


async def fingerprint_of_asked(request: Request) -> str | None:
    """A keyed request's fingerprint, whichever model would be chosen now; None if such inputs could never be recorded.

    A path is not a stable name, so its file is read. Raises InvalidInput for an id or a path that cannot be used.
    """
    _check_asked(request)
    given = (request.inputs, *(own.inputs if isinstance(own, Variant) else own for own in request.each))
    if not all(isinstance(value, Scalar) for inputs in given for value in inputs.values()):
        return None
    named = {name: [await _name_of(name, file) for file in many] for name, many in request.media.items()}
    return _fingerprint(request, named)


def _fingerprint(request: Request, named: Mapping[str, Sequence[str]]) -> str:
    """The text by which a repeat under the same key is compared: all that was asked, files as they are `named`."""
    asked: dict[str, object] = {
        "account": request.account,
        "key": request.key,
        "user": request.user,
        "project": request.project,
        "kind": request.kind,
        "model": request.model,
        "n": request.n,
        "inputs": dict(request.inputs),
        "media": named,
    }
    # A thing that is not said is not compared, so that keys of before there was such a thing stay what they were.
    if request.allow:
        asked["allow"] = sorted(allowed_by(request))
    if request.max_price is not None:
        asked["max_price"] = str(request.max_price)
    if request.wishes is not None:
        asked["wishes"] = compared(request.wishes)
    if request.on_limit:
        asked["on_limit"] = request.on_limit
    if request.tags:
        asked["tags"] = dict(request.tags)
    if request.each:
        asked["each"] = [_compared(own) if isinstance(own, Variant) else dict(own) for own in request.each]
    return sha256(canonical(asked).encode("utf-8", "surrogatepass")).hexdigest()


def _compared(own: Variant) -> dict[str, object]:
    wishes = None if own.wishes is None else compared(own.wishes)
    return {"inputs": dict(own.inputs), "model": own.model, "wishes": wishes}


def _named(request: Request, media: Mapping[str, Sequence[Media]]) -> dict[str, list[str]]:
    """The files by their addresses; by the digests of their contents where they have none."""
    return {
        name: [
            file if isinstance(file, str) else sha256(one.content).hexdigest()
            for file, one in zip(files, media[name], strict=True)
        ]
        for name, files in request.media.items()
    }


async def _name_of(name: str, file: File) -> str:
    if isinstance(file, str):
        return file
    return sha256(file).hexdigest() if isinstance(file, bytes) else await asyncio.to_thread(_file_digest, name, file)


def _file_bytes(name: str, file: Path, most: int) -> bytes:
    """The file, or so much of it that it is known to have more bytes than it may."""
    with _opened(name, file) as stream:
        return stream.read(most + 1)


def _file_digest(name: str, file: Path) -> str:
    with _opened(name, file) as stream:
        return file_digest(stream, sha256).hexdigest()


@contextmanager
def _opened(name: str, file: Path) -> Iterator[BufferedReader]:
    """Raises InvalidInput for what cannot be read, or never ends."""
    try:
        if file.is_char_device():
            raise InvalidInput(name, f"{file} is a device", hint="give the path of a file")
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise InvalidInput(name, f"{file} cannot be read: {error.strerror}", hint="give the path of a file") from error
