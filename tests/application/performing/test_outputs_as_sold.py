"""What a provider delivers is held against what its model is sold for; anything else fails, and nobody pays for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.asking.requests import Request
from application.ports import Delivery, Job, Media, Progress, Recovery, Task
from domain.errors import OperationFailed
from domain.operation import Charged, Released
from tests.application.studios import count, facts_of, is_sound, studio_on, timeline
from tests.infrastructure.films import film
from tests.infrastructure.test_media import encoded

PRICE = 50_000
BILL = 30_000
GLB = b"glTF\x02\0\0\0\x14\0\0\0" + bytes(8)
FILES = {
    "PNG": encoded("PNG"),
    "JPEG": encoded("JPEG"),
    "WebP": encoded("WEBP"),
    "AVIF": encoded("AVIF"),
    "MP4": film(audio=""),
    "WebM": film("webm", "libvpx-vp9", ""),
    "MOV": film("mov", audio=""),
    "an MP4 of sound alone": film(video=""),
    "MP3": film("mp3", "", "libmp3lame"),
    "GLB": GLB,
    "USDZ": b"PK\x03\x04" + bytes(22) + b"\x0a\0\0\0scene.usdc",
}
SOLD = {
    "image/png": {"PNG", "JPEG", "WebP", "AVIF"},
    "video/mp4": {"MP4", "WebM", "MOV"},
    "audio/mpeg": {"MP3", "an MP4 of sound alone"},
    "model/gltf-binary": {"GLB", "USDZ"},
}
ENTRY = """
currency = "USD"
[[model]]
id = "painter"
provider = "scripted"
route = "image"
kinds = ["text-to-video"]
outputs = ["{outputs}"]
auto = false
unit = "video"
per_call = 2
prices = [{{ rate = "0.05" }}]
inputs.prompt = {{ type = "text", required = true }}
"""


class Delivers:
    """A provider that answers at once with the files that the prompt names."""

    name, recovery = "scripted", Recovery.FINDABLE

    def lacks(self, route: str) -> str:
        return ""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        names = str(task.inputs["prompt"]).split(" and ")
        return Delivery(tuple(Media(FILES[name], "image/png") for name in names), BILL)

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        raise NotImplementedError

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        return ()

    async def cancel(self, task: Task, job: Job | None) -> bool:
        return False

    async def check(self) -> str:
        return "all is well"

    async def close(self) -> None: ...


@pytest.mark.parametrize("outputs", SOLD)
async def test_a_delivery_is_charged_only_as_what_was_sold(tmp_path: Path, outputs: str) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(ENTRY.format(outputs=outputs))
    url, providers = f"sqlite:///{tmp_path}/ledger.db", {"scripted": Delivers()}
    async with studio_on(url, tmp_path, providers=providers, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        for name in FILES:
            request = Request("text-to-video", "acme", {"prompt": name}, model="painter")
            if name in SOLD[outputs]:
                assert (await studio.operations.run(request)).price.micros == PRICE
                continue
            with pytest.raises(OperationFailed, match=f"instead of {outputs}") as failed:
                await studio.operations.run(request)
            *_, released = timeline(studio, failed.value.operation)
            assert isinstance(released, Released)
            assert (released.reason, released.cost) == ("wrong_output", BILL)
        assert count(facts_of(studio), Charged) == len(SOLD[outputs])
        assert (await studio.accounts.show("acme")).held["spend"] == 0
        assert await is_sound(studio)


async def test_what_was_not_sold_is_lost_beside_what_was(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text(ENTRY.format(outputs="video/mp4"))
    url, providers = f"sqlite:///{tmp_path}/ledger.db", {"scripted": Delivers()}
    async with studio_on(url, tmp_path, providers=providers, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await studio.operations.run(
            Request("text-to-video", "acme", {"prompt": "PNG and MP4"}, model="painter", n=2)
        )
        assert [output.media_type for output in result.assets] == ["video/mp4"]
        assert (result.price.micros, dict(result.losses)) == (PRICE, {"wrong_output": 1})
