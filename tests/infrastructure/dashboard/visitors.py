"""Somebody who is logged in, without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.infrastructure.gateway.gateways import Gateway

TOKEN = re.compile(r'name="token" value="([^"]+)"')


def token_in(page: str) -> str:
    """The token of the first form of a page."""
    found = TOKEN.search(page)
    assert found is not None, page
    return found[1]


@contextmanager
def visitor(gateway: Gateway, secret: str | None = None) -> Iterator[httpx.Client]:
    """A client with a session of a key, acme's unless another is given."""
    with httpx.Client(base_url=gateway.url, timeout=60, verify=False) as client:
        answer = logged_in(client, gateway.secret if secret is None else secret)
        assert answer.status_code == 303, answer.text
        yield client


def logged_in(client: httpx.Client, secret: str) -> httpx.Response:
    """The answer to the login's form."""
    form = client.get("/login")
    return client.post("/login", data={"token": token_in(form.text), "key": secret})


def post(client: httpx.Client, address: str, **fields: str) -> httpx.Response:
    """The answer to a form of a page."""
    return client.post(address, data={"token": token_in(client.get("/", follow_redirects=True).text), **fields})
