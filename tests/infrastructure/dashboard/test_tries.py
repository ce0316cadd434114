"""Wrong keys are counted by the address that they come from; in a file of its own, so that no other is locked out."""

from __future__ import annotations

import httpx

from infrastructure.dashboard.entering import TRIES
from tests.infrastructure.dashboard.visitors import logged_in
from tests.infrastructure.gateway.gateways import Gateway


def test_one_address_may_only_try_so_often(gateway: Gateway) -> None:
    with httpx.Client(base_url=gateway.url, timeout=60, verify=False) as client:
        codes = [logged_in(client, "isk_wrong").status_code for _ in range(TRIES + 1)]
        assert codes[-1] == 429
        assert logged_in(client, gateway.secret).status_code == 429
