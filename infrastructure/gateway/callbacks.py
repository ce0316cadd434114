"""`/v1/callbacks/{provider}`: providers say that a job has ended; whoever cannot prove to be one is not heard.

The address that a provider is given is `https://HOST/v1/callbacks/PROVIDER`, to which it adds the operation and a code.
"""

from __future__ import annotations

from fastapi import APIRouter, Request

from application.providing.callbacks import Callbacks
from infrastructure.gateway.gate import Gate, gate_of

router = APIRouter(prefix="/v1/callbacks", tags=["Providers"])


@router.post("/{provider}/{operation}/{mac}")
async def called_back(request: Request, provider: str, operation: str, mac: str) -> dict[str, bool]:
    """Settle what a provider's job came to; `news` is false for what was known."""
    gate = gate_of(request)
    found = _callbacks_of(gate, provider)
    return {"news": await found.take(operation, mac, dict(request.headers), await request.body())}


def _callbacks_of(gate: Gate, provider: str) -> Callbacks:
    """The same one for each callback of a provider, as it remembers those that it dealt with."""
    if provider not in gate.callbacks:
        gate.callbacks[provider] = gate.studio.providers.callbacks(provider)
    return gate.callbacks[provider]
