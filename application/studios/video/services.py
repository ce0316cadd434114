"""All services of the video studio by name: `studio.services.video.create(…)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from application.studios.carrying import Service
from application.studios.desk import ServiceDesk
from application.studios.video.avatar import VideoAvatar
from application.studios.video.compress import VideoCompress
from application.studios.video.convert import VideoConvert
from application.studios.video.create import VideoCreate
from application.studios.video.edit import VideoEdit
from application.studios.video.enhance import VideoEnhance
from application.studios.video.extend import VideoExtend
from application.studios.video.faces import VideoFaces
from application.studios.video.scenes import VideoBackground, VideoOutpaint, VideoRework, VideoSound, VideoStyle
from application.studios.video.social import VideoSocial
from application.studios.video.transform import VideoTransform
from application.studios.video.translate import VideoTranslate


@dataclass(frozen=True, slots=True)
class VideoServices:
    """The services of films, each callable, with an `estimate` of the same arguments."""

    create: VideoCreate
    transform: VideoTransform
    avatar: VideoAvatar
    extend: VideoExtend
    enhance: VideoEnhance
    faces: VideoFaces
    translate: VideoTranslate
    background: VideoBackground
    sound: VideoSound
    style: VideoStyle
    outpaint: VideoOutpaint
    rework: VideoRework
    edit: VideoEdit
    convert: VideoConvert
    compress: VideoCompress
    social: VideoSocial

    def of_one(self) -> Mapping[str, Service]:
        """Those that need one subject alone, by the names that batches and recipes know them by."""
        return {
            "video-create": self.create,
            "video-transform": self.transform,
            "video-extend": self.extend,
            "video-enhance": self.enhance,
            "video-translate": self.translate,
            "video-background": self.background,
            "video-sound": self.sound,
            "video-style": self.style,
            "video-outpaint": self.outpaint,
            "video-rework": self.rework,
            "video-edit": self.edit,
            "video-convert": self.convert,
            "video-compress": self.compress,
            "video-social": self.social,
        }


def video_services(desk: ServiceDesk) -> VideoServices:
    """Every service of films at one desk."""
    return VideoServices(
        create=VideoCreate(desk),
        transform=VideoTransform(desk),
        avatar=VideoAvatar(desk),
        extend=VideoExtend(desk),
        enhance=VideoEnhance(desk),
        faces=VideoFaces(desk),
        translate=VideoTranslate(desk),
        background=VideoBackground(desk),
        sound=VideoSound(desk),
        style=VideoStyle(desk),
        outpaint=VideoOutpaint(desk),
        rework=VideoRework(desk),
        edit=VideoEdit(desk),
        convert=VideoConvert(desk),
        compress=VideoCompress(desk),
        social=VideoSocial(desk),
    )
