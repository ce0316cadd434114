"""Image Studio: everything that an application needs of it has a name here.

    async with open_studio() as studio:
        result = await studio.operations.run(Request("text-to-image", "acme", {"prompt": "a lake at dawn"}))

Opening: `open_studio`, or `open_blocking` for code without an event loop, on `Settings`; they give a `Studio` and a
`BlockingStudio`. A studio performs what is queued while it is `working`. A service that runs elsewhere has an
`AsyncClient` and a `Client` with the same methods. Asking: a `Request`, its `Estimate` and its `Result`, with amounts
of `Money`. Who asks or decides is an `Actor`, which `actor` reads from a text such as "operator:ann". An API key has
`KeyTerms`, with one `KeyScope` or several. A `SumQuestion` asks for usage and money in groups, and a `QuarterFilter`
says of what.

Errors: `ImageStudioError` is the base of all. Its code names one, its `Kind` says what to answer, as by an HTTP status,
and its hint what to do. After `InvalidRequest` and `Overloaded` nothing was recorded; `OperationRefused`,
`OperationFailed` and `OperationPending` are recorded, and name their operation. After `StoreUnavailable` the request
may be sent again under its key.

Plug-ins find their names in `imagestudio.plugin`. All other modules may change from one version to the next.

Each name is loaded when it is first used, and what carries out a request when a studio is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from application.asking.requests import Estimate, Request, Result
    from domain.actor import Actor, actor
    from domain.errors import (
        ImageStudioError,
        InvalidRequest,
        OperationFailed,
        OperationPending,
        OperationRefused,
        Overloaded,
        StoreUnavailable,
    )
    from domain.keys import KeyScope, KeyTerms
    from domain.meaning import Kind
    from domain.money import Money
    from imagestudio.opening import open_blocking, open_studio, working
    from infrastructure.blocking import BlockingStudio
    from infrastructure.client.opening import AsyncClient, Client
    from infrastructure.service import Studio
    from infrastructure.settings import Settings
    from projections.summing import SumQuestion
    from projections.views.quarters import QuarterFilter

__all__ = [
    "Actor",
    "AsyncClient",
    "BlockingStudio",
    "Client",
    "Estimate",
    "ImageStudioError",
    "InvalidRequest",
    "KeyScope",
    "KeyTerms",
    "Kind",
    "Money",
    "OperationFailed",
    "OperationPending",
    "OperationRefused",
    "Overloaded",
    "QuarterFilter",
    "Request",
    "Result",
    "Settings",
    "StoreUnavailable",
    "Studio",
    "SumQuestion",
    "actor",
    "open_blocking",
    "open_studio",
    "working",
]


if not TYPE_CHECKING:  # for a type checker it would mean that there is every name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found = getattr(_module_of(name), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _module_of(name: str) -> object:
    """The module that has it, imported by a statement, as a wheel's build rewrites statements and no strings."""
    match name:
        case "open_studio" | "open_blocking" | "working":
            from imagestudio import opening

            return opening
        case "Settings":
            from infrastructure import settings

            return settings
        case "Studio":
            from infrastructure import service

            return service
        case "BlockingStudio":
            from infrastructure import blocking

            return blocking
        case "Client" | "AsyncClient":
            from infrastructure.client import opening as client

            return client
        case _:
            return _module_of_value(name)


def _module_of_value(name: str) -> object:
    """The module of what is put to a studio, or comes of it."""
    match name:
        case "Request" | "Estimate" | "Result":
            from application.asking import requests

            return requests
        case "Actor" | "actor":
            from domain import actor

            return actor
        case "KeyScope" | "KeyTerms":
            from domain import keys

            return keys
        case "Kind":
            from domain import meaning

            return meaning
        case "Money":
            from domain import money

            return money
        case "SumQuestion":
            from projections import summing

            return summing
        case "QuarterFilter":
            from projections.views import quarters

            return quarters
        case _:
            from domain import errors

            return errors
