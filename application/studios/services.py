"""All services by name: `studio.services.create(…)`, and what is preset for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from application.library.words import WordStore
from application.studios.background import Background
from application.studios.batch import ArchiveNamed, Batch
from application.studios.carrying import Service
from application.studios.compare import Compare, DrawSheet
from application.studios.compress import Compress
from application.studios.control import Control
from application.studios.convert import Convert
from application.studios.create import Create
from application.studios.desk import ServiceDesk
from application.studios.edit import Edit
from application.studios.faces import FaceSwap
from application.studios.models3d import Models3D
from application.studios.resize import Resize
from application.studios.social import Social
from application.studios.templates import Template, Templates
from application.studios.upscale import Upscale
from application.studios.video.services import VideoServices, video_services
from application.studios.watermark import Watermark


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a studio, each callable, with an `estimate` of the same arguments."""

    desk: ServiceDesk
    create: Create
    edit: Edit
    upscale: Upscale
    control: Control
    face_swap: FaceSwap
    background: Background
    model_3d: Models3D
    batch: Batch
    compare: Compare
    social: Social
    compress: Compress
    convert: Convert
    resize: Resize
    watermark: Watermark
    templates: Templates[Template]
    video: VideoServices


def services(
    desk: ServiceDesk,
    currency: str,
    blank: Callable[[], bytes],
    draw: DrawSheet,
    words: WordStore,
    write_archive: ArchiveNamed,
) -> Services:
    """Every service at one desk, and a batch of those that need one subject alone."""
    create, edit, upscale, background = Create(desk), Edit(desk), Upscale(desk), Background(desk)
    control, social, compress, convert = Control(desk), Social(desk), Compress(desk), Convert(desk)
    resize, watermark = Resize(desk), Watermark(desk)
    video = video_services(desk)
    of_one: dict[str, Service] = {
        "create": create,
        "edit": edit,
        "upscale": upscale,
        "control": control,
        "background": background,
        "social": social,
        "compress": compress,
        "convert": convert,
        "resize": resize,
        "watermark": watermark,
        **video.of_one(),
    }
    return Services(
        desk,
        create=create,
        edit=edit,
        upscale=upscale,
        control=control,
        face_swap=FaceSwap(desk),
        background=background,
        model_3d=Models3D(desk),
        batch=Batch(desk, of_one, currency, blank, write_archive),
        compare=Compare(desk, create, edit, draw, words),
        social=social,
        compress=compress,
        convert=convert,
        resize=resize,
        watermark=watermark,
        templates=Templates(desk.presets, Template),
        video=video,
    )
