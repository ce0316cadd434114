"""Files that are named by their address: it reaches the request as it was written, and is fetched by nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure.cli.options import Asking, file_of
from infrastructure.cli.session import CommandSession
from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call

ADDRESS = "https://example.com/a%20b//c/../x.png?key=a=b&c#d"
SECRET = "http://127.0.0.1:1/x.png?signature=s3cret"


@pytest.mark.parametrize("text", [ADDRESS, "http://h", "HTTPS://H/x"])
def test_an_address_stays_as_it_was_written(text: str) -> None:
    assert file_of(text) == text


@pytest.mark.parametrize("text", ["x.png", "./http/x.png", "https:/x.png", "ftp://h/x.png", "C:\\x.png"])
def test_anything_else_is_a_path(text: str) -> None:
    assert file_of(text) == Path(text)


def test_addresses_and_paths_reach_the_request_side_by_side() -> None:
    asking = Asking(account=ACCOUNT, file=[f"image={ADDRESS}", "mask=mask.png", "image=second.png"])
    request = asking.request("image-edit", CommandSession(), {"prompt": "sepia"}, ADDRESS)
    assert request.media == {"image": [ADDRESS, ADDRESS, Path("second.png")], "mask": [Path("mask.png")]}


@pytest.mark.parametrize(
    "command",
    [
        ("edit", SECRET, "sepia"),
        ("upscale", SECRET),
        ("run", "image-edit", "-i", "prompt=sepia", "-f", f"image={SECRET}"),
        ("estimate", "upscale", "-f", f"image={SECRET}"),
    ],
)
def test_an_address_that_is_not_fetched_is_one_error_without_its_secret(
    workspace: Workspace, command: tuple[str, ...]
) -> None:
    end = call("seal").out
    done = call(*command)
    first, hint = done.err.splitlines()
    assert (done.code, done.out) == (2, "")
    assert first.startswith("error: image: cannot be fetched")
    assert hint == " hint: send the file itself"
    assert "s3cret" not in done.err
    assert call("seal").out == end
