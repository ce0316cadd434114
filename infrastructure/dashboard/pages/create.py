"""Making something: a form for each service, its exact price and what would be left, and then the operation itself.

form ── a service drafts the request ── estimate ── price, what would be left, a signed quote ── button
button ── the same form and its quote ── submitted under a key of its own ── the operation's page, live
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from application.asking.requests import Estimate, File
from application.asking.requests import Request as StudioRequest
from application.studios.background import Backdrop
from application.studios.presets import Quality, Style
from application.studios.services import Services
from application.studios.social import SocialFormat
from application.studios.templates import Template
from application.studios.upscale import Enlargement
from application.studios.video.presets import VideoQuality, VideoTemplate
from domain.errors import ImageStudioError, InvalidInput
from domain.keys import KeyScope
from infrastructure.clock import new_id
from infrastructure.dashboard.page import Document, FormSent, PageFilter, Shows, Visit, WebAction, WebPage
from infrastructure.gateway.repeats import digest_of
from infrastructure.showing.documents import estimate_document
from infrastructure.showing.formats import iso, measured
from infrastructure.showing.hints import outside, over_http

Options = dict[str, Any]
Drafting = Callable[[Services, File | None, str, Options], tuple[StudioRequest, tuple[str, ...]]]
CLASSES: Final = ("stand-in", "test")
OF_FORMS: Final = ("token", "quote", "key", "service")
"""Fields that are no part of what is asked."""
COMMON: Final = ("model", "n")
PLATFORM: Final = "platform."


@dataclass(frozen=True, slots=True, kw_only=True)
class MakingForm:
    """The form of a service: its fields in order, whether it wants a file, and how the request is drafted."""

    name: str
    fields: tuple[str, ...]
    draft: Drafting
    file: bool = True
    classes: Mapping[str, type[Any]]
    """The presets that a field chooses from, by its name."""


def _of_words(services: Services, _file: File | None, account: str, options: Options) -> Any:
    prompt = options.pop("prompt", "")
    drafted = services.create.draft(prompt, account, options)
    return drafted.request, drafted.notes


def _edited(services: Services, file: File | None, account: str, options: Options) -> Any:
    drafted = services.edit.draft(_needed(file), "image-edit", account, options)
    return drafted.request, drafted.notes


def _upscaled(services: Services, file: File | None, account: str, options: Options) -> Any:
    drafted = services.upscale.draft(_needed(file), account, options)
    return drafted.request, drafted.notes


def _set(services: Services, file: File | None, account: str, options: Options) -> Any:
    drafted = services.background.draft(_needed(file), account, options)
    return drafted.request, drafted.notes


def _social(services: Services, file: File | None, account: str, options: Options) -> Any:
    options.pop("n", None)
    named = [name.removeprefix(PLATFORM) for name in options if name.startswith(PLATFORM)]
    rest = {name: value for name, value in options.items() if not name.startswith(PLATFORM)}
    piece = services.social.draft(_needed(file), account, {**rest, "platforms": named})
    return piece.request, piece.notes


def _filmed(services: Services, _file: File | None, account: str, options: Options) -> Any:
    drafted = services.video.create.draft(options.pop("prompt", ""), account, options)
    return drafted.request, drafted.notes


def _moved(services: Services, file: File | None, account: str, options: Options) -> Any:
    drafted = services.video.transform.draft(_needed(file), account, options)
    return drafted.request, drafted.notes


def _needed(file: File | None) -> File:
    if file is None:
        raise InvalidInput("image", "is not there yet", hint="choose a file")
    return file


FORMS: Final[Mapping[str, MakingForm]] = {
    one.name: one
    for one in (
        MakingForm(
            name="create",
            fields=("prompt", "template", "style", "quality", "aspect", "negative", "n", "model"),
            draft=_of_words,
            file=False,
            classes={"template": Template, "style": Style, "quality": Quality},
        ),
        MakingForm(
            name="edit",
            fields=("prompt", "quality", "n", "model"),
            draft=_edited,
            classes={"quality": Quality},
        ),
        MakingForm(
            name="upscale",
            fields=("target", "quality", "model"),
            draft=_upscaled,
            classes={"target": Enlargement, "quality": Quality},
        ),
        MakingForm(
            name="background",
            fields=("scene", "backdrop", "quality", "model"),
            draft=_set,
            classes={"backdrop": Backdrop, "quality": Quality},
        ),
        MakingForm(
            name="video",
            fields=("prompt", "template", "quality", "seconds", "aspect", "n", "model"),
            draft=_filmed,
            file=False,
            classes={"template": VideoTemplate, "quality": VideoQuality},
        ),
        MakingForm(
            name="animate",
            fields=("prompt", "quality", "seconds", "n", "model"),
            draft=_moved,
            classes={"quality": VideoQuality},
        ),
        MakingForm(name="social", fields=("platforms", "model"), draft=_social, classes={"platforms": SocialFormat}),
    )
}


async def _form(visit: Visit) -> Document:
    """The form of a service, with what it may choose from, and what the address filled in."""
    form = _named(visit.params.get("service", "create"))
    return {
        "service": form.name,
        "services": [*FORMS, "batch"],
        "fields": list(form.fields),
        "file": form.file,
        "choices": choices_of(visit, form.classes),
        "filled": dict(visit.params),
        "key": new_id(),
    }


def choices_of(visit: Visit, classes: Mapping[str, type[Any]]) -> dict[str, list[dict[str, str]]]:
    """The presets that each field chooses from."""
    presets = visit.studio.services.desk.presets
    return {
        name: [{"id": one.id, "name": getattr(one, "name", one.id)} for one in presets.of(shape).values()]
        for name, shape in classes.items()
    }


def _named(service: str) -> MakingForm:
    if service not in FORMS:
        raise InvalidInput("service", f"there is no {service[:40]!r}", hint=f"there are: {', '.join(FORMS)}")
    return FORMS[service]


async def _price(sent: FormSent) -> Shows:
    """The price of what the form asks for, and what would be left; what is wrong with it is said in its place."""
    visit = sent.visit
    told: Document = {"service": sent.text("service"), "key": sent.text("key") or new_id(), "fields": _asked(sent)}
    try:
        request, notes = _drafted(sent)
        found = await visit.studio.operations.estimate(request)
        told |= {"estimate": estimate_document(found), "after": _after(found), "notes": list(notes), "error": None}
        told |= await _quoted(sent, found)
    except ImageStudioError as error:
        told |= {"estimate": None, "quote": None, "error": no_price_said(error, sent)}
    template = "price.html" if visit.partial else "priced.html"
    return Shows(template, "create.priced", {**told, "file": _named(sent.text("service")).file}, under="create")


def no_price_said(error: ImageStudioError, sent: FormSent) -> dict[str, Any]:
    """The reason why there is no price; `begun` is False if the form asks for words, and there are none yet."""
    asked = {"prompt", "prompts"} & sent.fields.keys()
    begun = not (sent.visit.partial and asked) or bool(sent.files or any(map(sent.text, asked)))
    detail, hint = outside(error, over_http)
    return {"begun": begun, "detail": detail, "hint": hint}


def _after(found: Estimate) -> dict[str, Any]:
    """Of each measure that it takes something of: what is left now, what it takes, and what would be left."""
    left = measured({name: found.left.get(name) for name in found.asks}, found.currency)
    asks = measured(found.asks, found.currency)
    after = {
        name: None if (now := found.left.get(name)) is None else now - amount for name, amount in found.asks.items()
    }
    rest = measured(after, found.currency)
    return {name: {"left": left[name], "asks": asks[name], "after": rest[name]} for name in found.asks}


async def _quoted(sent: FormSent, found: Estimate) -> Document:
    """A signed quote for exactly this form; none if nothing may be held for it, or it would be refused now."""
    if found.held is None or found.refused is not None:
        return {"quote": None, "expires": None}
    digest = await asyncio.to_thread(_digest, sent)
    text, told = sent.visit.gate.quotes.quote(sent.visit.account, digest, found.model, found.held)
    return {"quote": text, "expires": iso(told.expires)}


async def _make(sent: FormSent) -> str:
    """Have it made at the price that was shown: held and recorded before the answer."""
    visit = sent.visit
    request, _ = _drafted(sent)
    digest = await asyncio.to_thread(_digest, sent)
    told = visit.gate.quotes.read(visit.account, digest, sent.needed("quote"))
    wanted = replace(request, model=told.model, max_price=told.money, priced_at=told.at, key=sent.needed("key"))
    begun = await visit.studio.operations.submit(wanted, queued=True)
    return visit.link("operation", id=begun.operation)


def _drafted(sent: FormSent) -> tuple[StudioRequest, tuple[str, ...]]:
    """The request that the service makes of the form. Raises InvalidInput."""
    visit, form = sent.visit, _named(sent.text("service"))
    options: Options = {name: value for name, value in _asked(sent).items() if not name.startswith("allow.")}
    allow = tuple(one for one in CLASSES if sent.text(f"allow.{one}") == "yes")
    options |= {**visit.caller.asks_as(None, None), "allow": allow}
    files = sent.files.get("image", ())
    return form.draft(visit.studio.services, files[0] if files else None, visit.account, options)


def _asked(sent: FormSent) -> dict[str, str]:
    """The fields that say something."""
    return {name: value.strip() for name, value in sent.fields.items() if name not in OF_FORMS and value.strip()}


def _digest(sent: FormSent) -> str:
    return digest_of(f"make {sent.text('service')}", _asked(sent), sent.files)


PAGES = (
    WebPage(
        name="create",
        path="/create",
        document=_form,
        template="create.html",
        scope=KeyScope.OPERATE,
        group="make",
        filters=(
            *(PageFilter(name="service", among=tuple(FORMS)), PageFilter(name="prompt"), PageFilter(name="template")),
            *(PageFilter(name="model"), PageFilter(name="allow")),
        ),
    ),
)
ACTIONS = (
    WebAction(name="price", path="/create/price", do=_price, scope=KeyScope.OPERATE),
    WebAction(name="make", path="/create", do=_make, scope=KeyScope.OPERATE),
)
