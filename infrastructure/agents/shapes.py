"""The arguments of tools, as an agent writes them; their JSON Schema is the tool's own."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from infrastructure.gateway.native.shapes import Id, OperationAsked, StrictBody, Value

LONGEST_WAIT: Final = 600
USUAL_WAIT: Final = 45
"""Seconds; many clients give up on a call after sixty."""
MOST_ROWS: Final = 100

Wait = Annotated[
    int, Field(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the end; the operation goes on after that.")
]
Media = Annotated[
    str, Field(description="asset:ID of this account, an http or https address, or a data: URI.", min_length=1)
]


class _Asking(StrictBody):
    """The arguments that all requests share."""

    inputs: Annotated[
        dict[str, Value], Field(description="Other inputs of the model, as the tool 'models' shows them.")
    ] = Field(default_factory=dict)
    model: Annotated[
        str, Field(description="A model's id, or a strategy: auto, cheapest, best, balanced.", max_length=200)
    ] = "auto"
    n: Annotated[int, Field(ge=1, le=100, description="How many variations.")] = 1
    user: Id | None = None
    project: Id | None = None
    allow: Annotated[
        list[str], Field(description="Classes of models that are allowed besides real ones: stand-in, test.")
    ] = Field(default_factory=list)
    max_price: Annotated[str | None, Field(description="The most that all of it may cost, such as 0.25.")] = None
    quote: Annotated[
        str | None, Field(max_length=2_000, description="Of an estimate, or of a refusal that a person approved.")
    ] = None
    tags: Annotated[
        dict[str, str], Field(description='Words of the caller\'s about it, by name, such as {"team": "red"}.')
    ] = Field(default_factory=dict)


class _Doing(_Asking):
    """The arguments of what is paid."""

    idempotency_key: Annotated[
        Id | None, Field(description="The same key never does or charges the same thing twice; name one to be safe.")
    ] = None
    wait: Wait = USUAL_WAIT

    def asked(self, kind: str, inputs: dict[str, Value], media: dict[str, list[str] | str]) -> OperationAsked:
        """The request as the gateway has it."""
        fields = self.model_dump(include={"model", "n", "user", "project", "allow", "max_price", "quote", "tags"})
        return OperationAsked(kind=kind, inputs={**self.inputs, **inputs}, media=media, **fields)


class Generate(_Doing):
    """A picture from words."""

    prompt: Annotated[str, Field(min_length=1)]

    def as_asked(self) -> OperationAsked:
        return self.asked("text-to-image", {"prompt": self.prompt}, {})


class EditPicture(_Doing):
    """A picture changed as words say."""

    image: Media
    prompt: Annotated[str, Field(min_length=1)]

    def as_asked(self) -> OperationAsked:
        return self.asked("image-edit", {"prompt": self.prompt}, {"image": [self.image]})


class UpscalePicture(_Doing):
    """A picture with more pixels."""

    image: Media

    def as_asked(self) -> OperationAsked:
        return self.asked("upscale", {}, {"image": [self.image]})


class RunAny(_Doing):
    """Any kind of operation."""

    kind: Annotated[str, Field(description="Such as text-to-video; the tool 'models' lists them.", max_length=200)]
    media: Annotated[dict[str, list[Media] | Media], Field(description="Files by input.")] = Field(default_factory=dict)

    def as_asked(self) -> OperationAsked:
        return self.asked(self.kind, {}, {**self.media})


class EstimateAny(_Asking):
    """A request whose price is asked."""

    kind: Annotated[str, Field(max_length=200)] = "text-to-image"
    media: Annotated[dict[str, list[Media] | Media], Field(description="Files by input.")] = Field(default_factory=dict)

    def as_asked(self) -> OperationAsked:
        fields = self.model_dump(include={"model", "n", "user", "project", "allow", "max_price", "tags"})
        return OperationAsked(kind=self.kind, inputs=self.inputs, media={**self.media}, **fields)


class OneOperation(StrictBody):
    """An operation to look at."""

    operation: Id
    wait: Wait = 0


class Stop(StrictBody):
    """An operation to stop."""

    operation: Id
    reason: Annotated[str, Field(max_length=200)] = ""


class Rows(StrictBody):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 20
    after: Annotated[str | None, Field(description="The cursor 'next' of the page before.", max_length=500)] = None


class UsageRows(Rows):
    """Rows of what was used."""

    user: Id | None = None
    kind: Annotated[str | None, Field(max_length=200)] = None


class FindAssets(Rows):
    """Assets to find."""

    text: Annotated[str | None, Field(description="Words of titles, tags and prompts.", max_length=500)] = None
    type: Annotated[str | None, Field(description="image, video, audio or model.", max_length=100)] = None


class Models(StrictBody):
    """Models to list, or one to show."""

    kind: Annotated[str | None, Field(description="Of one kind of operation.", max_length=200)] = None
    model: Annotated[str | None, Field(description="All about one: inputs, limits, prices.", max_length=200)] = None


class Approve(StrictBody):
    """A quote to approve."""

    quote: Id
    reason: Annotated[str, Field(max_length=200)] = ""


class Nothing(StrictBody):
    """No argument."""
