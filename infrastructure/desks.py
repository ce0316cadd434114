"""The services of a studio, put together from its parts; loading what is preset for them takes its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infrastructure.media import blank_picture

if TYPE_CHECKING:
    from application.studios.services import Services
    from infrastructure.assembly import Assembly


def services_of(made: Assembly) -> Services:
    """Create and the others. Raises CatalogueError if a file of presets is wrong."""
    from application.studios.desk import ServiceDesk
    from application.studios.services import services
    from infrastructure.studios import load_presets
    from infrastructure.studios.sheets import contact_sheet

    desk = ServiceDesk(made.operations, made.catalogue, load_presets(made.settings.presets), made.clock)
    currency, archive = made.price_book.currency, made.library.archive_named
    return services(desk, currency, blank_picture, contact_sheet, made.words, archive)
