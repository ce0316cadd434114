"""All services of the video studio by name: `studio.services.video.create(…)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from application.studios.carrying import Service
from application.studios.desk import ServiceDesk
from application.studios.video.create import VideoCreate


@dataclass(frozen=True, slots=True)
class VideoServices:
    """The services of films, each callable, with an `estimate` of the same arguments."""

    create: VideoCreate

    def of_one(self) -> Mapping[str, Service]:
        """Those that need one subject alone, by the names that batches and recipes know them by."""
        return {"video-create": self.create}


def video_services(desk: ServiceDesk) -> VideoServices:
    """Every service of films at one desk."""
    return VideoServices(create=VideoCreate(desk))
