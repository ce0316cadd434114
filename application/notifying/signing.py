"""The secrets of webhooks, and messages signed by them: nothing of a secret is kept, as each can be made again.

a key of the studio's ── account, webhook, number ──> secret ── id, instant, body ──> signature
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from domain.errors import InvalidInput, StoreUnavailable
from domain.hooktext import secret_of, signatures
from domain.webhooks import SigningSecret, Webhook

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret of the studio's that webhooks' secrets follow from; `name` tells it from others."""

    name: str
    value: bytes = field(repr=False)


SigningKeys = Callable[[], Sequence[SigningKey]]
"""This process's keys, the newest first; blocking. Raises InvalidInput, StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes secrets and signatures; blocking, as the keys may be in a file."""

    keys: SigningKeys

    def newest(self, in_use: Collection[str] = ()) -> SigningKey:
        """The key for new secrets. Raises InvalidInput if this process has none of those in use."""
        own = self.keys()
        if in_use and not {*in_use} & {key.name for key in own}:
            told = f"no secret in use is under one that this process has, but under {', '.join(sorted(in_use))}"
            raise InvalidInput("webhook keys", told, hint="give it those of the others, or remove those webhooks first")
        return own[0]

    def secret(self, webhook: Webhook, one: SigningSecret) -> str:
        """A secret of the webhook, as it is shown once. Raises StoreUnavailable if its key is another process's."""
        for key in self.keys():
            if key.name == one.key:
                return secret_of(key.value, webhook.account, webhook.id, one.number)
        told = f"the secret of webhook {webhook.id} is under key {one.key}, which this process does not have"
        raise StoreUnavailable(told, hint="give it the webhook keys of the process that registered it")

    def headers(self, webhook: Webhook, id: str, now: int, body: bytes) -> dict[str, str]:
        """The headers of a message that is sent now, signed by all secrets that are valid."""
        seconds = now // SECOND
        secrets = [self.secret(webhook, one) for one in webhook.signing(now)]
        return {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signatures(secrets, id, seconds, body),
        }
