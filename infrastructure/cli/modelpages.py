"""How models are shown to people: a list under kinds, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from application.providing.standing import ModelStatus, ordered, status_of
from domain.inputs import plain
from infrastructure.cli.rendering import Page, PageColumn
from infrastructure.showing.documents import price_text
from infrastructure.showing.formats import since

if TYPE_CHECKING:
    from decimal import Decimal

    from domain.bounds import Metering
    from domain.catalogue import Model
    from domain.inputs import Input
    from domain.pricing import PriceRule


REAL = "real"
CLASSES = {
    REAL: "real: it does what its kinds name",
    "stand-in": "stand-in: it only imitates what its kinds name, or promises nothing",
    "test": "test: it does what its inputs say",
}


def show_all(
    page: Page, models: Sequence[Model], kinds: frozenset[str], currency: str, at: int, off: Mapping[str, str]
) -> None:
    """One line a model and kind; of a model that cannot be used, how it stands in the place of its price.

    `off` are the providers that are switched off, each with how to switch it on.
    """
    page.title(f"{len(models)} model{'' if len(models) == 1 else 's'}")
    if not models:
        return
    rows = ordered(models, kinds)
    names = [kind for kind, _ in rows]
    firsts = ["" if names[:number][-1:] == [kind] else kind for number, kind in enumerate(names)]
    page.table(
        *([PageColumn("KIND", firsts)] if len(kinds) > 1 else []),
        PageColumn("MODEL", [model.id for _, model in rows]),
        PageColumn("PRICE", [_price_or_status(model, currency, at) for _, model in rows]),
        PageColumn("CLASS", ["" if model.class_ == REAL else str(model.class_) for _, model in rows], drop=3),
        PageColumn("PROVIDER", [model.provider for _, model in rows], drop=1),
        PageColumn("", [_about(model, at, off) for _, model in rows], wrap=48, drop=2),
    )
    page.line("  what is missing to use them here: imagestudio providers list", "dim")


def _about(model: Model, at: int, off: Mapping[str, str]) -> str:
    return model.why_unavailable(at) or off.get(model.provider) or model.warning(at) or model.description


def _price_or_status(model: Model, currency: str, at: int) -> str:
    status = status_of(model, at)
    return str(status) if status in (ModelStatus.UNAVAILABLE, ModelStatus.RETIRED) else price_text(model, currency)


def show_one(page: Page, model: Model, currency: str, at: int, lacks: str) -> None:
    """Everything there is to know of a model, and what is missing to use it here."""
    page.title(model.id)
    page.pairs(
        [
            ("does", ", ".join(model.kinds)),
            ("provider", f"{model.provider}, route {model.route or 'unknown'}"),
            ("delivers", f"{', '.join(model.outputs)}, up to {model.per_call} a call"),
            ("about", model.description or "-"),
            ("stands", _standing(model, at)),
            ("here", lacks or "ready to use"),
            ("class", CLASSES[model.class_]),
            ("chosen", _chosen(model)),
            ("waits", f"{model.deadline:,} s for a job, then leaves it to recovery"),
            *([("needs", f"at least one of {', '.join(model.one_of)}")] if model.one_of else []),
            *([("takes", f"at most one of {', '.join(model.not_both)}")] if model.not_both else []),
            *([("sends too", _fixed(model))] if model.fixed else []),
        ]
    )
    if model.inputs:
        page.line()
        _show_inputs(page, list(model.inputs.values()))
    page.line()
    _show_prices(page, model, currency)


def _chosen(model: Model) -> str:
    if not model.auto:
        return "only by name"
    return "also by itself" if model.class_ == REAL else f"also by itself, if {model.class_} is allowed"


def _standing(model: Model, at: int) -> str:
    why = model.why_unavailable(at) or model.warning(at)
    return f"{status_of(model, at)}: {why}" if why else str(status_of(model, at))


def _fixed(model: Model) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sorted(model.fixed.items()))


def _show_inputs(page: Page, inputs: Sequence[Input]) -> None:
    page.table(
        PageColumn("INPUT", [one.name for one in inputs]),
        PageColumn("TYPE", [str(one.type) for one in inputs]),
        PageColumn("DEFAULT", ["required" if one.required else _default(one) for one in inputs]),
        PageColumn("LIMITS", [limits_of(one) for one in inputs], wrap=30),
    )


def _default(one: Input) -> str:
    return "" if one.default is None else str(one.default).lower() if one.type == "flag" else str(one.default)


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
    if one.multiple_of is not None:
        words.append(f"{'each side ' if one.type == 'size' else ''}a multiple of {one.multiple_of}")
    if one.choices and one.type == "size":
        words.append(f"or {', '.join(map(str, one.choices))}")
    elif one.choices:
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
    rules = model.prices
    if not rules:
        page.line("  no price is known: refused unless the account allows it", "dim")
        return
    costs = [rule.rate if rule.cost_rate is None else rule.cost_rate for rule in rules]
    page.table(
        PageColumn(f"PRICE {currency}", [_rate(rule.rate) for rule in rules], right=True),
        PageColumn(f"COST {currency}", [_rate(cost) for cost in costs], right=True),
        PageColumn("PER", [_per(rule) for rule in rules]),
        PageColumn("FROM", [(since(rule.effective_from) or "")[:10] for rule in rules], drop=1),
        PageColumn("WHERE", [where(rule) for rule in rules], wrap=24),
    )
    if any(rule.meters for rule in rules):
        page.line()
        _show_meters(page, rules, currency)


def _rate(rate: Decimal | None) -> str:
    return "unknown" if rate is None else plain(rate)


def _per(rule: PriceRule) -> str:
    if not rule.meters:
        return str(rule.unit)
    return f"{rule.unit}, at most" if rule.rate is not None else f"{rule.unit}, metered without a bound"


def _most(meter: Metering) -> str:
    if meter.most is None:
        return "unknown" if meter.rate or meter.cost else "-"
    return f"{meter.most:,} an output" if meter.per_output else f"{meter.most:,}"


def _show_meters(page: Page, rules: Sequence[PriceRule], currency: str) -> None:
    """The meters; a rate is for one, the last column says how many of it each of the rules above holds."""
    kept: dict[str, list[Metering]] = {}
    for rule in rules:
        for meter in rule.meters:
            kept.setdefault(meter.name, []).append(meter)
    page.table(
        PageColumn("COUNTED", list(kept)),
        PageColumn(f"PRICE {currency}", [_several([plain(one.rate) for one in many]) for many in kept.values()]),
        PageColumn("AT MOST", [_several([_most(one) for one in many]) for many in kept.values()], wrap=24),
    )
    bound = any(meter.bound is not None for rule in rules for meter in rule.meters)
    tighter = "; what a request can come to is reckoned from its inputs" if bound else ""
    page.prose(f"charged by what was counted, and never more than was quoted{tighter}", "dim", indent=2)


def _several(texts: Sequence[str]) -> str:
    """The one text, or all of them in their order."""
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def where(rule: PriceRule) -> str:
    """When a rule applies, what it measures, in which steps, and what it bills at least and at most."""
    words = [f"{name} is {' or '.join(sorted(map(_word, values)))}" for name, values in sorted(rule.when.items())]
    words += [f"measured on {rule.of}"] if rule.of else []
    words += [f"each {plain(rule.step)} begun counts"] if rule.step is not None else []
    words += [f"at least {rule.minimum}"] if rule.minimum is not None else []
    words += [f"at most {rule.maximum}"] if rule.maximum is not None else []
    return "; ".join(words) or "always"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
