"""The frames that Pillow encodes as an animation: frames that are made one by one."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image


class Strip(Image.Image):
    """A picture of many frames, each made when the encoder seeks it, so that no two are held."""

    def __init__(
        self, size: tuple[int, int], count: int, frame: Callable[[int], Image.Image], mode: str = "RGB"
    ) -> None:
        """`frame` makes each of `count` pictures, of `size` and `mode`, by its number."""
        super().__init__()
        self._mode = mode
        self._size = size
        self.n_frames = count
        self.is_animated = True
        self._frame = frame
        self._at = -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Raises EOFError behind the last one."""
        if not 0 <= frame < self.n_frames:
            raise EOFError("there is no such frame")
        if frame != self._at:
            self.im = self._frame(frame).im
            self._at = frame

    def tell(self) -> int:
        return self._at
