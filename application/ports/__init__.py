"""The use cases' needs of the world, as small protocols, by whoever provides them.

`work` is put to a provider: a `Task`, with inputs that are each a `Scalar` or `Value`, and `Progress`, or `silent`;
if that is `Glimpsing`, it is `glimpsed` pictures on their way. The
answer is a `Delivery` of `Media` or `Remote` files, or a `Job`; `Recovery` says what may be done about a lost one.
It may be a `ProviderError`: `ProviderRefused`, `TaskFailed`, `ProviderUnknown` or `OutputWithheld`.

`providers` are each a `Provider`; what else one can do is `Quoting`, `Billing` by a `Bill` each,
`Wakeable` or `Previewing`.

`files`: an `AssetStore` keeps each `Asset`, a `MediaReader` reads what bytes are; a sweep finds what is `Unneeded`, and
what was `Swept`. `downloads`: `Downloads` fetch what is elsewhere, and raise `DownloadFailed`, `DownloadGone`,
`DownloadRefused` or `DownloadKeptOut`.

`tables`: the `Index` with what is `Indexed`, the `Contents` with each `Content`, the `Leases` with each `Lease`,
and the `Queue` of what nobody works on yet.
"""

from __future__ import annotations

from application.ports.downloads import DownloadFailed, DownloadGone, DownloadKeptOut, DownloadRefused, Downloads
from application.ports.files import Asset, AssetStore, Media, MediaReader, Swept, Unneeded
from application.ports.providers import Bill, Billing, Previewing, Provider, Quoting, Wakeable
from application.ports.tables import Content, Contents, Index, Indexed, Lease, Leases, Queue
from application.ports.work import (
    Delivery,
    Glimpsing,
    Job,
    OutputWithheld,
    Progress,
    ProviderError,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    Remote,
    Scalar,
    Task,
    TaskFailed,
    Value,
    glimpsed,
    silent,
)

__all__ = [
    "Asset",
    "AssetStore",
    "Bill",
    "Billing",
    "Content",
    "Contents",
    "Delivery",
    "DownloadFailed",
    "DownloadGone",
    "DownloadKeptOut",
    "DownloadRefused",
    "Downloads",
    "Glimpsing",
    "Index",
    "Indexed",
    "Job",
    "Lease",
    "Leases",
    "Media",
    "MediaReader",
    "OutputWithheld",
    "Previewing",
    "Progress",
    "Provider",
    "ProviderError",
    "ProviderRefused",
    "ProviderUnknown",
    "Queue",
    "Quoting",
    "Recovery",
    "Remote",
    "Scalar",
    "Swept",
    "Task",
    "TaskFailed",
    "Unneeded",
    "Value",
    "Wakeable",
    "glimpsed",
    "silent",
]
