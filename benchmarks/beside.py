"""Sets networks beside the classical ways on photos: docs/pictures/networks.jpg, and how near each enlarging came.

python -m benchmarks.beside FOLDER      the photos of scikit-image (its wheel's skimage/data): public domain and CC0

Rows: enlarged twice, cut out (two), text removed. Columns: what came in, the classical way, the network. Grey is a
refusal, or no way at all.
"""

from __future__ import annotations

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps
from rich.console import Console

from application.ports import silent
from imagestudio.plugin import Media, ProviderRefused, Task, image_media
from imagestudio_workshop.provider import LocalProvider

SHEET: Final = Path(__file__).parent.parent / "docs" / "pictures" / "networks.jpg"
CELL: Final = 220
ENLARGED: Final = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "brick.png", "motorcycle_left.png")
FILTERS: Final = (Image.Resampling.BOX, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def made(route: str, **media: Image.Image) -> Image.Image | None:
    """What a local route makes of pictures; None if it refuses."""
    files = {name: (image_media(image, "PNG"),) for name, image in media.items()}
    with ThreadPoolExecutor(1) as pool:
        task = Task("beside", 1, "a-kind", "a-model", route, 1, {}, files)
        try:
            delivery = asyncio.run(LocalProvider(pool).submit(task, silent))
        except ProviderRefused:
            return None
    (output,) = delivery.outputs
    assert isinstance(output, Media)
    return Image.open(io.BytesIO(output.content))


def decibels(one: Image.Image, truth: Image.Image) -> float:
    difference = np.asarray(one.convert("RGB"), dtype=np.float64) - np.asarray(truth, dtype=np.float64)
    return float(10 * np.log10(255**2 / (difference**2).mean()))


def enlarging(photos: dict[str, Image.Image]) -> list[str]:
    """A line a photo: what both ways reach on the mean of three filters, of what was made half as large."""
    lines = []
    for name in ENLARGED:
        truth = photos[name].crop((0, 0, 256, 256))
        smalls = [truth.resize((128, 128), how) for how in FILTERS]
        both = []
        for route in ("upscale-detail", "upscale-faithful"):
            results = [made(route, image=small) for small in smalls]
            both.append(np.mean([decibels(result, truth) for result in results if result]))
        lines.append(f"{name:22} classical {both[0]:.2f} dB, network {both[1]:.2f} dB")
    return lines


def rows(photos: dict[str, Image.Image]) -> list[tuple[Image.Image | None, ...]]:
    small = photos["astronaut.png"].crop((170, 40, 280, 150)).resize((64, 64), Image.Resampling.BICUBIC)
    seen = small.resize((CELL, CELL), Image.Resampling.NEAREST)
    things = photos["astronaut.png"], photos["motorcycle_left.png"]
    signed = photos["rocket.jpg"].crop((80, 0, 507, 427))
    ImageDraw.Draw(signed).text((60, 40), "LAUNCH DAY", font=ImageFont.load_default(48), fill=(240, 240, 250))
    return [
        (seen, *(made(f"upscale-{how}", image=small) for how in ("detail", "faithful"))),
        *((thing, *(made(f"background-remove{how}", image=thing) for how in ("", "-seen"))) for thing in things),
        (signed, None, made("text-remove", image=signed)),
    ]  # fmt: skip


def sheet(table: list[tuple[Image.Image | None, ...]]) -> Image.Image:
    """Cells of one size; on a chequered ground what is transparent, and grey where there is nothing."""
    result = Image.new("RGB", (CELL * 3, CELL * len(table)), (90, 90, 90))
    for down, row in enumerate(table):
        for across, image in enumerate(row):
            place = (across * CELL, down * CELL)
            if image is None:
                continue
            cell = ImageOps.pad(image.convert("RGBA"), (CELL, CELL), Image.Resampling.LANCZOS, color=(0, 0, 0, 0))
            result.paste(chequered(), place)
            result.paste(cell, place, cell)
    return result


def chequered() -> Image.Image:
    y, x = np.mgrid[:CELL, :CELL] // 11
    return Image.fromarray(np.where((x + y) % 2, 200, 255).astype(np.uint8)).convert("RGB")


def main(folder: Path) -> None:
    names = {*ENLARGED, "astronaut.png", "rocket.jpg"}
    photos = {name: Image.open(folder / name).convert("RGB") for name in names}
    console = Console(highlight=False)
    for line in enlarging(photos):
        console.print(line)
    SHEET.parent.mkdir(exist_ok=True)
    sheet(rows(photos)).save(SHEET, quality=88)
    console.print(f"{SHEET.name}: {SHEET.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
