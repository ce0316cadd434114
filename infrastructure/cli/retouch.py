"""Pictures changed: edited, enlarged, kept to, given other faces and other backgrounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import WHAT, Asking, file_of
from infrastructure.cli.run import Image, Kind, Out, Prompt
from infrastructure.cli.serving import Aspect, Estimate, Negative, Quality, Style, ask, asked_of, serve
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from application.studios.fields import Field, FieldMap
    from application.studios.services import Services
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Editing:
    """In which way, and how well."""

    quality: Quality = ""
    negative: Negative = ""
    aspect: Aspect = ""


@dataclass(frozen=True, slots=True)
class Enlarging:
    """How large, and how."""

    mode: Annotated[
        str, Option("--mode", metavar="MODE", help="auto, fast, conservative or creative.", rich_help_panel=WHAT)
    ] = ""
    target: Annotated[
        str, Option("--target", "-t", metavar="ID", help="What it is for: web, social or print.", rich_help_panel=WHAT)
    ] = ""
    longest: Annotated[
        int | None, Option("--longest", metavar="PIXELS", help="Of the longer side, at least.", rich_help_panel=WHAT)
    ] = None
    prompt: Annotated[
        str,
        Option("--prompt", metavar="TEXT", help="What is seen, for models that want to know.", rich_help_panel=WHAT),
    ] = ""
    quality: Quality = ""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The thing that is kept of the picture, and how strictly."""

    keep: Annotated[str, Option("--keep", metavar="WHAT", help="sketch, structure or style.", rich_help_panel=WHAT)] = (
        ""
    )
    strength: Annotated[
        str, Option("--strength", metavar="0..1", help="How strictly it is kept.", rich_help_panel=WHAT)
    ] = ""
    style: Style = ""
    quality: Quality = ""
    negative: Negative = ""
    aspect: Aspect = ""


@dataclass(frozen=True, slots=True)
class Swapping:
    """Whose face is replaced."""

    index: Annotated[
        int | None, Option("--index", metavar="NUMBER", help="Which face, counted from 0.", rich_help_panel=WHAT)
    ] = None
    gender: Annotated[str, Option("--gender", metavar="WHOSE", help="all, female or male.", rich_help_panel=WHAT)] = ""
    head: Annotated[bool, Option("--head", help="The whole head, hair included.", rich_help_panel=WHAT)] = False
    quality: Quality = ""


@dataclass(frozen=True, slots=True)
class Backing:
    """The new background; otherwise none."""

    scene: Annotated[
        str, Option("--scene", metavar="TEXT", help="Another background, in words.", rich_help_panel=WHAT)
    ] = ""
    backdrop: Annotated[
        str, Option("--backdrop", metavar="ID", help="A studio's backdrop, such as white.", rich_help_panel=WHAT)
    ] = ""
    light: Annotated[
        str,
        Option("--light", metavar="FROM", help="The same background, lit from above, left …", rich_help_panel=WHAT),
    ] = ""
    quality: Quality = ""
    negative: Negative = ""


@command(app)
async def edit(
    image: Image,
    editing: Editing,
    asking: Asking,
    session: CommandSession,
    prompt: Annotated[str, Argument(metavar="[PROMPT]", help="What you want, in words.")] = "",
    kind: Annotated[
        str, Option("--kind", metavar="KIND", help="How: erase, outpaint, recolor …", rich_help_panel=WHAT)
    ] = "image-edit",
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Change a picture: as the words say, or in any other way there is.

    The fields of each way are listed by 'imagestudio fields KIND'; files come by --file, all else by --input.
    """
    words: dict[str, Any] = {"prompt": prompt} if prompt else {}

    def asked(of: Services, do: bool, **more: Any) -> Awaitable[Any]:
        return (of.edit if do else of.edit.estimate)(file_of(image), kind, **words, **more)

    return await _served(session, "edit", asking, editing, asked, out, estimate)


@command(app)
async def upscale(
    image: Image,
    enlarging: Enlarging,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Give a picture more pixels, as many as it is wanted for."""

    def asked(of: Services, do: bool, **more: Any) -> Awaitable[Any]:
        return (of.upscale if do else of.upscale.estimate)(file_of(image), **more)

    return await _served(session, "upscale", asking, enlarging, asked, out, estimate)


@command(app)
async def control(
    image: Image,
    prompt: Prompt,
    keeping: Keeping,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Make a picture from words and from what is kept of another."""

    def asked(of: Services, do: bool, **more: Any) -> Awaitable[Any]:
        return (of.control if do else of.control.estimate)(file_of(image), prompt, **more)

    return await _served(session, "control", asking, keeping, asked, out, estimate)


@command(app, "face-swap")
async def face_swap(
    image: Image,
    faces: Annotated[list[str], Argument(metavar="FACE...", help="Pictures of the faces that are put in.")],
    swapping: Swapping,
    asking: Asking,
    session: CommandSession,
    instead_of: Annotated[
        list[str] | None,
        Option("--instead-of", metavar="FACE", help="Of several faces, whom each replaces.", rich_help_panel=WHAT),
    ] = None,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Put a face, a head or several faces into a picture."""
    replaced = [file_of(one) for one in instead_of or ()]

    def asked(of: Services, do: bool, **more: Any) -> Awaitable[Any]:
        service = of.face_swap if do else of.face_swap.estimate
        return service(file_of(image), *map(file_of, faces), instead_of=replaced, **more)

    return await _served(session, "face-swap", asking, swapping, asked, out, estimate)


@command(app)
async def background(
    image: Image,
    backing: Backing,
    asking: Asking,
    session: CommandSession,
    picture: Annotated[
        str | None, Option("--picture", metavar="FILE", help="Another background, as a picture.", rich_help_panel=WHAT)
    ] = None,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Take a background away, replace it, or light it anew."""
    behind = None if picture is None else file_of(picture)

    def asked(of: Services, do: bool, **more: Any) -> Awaitable[Any]:
        return (of.background if do else of.background.estimate)(file_of(image), picture=behind, **more)

    return await _served(session, "background", asking, backing, asked, out, estimate)


@command(app)
async def fields(kind: Kind, session: CommandSession) -> Report:
    """List what a kind of operation can be given, for whoever draws a form."""
    from application.studios.fields import field_map
    from infrastructure.catalogue import load_catalogue
    from infrastructure.clock import now
    from infrastructure.showing.formats import document

    catalogue, _ = load_catalogue(session.settings().catalogues)
    found = field_map(catalogue, kind, now())
    return Report(document(found), lambda page: _show_fields(page, found))


Asked = Callable[..., Awaitable[Any]]


async def _served(
    session: CommandSession, what: str, asking: Asking, own: Any, asked: Asked, out: Path | None, estimate: bool
) -> Report:
    """Ask a service what it would cost, or have it do it."""
    options = asked_of(session, asking, own)
    if estimate:
        return await ask(session, lambda services: asked(services, False, **options))
    return await serve(session, what, lambda services, told: asked(services, True, progress=told, **options), out)


def _show_fields(page: Page, found: FieldMap) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(found.kind)
    page.table(
        PageColumn("FIELD", [one.name for one in found.fields]),
        PageColumn("TYPE", [one.type for one in found.fields]),
        PageColumn("NEEDED", ["yes" if one.required else "" for one in found.fields]),
        PageColumn("RANGE", [_range(one) for one in found.fields], wrap=36),
        PageColumn("DEFAULT", ["" if one.default is None else str(one.default) for one in found.fields], drop=2),
        PageColumn("MODELS", [str(len(one.models)) for one in found.fields], right=True, drop=1),
    )


def _range(one: Field) -> str:
    if one.choices:
        return ", ".join(map(str, one.choices))
    if one.minimum is None and one.maximum is None:
        return f"up to {one.many} files" if one.many > 1 else ""
    return f"{'' if one.minimum is None else one.minimum} to {'' if one.maximum is None else one.maximum}"
