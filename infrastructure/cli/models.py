"""The catalogue: which models there are, what they accept and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import UnknownModel
from infrastructure.cli.commands import Answer, command
from infrastructure.cli.formats import document, iso
from infrastructure.cli.session import Session

if TYPE_CHECKING:
    from domain.catalogue import Catalogue, Model
    from domain.inputs import Input
    from domain.pricing import PriceRule
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app)
async def models(
    session: Session,
    which: Annotated[
        str | None, Argument(metavar="[KIND|ID]", help="Models of a kind, or everything about one model.")
    ] = None,
    provider: Annotated[str | None, Option("--provider", metavar="ID", help="Only of this provider.")] = None,
) -> Answer:
    """List models and prices, or show all about one.

    Of one model: its inputs with their limits, and its price rules.
    """
    from infrastructure.catalogue import load_catalogue

    catalogue, book = load_catalogue(session.settings().catalogues)
    if which is not None and which in catalogue:
        return _one(catalogue.get(which), book.currency)
    found = _found(catalogue, which, provider)
    return Answer(
        {"currency": book.currency, "book": book.version, "models": [_document(model) for model in found]},
        lambda page: _show_all(page, found, book.currency),
    )


def _found(catalogue: Catalogue, which: str | None, provider: str | None) -> list[Model]:
    from domain.catalogue import KINDS

    if which is not None and which not in KINDS:
        try:
            catalogue.get(which)
        except UnknownModel as error:
            hint = f"{error.hint}; kinds: {', '.join(sorted({kind for model in catalogue for kind in model.kinds}))}"
            raise UnknownModel(f"there is no model and no kind {which!r}", hint=hint) from error
    models = catalogue.for_kind(which) if which is not None else sorted(catalogue, key=lambda model: model.id)
    found = [model for model in models if provider in (None, model.provider)]
    providers = sorted({model.provider for model in catalogue})
    if provider is not None and provider not in providers:
        raise UnknownModel(f"no model is of provider {provider!r}", hint=f"there are: {', '.join(providers)}")
    return found


def _one(model: Model, currency: str) -> Answer:
    return Answer({"currency": currency, **_document(model)}, lambda page: _show_one(page, model, currency))


def _document(model: Model) -> dict[str, object]:
    written: dict[str, object] = document(model)
    written["retired"] = iso(model.retired) if model.retired is not None else None
    written["prices"] = [{**document(rule), "effective_from": _since(rule)} for rule in model.prices]
    return written


def _show_all(page: Page, models: Sequence[Model], currency: str) -> None:
    from infrastructure.cli.rendering import Column

    page.title(f"{len(models)} models")
    if not models:
        return
    page.table(
        Column("MODEL", [model.id for model in models]),
        Column("PROVIDER", [model.provider for model in models], drop=1),
        Column("KIND", [", ".join(model.kinds) for model in models], drop=3),
        Column("PRICE", [price_text(model, currency) for model in models]),
        Column("", [model.unavailable or model.description for model in models], wrap=48, drop=2),
    )


def price_text(model: Model, currency: str) -> str:
    """The least and most a unit costs, by today's rules of the catalogue."""
    from domain.inputs import plain

    rates = sorted({rule.rate for rule in model.prices})
    if not rates:
        return "unknown"
    span = plain(rates[0]) if len(rates) == 1 else f"{plain(rates[0])}-{plain(rates[-1])}"
    return f"{span} {currency}/{model.prices[0].unit}"


def _show_one(page: Page, model: Model, currency: str) -> None:
    page.title(model.id)
    page.pairs(
        [
            ("does", ", ".join(model.kinds)),
            ("provider", f"{model.provider}, route {model.route}"),
            ("delivers", f"{', '.join(model.outputs)}, up to {model.per_call} a call"),
            ("about", model.description or "-"),
            ("chosen", "also by itself" if model.auto else "only by name"),
            *([("cannot be used", model.unavailable)] if model.unavailable else []),
        ]
    )
    page.line()
    _show_inputs(page, list(model.inputs.values()))
    page.line()
    _show_prices(page, model, currency)


def _show_inputs(page: Page, inputs: Sequence[Input]) -> None:
    from infrastructure.cli.rendering import Column

    page.table(
        Column("INPUT", [one.name for one in inputs]),
        Column("TYPE", [str(one.type) for one in inputs]),
        Column("DEFAULT", ["required" if one.required else _default(one) for one in inputs]),
        Column("LIMITS", [limits_of(one) for one in inputs], wrap=30),
    )


def _default(one: Input) -> str:
    return "" if one.default is None else str(one.default)


def limits_of(one: Input) -> str:
    """Everything that limits one input, in words."""
    spans = [
        ("", one.minimum, one.maximum, ""),
        ("side", one.min_side, one.max_side, " px"),
        ("area", one.min_pixels, one.max_pixels, " px"),
        ("aspect", one.min_aspect, one.max_aspect, ""),
        ("duration", one.min_ms, one.max_ms, " ms"),
    ]
    words = [_between(*span) for span in spans]
    if one.choices:
        words.insert(0, f"one of {', '.join(map(str, one.choices))}")
    if one.is_file:
        words += [", ".join(one.media_types), f"at most {one.max_bytes:,} bytes"]
        words += [f"up to {one.many} files"] if one.many > 1 else []
    elif one.type == "text":
        words.append(f"at most {one.max_chars:,} characters")
    return "; ".join(word for word in words if word)


def _between(what: str, least: object, most: object, unit: str) -> str:
    if least is None and most is None:
        return ""
    lower, upper = (f"{end:,}" if isinstance(end, int) else str(end) for end in (least, most))
    ends = f"at least {lower}" if most is None else f"at most {upper}" if least is None else f"{lower} to {upper}"
    return f"{what} {ends}{unit}".strip()


def _show_prices(page: Page, model: Model, currency: str) -> None:
    from domain.inputs import plain
    from infrastructure.cli.rendering import Column

    if not model.prices:
        page.line("  no price is known: refused unless the account allows it", "dim")
        return
    rules = model.prices
    costs = [rule.rate if rule.cost_rate is None else rule.cost_rate for rule in rules]
    page.table(
        Column(f"PRICE {currency}", [plain(rule.rate) for rule in rules], right=True),
        Column(f"COST {currency}", [plain(cost) for cost in costs], right=True),
        Column("PER", [str(rule.unit) for rule in rules]),
        Column("FROM", [(_since(rule) or "")[:10] for rule in rules], drop=1),
        Column("WHERE", [_where(rule) for rule in rules], wrap=24),
    )


def _where(rule: PriceRule) -> str:
    words = [f"{name} is {' or '.join(sorted(map(str, values)))}" for name, values in sorted(rule.when.items())]
    words += [f"measured on {rule.of}"] if rule.of else []
    words += [f"at least {rule.minimum}"] if rule.minimum is not None else []
    words += [f"at most {rule.maximum}"] if rule.maximum is not None else []
    return "; ".join(words) or "always"


def _since(rule: PriceRule) -> str | None:
    from domain.periods import EARLIEST

    return None if rule.effective_from <= EARLIEST else iso(rule.effective_from)
