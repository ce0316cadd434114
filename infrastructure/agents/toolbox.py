"""All that a tool works with, and what one is: its words for a model, its arguments, and who may call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcp.server.context import ServerRequestContext
from mcp_types import CallToolRequestParams, CallToolResult, InputRequiredResult, Tool, ToolAnnotations

from domain.keys import KeyScope
from infrastructure.agents.callers import AgentCaller
from infrastructure.gateway.native.shapes import StrictBody
from infrastructure.gateway.quotes import Quotes
from infrastructure.service import Studio

Context: TypeAlias = ServerRequestContext[Any, Any]
Answer: TypeAlias = CallToolResult | InputRequiredResult
Params: TypeAlias = CallToolRequestParams


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The open studio, the quotes of estimates, its clock (epoch microseconds) and the currency of all prices."""

    studio: Studio
    quotes: Quotes
    clock: Callable[[], int]
    currency: str

    @classmethod
    def of(cls, studio: Studio) -> Toolbox:
        """For an open studio."""
        clock = studio.accounts.clock
        return cls(studio, Quotes(studio.library.links.keys, clock), clock, studio.accounts.currency)


Act: TypeAlias = Callable[[Toolbox, AgentCaller, Any, Context, CallToolRequestParams], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class AgentTool:
    """Something that an agent may call; `paid` is what spends money, `destroys` what cannot be undone."""

    name: str
    title: str
    words: str
    scope: KeyScope
    shape: type[StrictBody]
    act: Act
    paid: bool = False
    destroys: bool = False

    def described(self) -> Tool:
        """As a client lists it."""
        reads = self.scope is KeyScope.READ
        hints = ToolAnnotations(
            read_only_hint=reads, destructive_hint=self.destroys, idempotent_hint=reads, open_world_hint=self.paid
        )
        schema = self.shape.model_json_schema()
        return Tool(name=self.name, title=self.title, description=self.words, input_schema=schema, annotations=hints)
