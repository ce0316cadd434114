"""Parameters of routes that say who may call them; whoever may not is told before the body is looked at.

async def show(request: Request, caller: Reader) -> Response: ...
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from domain.keys import KeyScope
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import gate_of


async def _reader(request: Request) -> KeyCaller:
    return await gate_of(request).door.enter(request, KeyScope.READ)


async def _operator(request: Request) -> KeyCaller:
    return await gate_of(request).door.enter(request, KeyScope.OPERATE)


async def _administrator(request: Request) -> KeyCaller:
    return await gate_of(request).door.enter(request, KeyScope.ADMIN)


async def _studio(request: Request) -> KeyCaller:
    caller = await gate_of(request).door.enter(request, KeyScope.ADMIN)
    caller.holder.require_studio()
    return caller


Reader: TypeAlias = Annotated[KeyCaller, Depends(_reader)]
"""Whoever may see what is the account's."""
Operator: TypeAlias = Annotated[KeyCaller, Depends(_operator)]
"""Whoever may ask for operations, and change what is the account's."""
Administrator: TypeAlias = Annotated[KeyCaller, Depends(_administrator)]
"""Whoever administers the account, or the studio."""
StudioAdministrator: TypeAlias = Annotated[KeyCaller, Depends(_studio)]
"""Whoever runs the studio."""
