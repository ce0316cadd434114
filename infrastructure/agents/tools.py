"""The tools, in the words that a model reads: each says what it does, what it costs, and what to call next."""

from __future__ import annotations

from typing import Final

from domain.keys import KeyScope
from infrastructure.agents import asking, looking
from infrastructure.agents.shapes import (
    Approve,
    EditPicture,
    EstimateAny,
    FindAssets,
    Generate,
    Models,
    Nothing,
    OneOperation,
    Rows,
    RunAny,
    Stop,
    UpscalePicture,
    UsageRows,
)
from infrastructure.agents.toolbox import AgentTool
from infrastructure.gateway.native.shapes import StrictBody

ABOUT: Final = """Images, films and more by AI models, on an account whose limits hold and whose every cent is recorded.

Every paid call costs the account money. Ask 'estimate' first for what is dear, and 'models' for what there is. A call \
that fails says so with a stable code; approval_needed means that a person has to approve its quote first, and nothing \
was held. Name an idempotency_key: the same key never pays twice, so that a call whose answer was lost can be \
repeated. A call that ends early does not stop what it began: 'operation' says how it stands, and 'cancel' stops it. \
Files are named asset:ID, and are resources under imagestudio://assets/ID."""
PAYS: Final = "The account pays what 'estimate' says at most; nothing is charged if it fails."

READ, OPERATE, ADMIN = KeyScope.READ, KeyScope.OPERATE, KeyScope.ADMIN


def _paid(name: str, title: str, words: str, shape: type[StrictBody]) -> AgentTool:
    return AgentTool(name, title, f"{words} {PAYS}", OPERATE, shape, asking.do, paid=True)


_TOOLS: Final = (
    AgentTool(
        "estimate",
        "Estimate a price",
        "Say what a request would cost, who would do it, and whether a limit refuses it or a person has to agree."
        " Records nothing. Its quote, named in the request, holds model and price for 15 minutes.",
        READ,
        EstimateAny,
        asking.estimate,
    ),
    _paid("generate", "Draw a picture", "Draw a picture from words.", Generate),
    _paid("edit", "Edit a picture", "Change a picture as words say.", EditPicture),
    _paid("upscale", "Enlarge a picture", "Give a picture more pixels.", UpscalePicture),
    _paid(
        "run",
        "Run any operation",
        "Do any kind of operation, such as text-to-video or background-remove, given its inputs and files.",
        RunAny,
    ),
    AgentTool(
        "operation",
        "Look at an operation",
        "Say how an operation or a batch stands, with its files; waits for its end if told to.",
        READ,
        OneOperation,
        looking.operation,
    ),
    AgentTool(
        "cancel",
        "Stop an operation",
        "Stop an operation at its provider, if that can be; what is stopped is not charged.",
        OPERATE,
        Stop,
        looking.cancel,
        destroys=True,
    ),
    AgentTool(
        "operations", "List operations", "List operations, the newest first.", READ, Rows, looking.list_operations
    ),
    AgentTool(
        "usage",
        "Sum up usage",
        "Sum up what was done and charged, by period, user and kind.",
        READ,
        UsageRows,
        looking.list_usage,
    ),
    AgentTool(
        "limits",
        "Show limits",
        "List every limit with what is used, held and left, and when it begins anew; and what needs approval.",
        READ,
        Nothing,
        looking.list_limits,
    ),
    AgentTool(
        "models",
        "List models and prices",
        "List kinds of operations; with 'kind' its models and prices; with 'model' all about one, with its inputs.",
        READ,
        Models,
        looking.list_models,
    ),
    AgentTool("assets", "Find files", "List or search the account's files.", READ, FindAssets, looking.assets),
    AgentTool(
        "approve",
        "Approve a quote",
        "Approve what another key may not spend by itself; its request then goes through once, at that price at most."
        " Only a person decides that.",
        ADMIN,
        Approve,
        looking.approve,
        destroys=True,
    ),
)
TOOLS: Final = {one.name: one for one in _TOOLS}
