"""Accounts at a service: the methods of `application.keeping.accounts.Accounts`, over HTTP.

An account's own administrator sees it, and changes its time zone and what it consents to; all else takes a key of the
studio's own. The log names the key for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from application.keeping.accountviews import AccountView, LimitsView, WalletView
from domain.inputs import plain
from domain.money import Money, check_money
from domain.wallet import Source
from domain.windows import Window
from infrastructure.client.records import account_from, limits_from, wallet_from
from infrastructure.client.sending import sent_as_json
from infrastructure.client.wire import Call, Wire
from infrastructure.showing.formats import document, iso

PATH: Final = "/v1/accounts"


@dataclass(frozen=True, slots=True)
class RemoteAccounts:
    """The use cases of those who run accounts. A `reason` is kept with each fact."""

    wire: Wire

    async def open(
        self,
        account: str,
        *,
        plan: str = "free",
        currency: str = "USD",
        zone: str = "UTC",
        cycle: str = "calendar",
        prepaid: bool = False,
        reason: str = "",
    ) -> AccountView:
        """Open it, once; again as it was opened, or as it is by now, changes nothing. Raises AccountExists."""
        terms = {"plan": plan, "currency": currency, "zone": zone, "cycle": cycle, "prepaid": prepaid}
        return await self._post(PATH, {"id": account, **terms, "reason": reason})

    async def show(self, account: str) -> AccountView:
        """The account now. Raises UnknownAccount."""
        return account_from(await self.wire.document(Call(method="GET", path=_path(account))))

    async def limits(self, account: str) -> LimitsView:
        """All limits that hold now, with what is used, held and left of each. Raises UnknownAccount."""
        return limits_from(await self.wire.document(Call(method="GET", path="/v1/limits", account=account)))

    async def wallet(self, account: str) -> WalletView:
        """Its balance and every grant, as they can be spent now. Raises UnknownAccount."""
        return wallet_from(await self.wire.document(Call(method="GET", path=_path(account, "wallet"))))

    async def change_plan(self, account: str, plan: str, *, at: str = "now", reason: str = "") -> AccountView:
        """Another plan, "now" or at "period-end"."""
        return await self._post(_path(account, "plan"), {"plan": plan, "at": at, "reason": reason})

    async def change_limit(
        self,
        account: str,
        measure: str,
        limit: int | None,
        *,
        scope: str = "account",
        window: str = Window.PERIOD,
        reason: str = "",
    ) -> AccountView:
        """One limit of the account, "user:ID", "project:ID" or "key:ID": outputs, or micro-units of "spend"."""
        told = {"measure": measure, "limit": limit, "scope": scope, "window": window, "reason": reason}
        return await self._post(_path(account, "limits"), told)

    async def inherit_limit(
        self, account: str, measure: str, *, scope: str = "account", window: str = Window.PERIOD, reason: str = ""
    ) -> AccountView:
        """Undo a change of limit."""
        told = {"measure": measure, "scope": scope, "window": window, "reason": reason}
        return await self._post(_path(account, "limits", "inherit"), told)

    async def change_time_zone(self, account: str, zone: str, *, reason: str = "") -> AccountView:
        """Other midnights, from the next period on."""
        return await self._post(_path(account, "zone"), {"zone": zone, "reason": reason})

    async def end_period(self, account: str, reason: str) -> AccountView:
        """Bring back an account that a wrong clock moved into a period that has not begun; otherwise change nothing."""
        return await self._post(_path(account, "end-period"), {"reason": reason})

    async def suspend(self, account: str, reason: str) -> AccountView:
        """Admit nothing new until it is resumed; what is open goes on and is settled."""
        return await self._post(_path(account, "suspend"), {"reason": reason})

    async def resume(self, account: str, reason: str) -> AccountView:
        """Admit requests again."""
        return await self._post(_path(account, "resume"), {"reason": reason})

    async def close(self, account: str, reason: str) -> AccountView:
        """Admit nothing new for ever; what is open is settled, and corrections are still booked."""
        return await self._post(_path(account, "close"), {"reason": reason})

    async def allow(self, account: str, model_class: str, *, reason: str = "") -> AccountView:
        """Let models of a class, such as "stand-in", be chosen for the account without being named."""
        return await self._post(_path(account, "allow"), {"class": model_class, "reason": reason})

    async def forbid(self, account: str, model_class: str, *, reason: str = "") -> AccountView:
        """Undo `allow`."""
        return await self._post(_path(account, "forbid"), {"class": model_class, "reason": reason})

    async def on_limit(self, account: str, model: str = "", *, reason: str = "") -> AccountView:
        """Let a cheaper model do what would pass a limit of money; none: refuse it. Raises UnknownModel."""
        return await self._post(_path(account, "on-limit"), {"model": model, "reason": reason})

    async def agree_tariff(self, account: str, tariff: str = "", *, reason: str = "") -> AccountView:
        """Sell by a tariff of its own from now on; none: by its plan's. Raises InvalidInput if there is none of it."""
        return await self._post(_path(account, "tariff"), {"tariff": tariff, "reason": reason})

    async def agree_discount(
        self, account: str, percent: Decimal, *, start: int | None = None, end: int | None = None, reason: str = ""
    ) -> AccountView:
        """So many percent off for the account, from an instant until another; 0 ends it. Raises InvalidInput."""
        told = {"percent": plain(percent), "from": _instant(start), "until": _instant(end), "reason": reason}
        return await self._post(_path(account, "discount"), told)

    async def add_credit(self, account: str, amount: Money, key: str, *, reason: str = "") -> AccountView:
        """Pay into a prepaid account, once a key. Raises InvalidMoney if it is not an amount."""
        check_money(amount)
        told = {"amount": document(amount)["amount"], "currency": amount.currency, "key": key, "reason": reason}
        return await self._post(_path(account, "credit"), told)

    async def grant(
        self,
        account: str,
        amount: Money,
        reference: str,
        *,
        source: str = Source.PROMOTIONAL,
        priority: int = 0,
        expires: int | None = None,
        kinds: tuple[str, ...] = (),
        reason: str = "",
    ) -> WalletView:
        """Grant credit once a reference, which is spent before its own money. Raises InvalidInput, KeyReused."""
        check_money(amount)
        told = {"amount": document(amount)["amount"], "currency": amount.currency, "reference": reference}
        terms = {"source": str(source), "priority": priority, "until": _instant(expires), "kinds": list(kinds)}
        body = sent_as_json({**told, **terms, "reason": reason})
        return wallet_from(await self.wire.document(Call(method="POST", path=_path(account, "grants"), body=body)))

    async def revoke_grant(self, account: str, reference: str, reason: str) -> WalletView:
        """Take back what is left of a promotional grant; what is held of it can still be spent. Raises InvalidInput."""
        body = sent_as_json({"grant": reference, "reason": reason})
        call = Call(method="POST", path=_path(account, "revocations"), body=body)
        return wallet_from(await self.wire.document(call))

    async def charge_back(
        self, account: str, payment: str, amount: Money, reason: str, *, of_grant: bool = False, suspend: bool = False
    ) -> AccountView:
        """Take a payment back, or a part of it, once, by its key, or that `of_grant` by its reference.

        Raises InvalidInput, KeyReused.
        """
        check_money(amount)
        told = {"payment": payment, "amount": document(amount)["amount"], "currency": amount.currency}
        told |= {"of_grant": of_grant, "suspend": suspend, "reason": reason}
        return await self._post(_path(account, "chargebacks"), told)

    async def _post(self, path: str, fields: Mapping[str, Any]) -> AccountView:
        return account_from(await self.wire.document(Call(method="POST", path=path, body=sent_as_json(fields))))


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at)


def _path(account: str, *steps: str) -> str:
    return "/".join((PATH, quote(account, safe=""), *steps))
