"""All services by name: `studio.services.create(…)`, and what is preset for them."""

from __future__ import annotations

from dataclasses import dataclass

from application.studios.create import Create
from application.studios.desk import ServiceDesk
from application.studios.templates import Templates


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a studio, each callable, with an `estimate` of the same arguments."""

    desk: ServiceDesk
    create: Create
    templates: Templates


def services(desk: ServiceDesk) -> Services:
    """Every service at one desk."""
    return Services(desk, Create(desk), Templates(desk.presets))
