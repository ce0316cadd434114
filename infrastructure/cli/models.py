"""The catalogue: which models there are, what they accept and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from application.providing.standing import ModelStatus, status_of
from domain.errors import InvalidInput, InvalidMoney, UnknownModel
from infrastructure.cli.commands import Report, command
from infrastructure.cli.providers import off_here
from infrastructure.cli.session import CommandSession
from infrastructure.showing.documents import model_document

if TYPE_CHECKING:
    from decimal import Decimal

    from domain.catalogue import Catalogue, Model

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which models are asked for."""

    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only those that do this.")] = None
    provider: Annotated[str | None, Option("--provider", metavar="ID", help="Only of this provider.")] = None
    price: Annotated[
        str | None,
        Option("--price", metavar="MAX", help="Only those that cost at most so much a unit in their cheapest case."),
    ] = None
    status: Annotated[ModelStatus | None, Option("--status", help="Only those that stand so.")] = None

    def most(self) -> Decimal | None:
        """The highest price a unit. Raises InvalidInput."""
        from domain.money import parse_rate

        try:
            return None if self.price is None else parse_rate(self.price)
        except InvalidMoney as error:
            raise InvalidInput("--price", error.message, hint="such as --price 0.05") from error


@command(app)
async def models(
    wanted: Wanted,
    session: CommandSession,
    which: Annotated[
        str | None, Argument(metavar="[KIND|ID]", help="Models of a kind, or everything about one model.")
    ] = None,
) -> Report:
    """List models and prices, or show all about one.

    Of one model: its inputs with their limits, and its price rules.
    """
    from infrastructure.catalogue import load_catalogue
    from infrastructure.cli import modelpages as pages
    from infrastructure.clock import now

    catalogue, price_book = load_catalogue(session.settings().catalogues)
    at, off = now(), off_here(session, {model.provider for model in catalogue})
    if which is not None and which in catalogue:
        from application.providing.lacking import missing_here

        model = catalogue.get(which)
        async with session.providers() as providers:
            lacks = missing_here(model, providers, off)
        return Report(
            {"currency": price_book.currency, **model_document(model, at, off), "lacks": lacks},
            lambda page: pages.show_one(page, model, price_book.currency, at, lacks),
        )
    kinds = _kinds(catalogue, which, wanted.kind)
    found = [model for model in _of_provider(catalogue, wanted.provider) if _is_wanted(model, kinds, wanted, at)]
    return Report(
        {
            "currency": price_book.currency,
            "price_book": price_book.version,
            "models": [model_document(model, at, off) for model in found],
        },
        lambda page: pages.show_all(page, found, kinds, price_book.currency, at, off),
    )


def _kinds(catalogue: Catalogue, which: str | None, kind: str | None) -> frozenset[str]:
    """The kinds that are asked for; all of them where none is named. Raises UnknownModel, UnknownKind."""
    from domain.catalogue import KINDS
    from domain.meant import meant

    if which is not None and which not in KINDS:
        hint = catalogue.or_more(meant(which, [*catalogue.models, *KINDS]))
        raise UnknownModel(f"there is no model and no kind {which!r}", hint=hint)
    if kind is not None:
        catalogue.family(kind)
    named = {name for name in (which, kind) if name is not None}
    if len(named) > 1:
        raise InvalidInput("--kind", f"{kind!r} beside {which!r}", hint="name one kind")
    return frozenset(named or KINDS)


def _of_provider(catalogue: Catalogue, provider: str | None) -> list[Model]:
    """By id. Raises UnknownModel where no model is of the provider."""
    providers = sorted({model.provider for model in catalogue})
    if provider is not None and provider not in providers:
        hint = catalogue.or_more(f"there are: {', '.join(providers)}")
        raise UnknownModel(f"no model is of provider {provider!r}", hint=hint)
    return sorted((model for model in catalogue if provider in (None, model.provider)), key=lambda model: model.id)


def _is_wanted(model: Model, kinds: frozenset[str], wanted: Wanted, at: int) -> bool:
    most = wanted.most()
    cheap = most is None or any(rule.rate is not None and rule.rate <= most for rule in model.prices)
    return cheap and not kinds.isdisjoint(model.kinds) and wanted.status in (None, status_of(model, at))
