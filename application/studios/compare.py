"""A/B: variants of one brief side by side, what each costs, and what an accepted one does.

variants ── each said over what all share ── drafted by Create or Edit ──┬── together: one batch, all or none
                                                                         └── each by itself: some may fail
ComparedSet ── sheet ──> one picture of all, numbered
         └─ judged by those that are marked as accepted ──> the price of an accepted one
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from application.asking.requests import Estimate, File, OperationResult, Request, Result, Variant
from application.library.words import WordStore
from application.ports import Progress, silent
from application.studios.create import Create
from application.studios.desk import OF_CALLERS, Advised, ServiceDesk
from application.studios.drafting import Drafted, advise
from application.studios.edit import Edit
from domain.errors import ImageStudioError, InvalidInput
from domain.inputs import shortened
from domain.meant import meant
from domain.money import Money
from domain.value import value

MOST: Final = 10
ACCEPTED: Final = "accepted"
"""The tag of an asset that was accepted."""
OF_ALL: Final = frozenset(one.name for one in OF_CALLERS) - {"model"}
"""Options of a comparison, and of none of its variants."""


@value
class ComparedVariant:
    """One variant: its number and what tells it from the others, its end, or why there is none."""

    number: int
    label: str
    result: OperationResult | None
    why: str = ""


@value
class ComparedSet:
    """All variants in their order; `batch` is the operation of them all, empty if each was asked by itself."""

    variants: tuple[ComparedVariant, ...]
    batch: str
    price: Money


@dataclass(frozen=True, slots=True)
class ComparedAdvice:
    """The estimate of all together, and of each variant with why it would be done where it is."""

    together: Estimate
    variants: tuple[tuple[str, Advised], ...]


@value
class Judged:
    """The accepted ones of a comparison: `price_each` is the price of all that was made for each that is accepted."""

    batch: str
    accepted: tuple[str, ...]
    made: int
    price: Money
    price_each: Money | None


DrawSheet = Callable[[Sequence[tuple[str, bytes]]], bytes]
"""One PNG of pictures, each with a line below it; what is no picture is a blank."""


@dataclass(frozen=True, slots=True)
class Compare:
    """The service."""

    desk: ServiceDesk
    create: Create
    edit: Edit
    draw: DrawSheet
    words: WordStore

    async def __call__(
        self,
        variants: Sequence[Mapping[str, Any]],
        *,
        account: str,
        image: File | None = None,
        together: bool = True,
        progress: Progress = silent,
        **shared: Any,
    ) -> ComparedSet:
        """Make every variant. Options: those of `create`, or of `edit` if an `image` is given, and `kind` of an edit.

        Together they are admitted or refused as a whole; otherwise each by itself, under keys of its own. Raises as
        `run` does, and if nothing was made.
        """
        labels, drafts = self._drafted(variants, account, image, shared)
        if together:
            result = await self.desk.operations.run(_together(drafts), progress)
            return ComparedSet(_numbered(labels, result.operations), result.operation, result.price)
        running = [self.desk.operations.run(_alone(draft.request, n)) for n, draft in enumerate(drafts, 1)]
        return _one_by_one(labels, await asyncio.gather(*running, return_exceptions=True))

    async def estimate(
        self, variants: Sequence[Mapping[str, Any]], *, account: str, image: File | None = None, **shared: Any
    ) -> ComparedAdvice:
        """The estimate of all, and of each; nothing is recorded. Options as when it is done."""
        shared.pop("together", None)
        labels, drafts = self._drafted(variants, account, image, shared)
        found = await self.desk.operations.estimate(_together(drafts))
        each = [await advise(self.desk, Drafted(replace(one.request, key=None), one.notes)) for one in drafts]
        return ComparedAdvice(found, tuple(zip(labels, each, strict=True)))

    async def sheet(self, compared: ComparedSet) -> bytes:
        """A contact sheet of all that was made, a PNG: numbered, with its model and its price. Nothing is charged."""
        tiles = [
            (f"{one.number}  {one.result.model}  {one.result.price}\n{one.label}", output)
            for one in compared.variants
            if one.result is not None
            for output in one.result.outputs
        ]
        return await asyncio.to_thread(lambda: self.draw([(label, output.content) for label, output in tiles]))

    async def judge(self, batch: str, accepted: Sequence[str] | None = None, *, account: str) -> Judged:
        """The price of an accepted picture, of all that a comparison made.

        Those that are accepted are marked so in the library, by a tag, and the others are not; None asks for the marks.
        Raises UnknownOperation, InvalidInput.
        """
        result = await self.desk.operations.wait(batch, account=account)
        made = [one.asset.id for one in result.assets]
        if accepted is None:
            known = await asyncio.to_thread(self.words.of, account, made)
            accepted = [asset for asset in made if asset in known and ACCEPTED in known[asset].tags]
        else:
            _check_made(accepted, made, batch)
            await asyncio.to_thread(self._mark, account, made, accepted)
        several = tuple(dict.fromkeys(accepted))
        each = Money(_rounded(result.price.micros, len(several)), result.price.currency) if several else None
        return Judged(batch, several, len(made), result.price, each)

    def _mark(self, account: str, made: Sequence[str], accepted: Sequence[str]) -> None:
        for asset in made:
            is_accepted = asset in accepted
            self.words.tag(account, asset, [ACCEPTED] if is_accepted else [], [] if is_accepted else [ACCEPTED])

    def _drafted(
        self, variants: Sequence[Mapping[str, Any]], account: str, image: File | None, shared: Mapping[str, Any]
    ) -> tuple[list[str], list[Drafted]]:
        """A draft of each variant, with what tells it from the others. Raises InvalidInput."""
        if isinstance(variants, str | bytes | Mapping) or not 2 <= len(variants) <= MOST:
            raise InvalidInput("variants", "must be two or more", hint=f"give a list of 2 to {MOST}")
        for one in variants:
            for name in OF_ALL.intersection(one):
                raise InvalidInput(name, "is of all variants together", hint="say it of the whole comparison")
        if shared.get("n", 1) != 1:
            raise InvalidInput("n", "is one of each variant", hint="leave it out")
        drafts = [self._draft({**shared, **one}, account, image) for one in variants]
        if any(draft.request.media.keys() != drafts[0].request.media.keys() for draft in drafts):
            raise InvalidInput("variants", "must have the same files", hint="give files to the whole comparison")
        return [_label(one) for one in variants], drafts

    def _draft(self, options: dict[str, Any], account: str, image: File | None) -> Drafted:
        if options.get("enhance") == "model":
            raise InvalidInput("enhance", "a model writes the words of one picture", hint="enhance by rule")
        if image is None:
            return self.create.draft(options.pop("prompt", ""), account, options)
        return self.edit.draft(image, options.pop("kind", "image-edit"), account, options)


def _check_made(accepted: Sequence[str], made: Sequence[str], batch: str) -> None:
    for asset in accepted:
        if asset not in made:
            hint = meant(str(asset), made, f"it made: {', '.join(made)}")
            raise InvalidInput("accepted", f"{shortened(asset)} is not of comparison {batch}", hint=hint)


def _together(drafts: Sequence[Drafted]) -> Request:
    """One request of all: what they share, and what each has of its own."""
    first = drafts[0].request
    each = tuple(Variant(one.request.inputs, one.request.model, one.request.wishes) for one in drafts)
    return replace(first, inputs={}, model="auto", wishes=None, n=1, each=each)


def _alone(request: Request, number: int) -> Request:
    return replace(request, key=None if request.key is None else f"{request.key}/{number}")


def _numbered(labels: Sequence[str], results: Sequence[OperationResult]) -> tuple[ComparedVariant, ...]:
    return tuple(
        ComparedVariant(number, label, one, one.reason)
        for number, (label, one) in enumerate(zip(labels, results, strict=True), 1)
    )


def _one_by_one(labels: Sequence[str], ends: Sequence[Result | BaseException]) -> ComparedSet:
    """All that was made, beside what was not and why. Raises the first error if nothing was made."""
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, ImageStudioError):
            raise end
    done = [end for end in ends if isinstance(end, Result)]
    if not done:
        raise next(end for end in ends if isinstance(end, BaseException))
    price = done[0].price
    for one in done[1:]:
        price = price + one.price
    return ComparedSet(
        tuple(_ended(n, label, end) for n, (label, end) in enumerate(zip(labels, ends, strict=True), 1)), "", price
    )


def _ended(number: int, label: str, end: Result | BaseException) -> ComparedVariant:
    if isinstance(end, Result):
        return ComparedVariant(number, label, end.operations[0])
    return ComparedVariant(number, label, None, str(end))


def _label(variant: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {word if isinstance(word, str | int) else shortened(word)}" for name, word in variant.items()
    )


def _rounded(micros: int, count: int) -> int:
    """A share in whole micro-units, half-even."""
    whole, rest = divmod(micros, count)
    return whole + (2 * rest > count or (2 * rest == count and whole % 2 == 1))
