"""The person before the client: asked there whether a key may spend more than it may by itself.

Newer clients are answered that something is required, and call again with what the person said. Older ones are asked in
the middle of the call, if they can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from domain.approvals import ApprovalNeeded
from domain.counts import counted
from domain.money import Money
from domain.refusals import Unapproved
from infrastructure.agents.callers import AgentCaller
from infrastructure.showing.formats import iso

QUESTION: Final = "approval"
AGREES: Final = "approve"
FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {AGREES: {"type": "boolean", "title": "Approve it", "default": False}},
    "required": [AGREES],
}


@dataclass(frozen=True, slots=True)
class PersonsWord:
    """The person's word about a quote: yes, or anything else."""

    quote: str
    agrees: bool


def answer_in(params: CallToolRequestParams) -> PersonsWord | None:
    """The answer that a newer client brings, and the quote that it was asked about; None if it brings none."""
    answer = (params.input_responses or {}).get(QUESTION)
    if not isinstance(answer, ElicitResult) or params.request_state is None:
        return None
    return PersonsWord(params.request_state, _agrees(answer))


async def ask_person(
    context: ServerRequestContext[Any, Any], caller: AgentCaller, error: ApprovalNeeded
) -> PersonsWord | InputRequiredResult:
    """Their word, or the question for a newer client. Raises the error if nobody can or may be asked."""
    if caller.holder is None or not caller.holder.terms.approve_in_client or not _can_ask(context):
        raise error
    question = ElicitRequestFormParams(message=_question(error.waiting), requested_schema=FORM)
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        requests = {QUESTION: ElicitRequest(params=question)}
        return InputRequiredResult(input_requests=requests, request_state=error.waiting.quote)
    answer = await context.session.elicit_form(question.message, FORM, context.request_id)
    return PersonsWord(error.waiting.quote, _agrees(answer))


def _can_ask(context: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client can show a form; one that says no mode at all can."""
    capabilities = context.session.client_capabilities
    found = None if capabilities is None else capabilities.elicitation
    if found is None or (found.form is None and found.url is not None):
        return False
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS or context.session.can_send_request


def _question(waiting: Unapproved) -> str:
    price = Money(waiting.price, waiting.currency)
    until = "" if waiting.expires is None else f" It can be approved until {iso(waiting.expires)}."
    work = f"{counted(waiting.outputs, 'output')} of {waiting.kind} on {waiting.model}"
    told = f"{price} at most" if waiting.known else f"no known price, {price} would be held"
    return f"{work}: {told}. The key may spend {Money(waiting.above, waiting.currency)} by itself. Approve it?{until}"


def _agrees(answer: ElicitResult) -> bool:
    return answer.action == "accept" and (answer.content or {}).get(AGREES) is True
