"""Several machines share a ledger on PostgreSQL and a bucket, and nothing else."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.infrastructure.files.machines import ACCOUNT, DRAW, Machine, machines
from tests.objects import Server
from tests.wire.proxy import Fault, proxied


@pytest.fixture
def bucket(swift: Server) -> str:
    return swift.bucket()


@pytest.fixture
def pair(tmp_path: Path, postgres_url: str, swift: Server, bucket: str) -> tuple[Machine, Machine]:
    one, two = machines(tmp_path, postgres_url, swift, bucket, lease_seconds=1)
    one.call("account", "open", ACCOUNT, "--plan", "pro")
    return one, two


def pictures(server: Server, bucket: str) -> list[str]:
    return [name for name in server.names(bucket) if name.endswith(".png")]


def test_what_one_machine_made_another_delivers_and_goes_on_with(
    pair: tuple[Machine, Machine], swift: Server, bucket: str, tmp_path: Path
) -> None:
    one, two = pair
    drawn = one.call("generate", "a heron", "--key", "k1", *DRAW)
    [output] = drawn["operations"][0]["outputs"]
    assert output["path"] is None
    assert output["where"].startswith(f"s3://{bucket}/files/{ACCOUNT}-")
    again = two.call("generate", "a heron", "--key", "k1", *DRAW, "--out", tmp_path / "copies")
    assert again["repeated"]
    [copy] = [one["copy"] for one in again["operations"][0]["outputs"]]
    assert Path(copy).read_bytes() == swift.content(bucket, output["where"].removeprefix(f"s3://{bucket}/"))
    assert [file.name for file in (tmp_path / "copies").iterdir()] == [Path(copy).name]
    two.call("upscale", copy, "--allow", "stand-in")
    assert not list(tmp_path.glob("*/assets"))
    two.call("audit")
    assert one.call("sweep", "--dry-run")["files"] == []


def test_what_a_machine_that_died_was_about_to_keep_another_settles_once(
    pair: tuple[Machine, Machine], swift: Server, bucket: str, tmp_path: Path
) -> None:
    one, two = pair
    two.call("generate", "a heron", *DRAW, "--out", tmp_path / "copies")
    [picture] = (tmp_path / "copies").iterdir()
    with proxied("127.0.0.1", swift.port) as proxy:
        behind = replace(one, settings={**one.settings, "s3_endpoint": proxy.url, "s3_seconds": 60})
        proxy.next(Fault("delay", b".png", seconds=0))  # the input
        proxy.next(Fault("stall", b".png"))  # the output, which arrives; the answer never does
        with behind.start("upscale", picture, "--allow", "stand-in", "--json") as dying:
            while len(pictures(swift, bucket)) < 2:
                assert dying.poll() is None
            dying.send_signal(signal.SIGKILL)
    [open] = [row for row in two.call("operations")["operations"] if row["state"] == "dispatched"]
    while not (recovered := two.call("recover")["recovered"]):
        pass
    assert [(one["operation"], one["phase"]) for one in recovered] == [(open["id"], "charged")]
    two.call("audit")
    assert sorted(row["state"] for row in two.call("operations")["operations"]) == ["charged", "charged"]
    assert two.call("recover")["recovered"] == []
