"""Two pages never disagree: whatever is written meanwhile, pages of one position of the log say the same of it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from tests.infrastructure.dashboard.visitors import visitor
from tests.infrastructure.gateway.gateways import ADMIN, Gateway

WRITTEN = 24
READINGS = 40


def sums(page: str, document: dict[str, Any]) -> dict[str, int]:
    """The sums that a page tells, by a name that all pages share."""
    if page == "/overview.json":
        used = document["account"]["used"]["spend"]["micros"]
        days = sum(one["micros"] for one in document["days"])
        return {"spent": used, "spent by day": days, "operations": document["period"]["operations"]}
    if page == "/usage.json":
        rows = document["usage"]
        spent = sum(row["price"]["micros"] for row in rows)
        return {"spent": spent, "operations": sum(row["operations"] for row in rows)}
    if page == "/limits.json":
        spend = next(one for one in document["limits"] if one["measure"] == "spend")
        return {"spent": spend["used"]["micros"], "held": spend["held"]["micros"]}
    receivable = [one for one in document["balances"] if one["ledger_account"] == "receivable"]
    return {"spent": sum(one["debit"]["micros"] - one["credit"]["micros"] for one in receivable)}


PAGES = ("/overview.json", "/usage.json", "/limits.json", "/books.json")


async def _write(gateway: Gateway) -> None:
    for place in range(WRITTEN):
        made = await gateway.studio.operations.generate(f"wish {place}", account="acme", model="scripted-image")
        if place % 5 == 0:
            await gateway.studio.upkeep.refund(
                made.operation, account="acme", reason="a smudge", reference=f"smudge-{place}"
            )


def test_pages_of_one_position_agree_while_others_write(gateway: Gateway) -> None:
    told: dict[int, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    gateway.run(gateway.studio.operations.generate("a lake", account="acme", model="scripted-image"))
    with visitor(gateway, gateway.issue("acme", ADMIN)) as client:
        future = asyncio.run_coroutine_threadsafe(_write(gateway), gateway.loop)
        read = 0
        while read < READINGS or not future.done():
            document = client.get(PAGES[read % len(PAGES)]).json()
            if "until" not in document:
                for name, amount in sums(PAGES[read % len(PAGES)], document).items():
                    told[document["position"]][name.split(" by ")[0]].add(amount)
            read += 1
        future.result()
        unlike = {
            name: told_by for name, told_by in told.items() if any(len(several) > 1 for several in told_by.values())
        }
        assert not unlike
        assert len(told) > 1, "nothing was written meanwhile"
