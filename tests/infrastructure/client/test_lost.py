"""What is lost on the way: a request is paid once, a file comes whole, and what never answers is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from imagestudio import Client, InvalidRequest, Request, StoreUnavailable
from infrastructure.client.faults import Unreachable
from tests.infrastructure.client.both import ACCOUNT
from tests.infrastructure.gateway.gateways import Gateway
from tests.wire.proxy import Fault, Proxy, proxied

DRAW = Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, model="scripted-image")


@pytest.fixture
def proxy(gateway: Gateway) -> Iterator[Proxy]:
    address = urlsplit(gateway.url)
    assert address.hostname is not None
    assert address.port is not None
    with proxied(address.hostname, address.port) as running:
        yield running


def charged(gateway: Gateway) -> int:
    """How many operations of the account were charged for."""
    used = gateway.run(gateway.studio.accounts.show(ACCOUNT)).used
    return int(used["images"])


@pytest.mark.parametrize("kind", ["before", "after", "truncate"])
def test_a_request_whose_answer_is_lost_is_paid_once(gateway: Gateway, proxy: Proxy, kind: str) -> None:
    before = charged(gateway)
    proxy.next(Fault(kind, b"POST /v1/operations"), times=2)  # type: ignore[arg-type]
    with Client(proxy.url, key=gateway.secret) as studio:
        result = studio.operations.run(DRAW)
    assert proxy.waiting == 0
    assert (result.status, result.repeated) == ("charged", False)
    assert charged(gateway) == before + 1


def test_a_file_goes_on_where_it_was_lost(gateway: Gateway, proxy: Proxy) -> None:
    with Client(proxy.url, key=gateway.secret) as studio:
        (output,) = studio.operations.run(DRAW).assets
        kept = gateway.run(gateway.studio.library.content(ACCOUNT, output.asset.id)).content
        proxy.next(Fault("truncate", b"/content", passed=900))
        assert output.content == kept
        assert proxy.waiting == 0


def test_a_file_of_many_pieces_is_sent_and_fetched_as_it_comes(gateway: Gateway, tmp_path: Path) -> None:
    from PIL import Image

    picture, copy = tmp_path / "noise.png", tmp_path / "copy.png"
    Image.effect_noise((2_000, 1_500), 90).save(picture)
    assert picture.stat().st_size > 2_000_000
    with Client(gateway.url, key=gateway.secret) as studio:
        made = studio.operations.upscale(picture, account=ACCOUNT, allow="stand-in", model="local-upscale")
        made.assets[0].save_to(copy)
        assert len(list(made.assets[0].stream())) > 10
    assert copy.stat().st_size == made.assets[0].asset.size
    with Image.open(copy) as drawn:
        assert drawn.size == (4_000, 3_000)


def test_what_never_answers_is_told_with_what_to_do(unused: int) -> None:
    with (
        Client(f"http://127.0.0.1:{unused}", key="isk_x") as studio,
        pytest.raises(Unreachable, match="does not answer") as told,
    ):
        studio.operations.run(DRAW)
    assert isinstance(told.value, StoreUnavailable)
    assert "never pays twice" in told.value.hint


@pytest.fixture
def unused() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_address_below_the_service_is_told_as_one_where_nothing_is(gateway: Gateway) -> None:
    with Client(f"{gateway.url}/v1", key=gateway.secret) as studio, pytest.raises(InvalidRequest) as told:
        studio.operations.run(DRAW)
    assert told.value.code == "no_such_route"


@pytest.mark.parametrize("url", ["", "127.0.0.1:8700", "ftp://127.0.0.1", "http://"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidRequest, match="url"):
        Client(url, key="isk_x")


@pytest.mark.parametrize("key", ["", "isk_ä", "isk x", "isk_\n"])
def test_what_is_no_key_is_refused_at_once_and_not_repeated(key: str) -> None:
    with pytest.raises(InvalidRequest, match="is no API key") as told:
        Client("http://127.0.0.1:8700", key=key)
    assert "ä" not in str(told.value)


def test_another_account_than_the_keys_is_unknown(gateway: Gateway) -> None:
    with Client(gateway.url, key=gateway.secret) as studio, pytest.raises(InvalidRequest) as told:
        studio.operations.generate("a lake", account="nobody")
    assert told.value.code == "unknown_account"


def test_an_account_may_be_left_out(gateway: Gateway) -> None:
    with Client(gateway.url, key=gateway.secret) as studio:
        result = studio.operations.generate("a lake", model="scripted-image")
    assert [one.account for one in result.operations] == [ACCOUNT]


def test_who_administers_sees_what_it_cost(gateway: Gateway) -> None:
    with Client(gateway.url, key=gateway.administrator(), account=ACCOUNT) as studio:
        with Client(gateway.url, key=gateway.secret) as customer:
            made = customer.operations.run(DRAW)
        seen = studio.operations.look(made.operation)
    assert made.cost is None
    assert seen.cost is not None
    assert seen.cost_source is not None
