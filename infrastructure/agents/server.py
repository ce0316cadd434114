"""The protocol: tools listed and called, assets as resources, and every error of ours as an answer for a model."""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    CallToolRequestParams,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
)
from pydantic import ValidationError

from domain.errors import ImageStudioError, InvalidInput
from infrastructure.agents.answers import SCHEME, failure
from infrastructure.agents.callers import AgentCaller
from infrastructure.agents.toolbox import AgentTool, Answer, Context, Toolbox
from infrastructure.agents.tools import ABOUT, TOOLS
from infrastructure.gateway.faults import Defect
from infrastructure.showing.hints import for_tools, outside

LOGGER: Final = logging.getLogger("imagestudio.agents")
NAME: Final = "imagestudio"
VERSION: Final = "1"
"""Of the tools, not of the package."""
PAGE: Final = 50
LARGEST_READ: Final = 32 * 1024 * 1024
"""Bytes of a file that is read through the protocol, which holds it in memory as text."""

T = TypeVar("T")
WhoCalls: TypeAlias = Callable[[Context], Awaitable[AgentCaller]]
"""Finds who calls, for each message anew. Raises Unauthenticated, Forbidden, TooManyRequests, StoreUnavailable."""


def agents_server(tools: Toolbox, who: WhoCalls) -> Server[Any]:
    """The server for an open studio, for any number of clients and either kind of connection."""
    one = AgentsRequests(tools, who)
    return Server(
        NAME,
        version=VERSION,
        title="Image Studio",
        instructions=ABOUT,
        on_list_tools=one.list_tools,
        on_call_tool=one.call_tool,
        on_list_resources=one.list_resources,
        on_list_resource_templates=one.list_templates,
        on_read_resource=one.read_resource,
    )


@dataclass(frozen=True, slots=True)
class AgentsRequests:
    """Answers each message for whoever sent it."""

    tools: Toolbox
    who: WhoCalls

    async def list_tools(self, context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        """The tools that the caller's key allows."""
        caller = await _told(self.who(context))
        return ListToolsResult(tools=[one.described() for one in TOOLS.values() if caller.may(one.scope)])

    async def call_tool(self, context: Context, params: CallToolRequestParams) -> Answer:
        """The answer of a tool, which may be our one error. Raises MCPError if there is no such tool."""
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"there is no tool {params.name!r}")
        try:
            caller = await self.who(context)
            caller.require(tool.scope)
            return await tool.act(self.tools, caller, _arguments(tool, params.arguments or {}), context, params)
        except ImageStudioError as error:
            return failure(error)
        except MCPError:
            raise
        except Exception as error:
            LOGGER.error("tool %s broke", params.name, exc_info=error)
            return failure(Defect("something of ours is broken", hint="tell whoever runs this service"))

    async def list_resources(self, context: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        """A page of the account's assets. Raises MCPError."""
        caller = await _told(self.who(context))
        cursor = None if params is None else params.cursor
        page = await _told(self.tools.studio.library.list(caller.account, after=cursor, limit=PAGE))
        listed = [
            Resource(uri=f"{SCHEME}{one.id}", name=one.id, mime_type=one.media_type, size=one.size)
            for one in page.assets
        ]
        return ListResourcesResult(resources=listed, next_cursor=page.next)

    async def list_templates(self, _: Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        """The one form of our addresses."""
        words = "A file of the account's library, by the id of its asset."
        template = ResourceTemplate(uri_template=f"{SCHEME}{{id}}", name="asset", description=words)
        return ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(self, context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        """A file, whole. Raises MCPError."""
        return await _told(_read(self.tools, await _told(self.who(context)), params.uri))


def _arguments(tool: AgentTool, given: dict[str, Any]) -> Any:
    """The arguments in the tool's shape. Raises InvalidInput for the first thing wrong with them."""
    try:
        return tool.shape.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"][:2]) or "arguments"
        told = first["msg"].lower()
        raise InvalidInput(field, told, hint=f"see what the tool '{tool.name}' takes") from error


async def _read(tools: Toolbox, caller: AgentCaller, uri: str) -> ReadResourceResult:
    """A file, whole. Raises UnknownAsset, AssetMissing, InvalidInput if it is too large for this way."""
    id = uri.removeprefix(SCHEME)
    library = tools.studio.library
    file = await library.file(caller.account, id)
    if file.size > LARGEST_READ:
        told = f"{uri} has {file.size:,} bytes, at most {LARGEST_READ:,} are read in this way"
        raise InvalidInput("uri", told, hint="follow the url that the operation's result has")
    found = await library.content(caller.account, id)
    blob = base64.b64encode(found.content).decode()
    return ReadResourceResult(contents=[BlobResourceContents(uri=uri, blob=blob, mime_type=found.media_type)])


async def _told(work: Awaitable[T]) -> T:
    """The result; an error of ours as the protocol's. Raises MCPError."""
    try:
        return await work
    except ImageStudioError as error:
        message, hint = outside(error, for_tools)
        raise MCPError(INVALID_PARAMS, message, {"code": error.code, "hint": hint}) from error
