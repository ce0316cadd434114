"""Bodies of our own routes, as a client writes them; the OpenAPI document has them from here."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from application.asking.requests import File, Request
from domain.money import Money
from infrastructure.gateway.openai.asking import file_at

MOST_NAMES: Final = 200
Value = str | bool | int | Decimal
Id = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(max_length=200)]
"""Why something is done, as the log keeps it."""


class StrictBody(BaseModel):
    """Nothing that is not declared is taken, as a misspelt field would be lost in silence."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def check_word(cls, value: object, info: ValidationInfo) -> object:
        """Neither a text nor a number is a yes or no, nor is that a number: `"dry_run": 0` books nothing."""
        shape = cls.model_fields[str(info.field_name)].annotation
        if shape in (bool, bool | None) and not isinstance(value, bool | None):
            raise ValueError("is neither true nor false")
        if shape in (int, int | None) and isinstance(value, bool):
            raise ValueError("is not a whole number")
        return value

    @field_validator("*")
    @classmethod
    def check_text(cls, value: object) -> object:
        """PostgreSQL keeps any text but one with this character."""
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("has characters that are not text")
        return value


class Price(StrictBody):
    """An amount, exact, in a currency that has to be the account's."""

    amount: str
    currency: str

    def money(self) -> Money:
        """Raises InvalidMoney."""
        return Money.parse(self.amount, self.currency)


class Asker(Protocol):
    """Whoever asks: their account, and the fields of a request that say for whom it is."""

    @property
    def account(self) -> str: ...

    def asks_as(self, user: str | None, project: str | None) -> dict[str, Any]: ...


class OperationAsked(StrictBody):
    """One kind of operation for the key's account.

    `media` has addresses by input: http, https, or data URIs; a form has files of these names instead. `model` is an id
    or a strategy. `each` has inputs of every variation's own. With a `quote` of an estimate for the same request, or of
    a refusal that a person approved since, it is done by the model and at the price that were told. `tags` are words of
    the caller's about it, by names of their own.
    """

    kind: Annotated[str, Field(examples=["text-to-image"])]
    inputs: dict[str, Value] = Field(default_factory=dict, examples=[{"prompt": "a lake at dawn"}])
    media: dict[str, list[str] | str] = Field(default_factory=dict)
    model: str = "auto"
    n: int = 1
    user: Id | None = None
    project: Id | None = None
    allow: list[str] = Field(default_factory=list)
    max_price: Annotated[str | Price | None, Field(examples=["0.25"])] = None
    each: list[dict[str, Value]] = Field(default_factory=list)
    quote: Annotated[str | None, Field(max_length=2_000)] = None
    on_limit: str = ""
    priority: str = "normal"
    tags: Annotated[dict[str, str], Field(examples=[{"team": "red"}])] = Field(default_factory=dict)

    @property
    def estimated(self) -> str | None:
        """The quote of an estimate, which is a signed text; an approval's is a plain id."""
        return self.quote if self.quote is not None and "." in self.quote else None

    @property
    def told(self) -> dict[str, Any]:
        """All that was asked, but for a quote for it."""
        return self.model_dump(mode="json", exclude={"quote"})

    def request(self, caller: Asker, files: dict[str, list[File]], key: str | None = None) -> Request:
        """The request of a caller, with the files that came beside it. Raises InvalidInput, Forbidden."""
        media: dict[str, list[File]] = {
            name: [file_at(name, one) for one in ([named] if isinstance(named, str) else named)]
            for name, named in self.media.items()
        }
        return Request(
            self.kind,
            caller.account,
            _plain(self.inputs),
            {**media, **files},
            model=self.model,
            n=self.n,
            key=key,
            allow=tuple(self.allow),
            max_price=self.max_price.money() if isinstance(self.max_price, Price) else self.max_price,
            each=tuple(_plain(one) for one in self.each),
            on_limit=self.on_limit,
            priority=self.priority,
            tags=self.tags,
            quote=None if self.estimated is not None else self.quote,
            **caller.asks_as(self.user, self.project),
        )


class TagsAsked(StrictBody):
    """Tags to give an operation, each in place of another of its name, and names of those to take away."""

    tags: Annotated[dict[str, str], Field(examples=[{"team": "red"}])] = Field(default_factory=dict)
    untag: Annotated[list[str], Field(examples=[["campaign"]])] = Field(default_factory=list)


def _plain(inputs: dict[str, Value]) -> dict[str, Any]:
    """A number with a point is an exact text for us."""
    return {name: format(one, "f") if isinstance(one, Decimal) else one for name, one in inputs.items()}
