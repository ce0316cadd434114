"""Who may see a page and do what stands on it: one function, which menus, buttons, pages and forms ask."""

from __future__ import annotations

from domain.authority import KeyHolder
from domain.errors import Forbidden
from infrastructure.dashboard.page import Guarded, MeantFor


def require(holder: KeyHolder, what: Guarded) -> None:
    """Go on if the key is for it, as at the API. Raises Forbidden."""
    if what.meant in (MeantFor.STUDIO, MeantFor.FOR_ACCOUNT):
        holder.require_studio(what.scope)
    else:
        holder.require(what.scope)


def may(holder: KeyHolder, what: Guarded) -> bool:
    """The same as a question."""
    try:
        require(holder, what)
    except Forbidden:
        return False
    return True
