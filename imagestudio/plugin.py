"""The names that a distribution needs that brings a provider of its own: ports, and the tools that ours are made with.

A provider is a `Provider`, built by a factory from its `ProviderContext`, whose settings are of a model of its own: a
`ProviderSettings`, or an `ApiSettings` with a key and an `Address`. `revealed` is a secret among them. It gets a `Task`
and answers it with a `Delivery` of `Media` or `Remote` files, or with a `Job` that it collects later; inputs are each a
`Value`, `Progress` hears how far it is, and `Recovery` says what may be done about a lost answer. It raises a
`ProviderError`: `ProviderRefused`, `TaskFailed` or `ProviderUnknown`. Each further skill is a port of its own:
`Quoting`, `Billing` by a `Bill` each, `Wakeable`, `Previewing`, `Receiving`, which makes a `Notification` of a
`Callback`, and `ListsOffers` its `Offers`, each `Offered` with every `OfferedInput`.

An API over HTTP is an `Api`: it submits once, and polls at a `Pace`, each exchange within a `Patience`. Failures are
read from an `Answer` as an `ApiProblem`; `Unreadable` is an answer that nobody understands, `MODERATED` the code of
what is not allowed, `CHECKING` the seconds a check may take. `BlindAdapter` is the rest of an adapter whose API looks
nothing up, and `how_it_ended` tells what one of its jobs came to. `private_texts` are those of a task that no message
may hold. `micros` reads an amount, `data_uri` and `read_data_uri` a file as text, `encode_base64` and `decode_base64`
its bytes.

`read_media` tells what bytes are, or raises `InvalidInput`, and `image_media` makes a file of a picture.
"""

from __future__ import annotations

from application.ports import (
    Bill,
    Billing,
    Delivery,
    Job,
    Media,
    Previewing,
    Progress,
    Provider,
    ProviderError,
    ProviderRefused,
    ProviderUnknown,
    Quoting,
    Recovery,
    Remote,
    Task,
    TaskFailed,
    Value,
    Wakeable,
)
from application.providing.listings import ListsOffers, Offered, OfferedInput, Offers
from application.providing.receiving import Callback, Notification, Receiving
from domain.errors import InvalidInput
from infrastructure.media import image_media, read_media
from infrastructure.plugins import ApiSettings, ProviderContext, ProviderSettings
from infrastructure.settings import Address, revealed
from infrastructure.wire.answers import MODERATED, Answer, ApiProblem, Unreadable
from infrastructure.wire.api import CHECKING, Api, Pace, Patience
from infrastructure.wire.blind import BlindAdapter, how_it_ended
from infrastructure.wire.content import (
    data_uri,
    decode_base64,
    encode_base64,
    micros,
    private_texts,
    read_data_uri,
)

__all__ = [
    "CHECKING",
    "MODERATED",
    "Address",
    "Answer",
    "Api",
    "ApiProblem",
    "ApiSettings",
    "Bill",
    "Billing",
    "BlindAdapter",
    "Callback",
    "Delivery",
    "InvalidInput",
    "Job",
    "ListsOffers",
    "Media",
    "Notification",
    "Offered",
    "OfferedInput",
    "Offers",
    "Pace",
    "Patience",
    "Previewing",
    "Progress",
    "Provider",
    "ProviderContext",
    "ProviderError",
    "ProviderRefused",
    "ProviderSettings",
    "ProviderUnknown",
    "Quoting",
    "Receiving",
    "Recovery",
    "Remote",
    "Task",
    "TaskFailed",
    "Unreadable",
    "Value",
    "Wakeable",
    "data_uri",
    "decode_base64",
    "encode_base64",
    "how_it_ended",
    "image_media",
    "micros",
    "private_texts",
    "read_data_uri",
    "read_media",
    "revealed",
]
