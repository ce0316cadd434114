"""API keys as JSON and in words: never a secret, but where one was just issued, and never what is kept of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.counts import counted
from infrastructure.showing.formats import iso, limit_of, measured, money

if TYPE_CHECKING:
    from application.keeping.keys import KeyView, NewKey


def key_document(key: KeyView) -> dict[str, object]:
    """A key: its terms, its limits, and what of them is used, held and left in the current period."""
    terms, currency = key.terms, key.currency
    return {
        "id": key.id,
        "account": key.account,
        "name": key.name,
        "currency": currency,
        "standing": key.standing,
        "scopes": [str(scope) for scope in terms.scopes],
        "user": terms.user,
        "project": terms.project,
        "forwards": terms.forwards,
        "issued_at": _instant(key.issued),
        "expires": _instant(terms.expires),
        "revoked_at": _instant(key.revoked),
        "approve_above": None if terms.approve_above is None else money(terms.approve_above, currency),
        "approve_in_client": terms.approve_in_client,
        "per_minute": terms.per_minute,
        "limits": measured(key.limits, currency),
        "used": measured(key.used, currency),
        "held": measured(key.held, currency),
        "left": measured(key.left, currency),
    }


def new_key_document(new: NewKey) -> dict[str, object]:
    """A key that was just issued, with its secret."""
    return {**key_document(new.key), "secret": new.secret}


def key_bounds(key: KeyView, zone: str) -> str:
    """The bounds of a key, besides its scopes, in words."""
    terms = key.terms
    bounds = [
        f"as user {terms.user}" if terms.user else "",
        f"for project {terms.project}" if terms.project else "",
        "names users" if terms.forwards else "",
        *(f"{name} of {limit_of(name, amount, key.currency)} a period" for name, amount in key.limits.items()),
        f"until {iso(terms.expires, zone)}" if terms.expires is not None else "",
        f"approval above {limit_of('spend', terms.approve_above, key.currency)}"
        if terms.approve_above is not None
        else "",
        "approval in its client, too" if terms.approve_in_client else "",
        f"{counted(terms.per_minute, 'request')} a minute" if terms.per_minute is not None else "",
    ]
    return ", ".join(bound for bound in bounds if bound)


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at, precision="auto")
