"""Background: taken away, replaced by words, by a studio's backdrop or by a picture, or kept and lit anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import check_alone, sorted_out
from application.studios.drafting import Drafted, Retouching
from application.studios.presets import Quality
from domain.wishes import Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """A scene that a subject is put before, in words."""

    WORD: ClassVar[str] = "backdrop"
    id: str
    name: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundBrief:
    """The new background; nothing of these: the background is taken away.

    `scene` is words, `backdrop` a preset, `picture` a file. `light` keeps the background and lights it anew: the
    direction the light comes from, or words about it.
    """

    scene: str = ""
    backdrop: str = ""
    picture: File | None = None
    light: str = ""
    quality: str = "standard"
    negative: str = ""


DIRECTIONS = ("above", "below", "left", "right")


@dataclass(frozen=True, slots=True)
class Background(Retouching):
    """The service."""

    def draft(self, image: File, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, BackgroundBrief, account, options)
        brief = BackgroundBrief(**own)
        check_alone(scene=brief.scene, backdrop=brief.backdrop, picture=brief.picture, light=brief.light)
        quality = self.desk.presets.get(Quality, brief.quality, "quality")
        kind, inputs, note = self._asked(brief)
        media: dict[str, Sequence[File]] = {"image": [image]}
        if brief.picture is not None:
            media["background"] = [brief.picture]
        wishes = Wishes(negative=brief.negative, gladly=quality.gladly)
        model = quality.chooses(caller.model)
        return Drafted(caller.request(kind, inputs, media, model=model, wishes=wishes), (note,))

    def _asked(self, brief: BackgroundBrief) -> tuple[str, dict[str, Scalar], str]:
        """The kind, its inputs, and what that means."""
        if brief.light in DIRECTIONS:
            words: dict[str, Scalar] = {
                "prompt": f"the same place, lit from {brief.light}",
                "keep_original_background": True,
            }
            return "relight", {**words, "light_source_direction": brief.light}, f"lit anew from {brief.light}"
        if brief.light:
            return "relight", {"prompt": brief.light, "keep_original_background": True}, "lit anew"
        if brief.backdrop:
            backdrop = self.desk.presets.get(Backdrop, brief.backdrop, "backdrop")
            return "background-replace", {"prompt": backdrop.prompt}, f"before {backdrop.name.lower()}"
        if brief.scene:
            return "background-replace", {"prompt": brief.scene}, "before another scene"
        if brief.picture is not None:
            return "background-replace", {}, "before another picture"
        return "background-remove", {}, "cut out"
