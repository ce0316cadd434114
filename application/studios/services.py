"""All services by name: `studio.services.create(…)`, and what is preset for them."""

from __future__ import annotations

from dataclasses import dataclass

from application.studios.background import Background
from application.studios.control import Control
from application.studios.create import Create
from application.studios.desk import ServiceDesk
from application.studios.edit import Edit
from application.studios.faces import FaceSwap
from application.studios.templates import Templates
from application.studios.upscale import Upscale


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
    templates: Templates


def services(desk: ServiceDesk) -> Services:
    """Every service at one desk."""
    return Services(
        desk,
        create=Create(desk),
        edit=Edit(desk),
        upscale=Upscale(desk),
        control=Control(desk),
        face_swap=FaceSwap(desk),
        background=Background(desk),
        templates=Templates(desk.presets),
    )
