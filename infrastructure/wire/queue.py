"""fal's queue, as it speaks itself and behind a router: where a request is, what it delivered, and what it bills.

status ── IN_QUEUE, IN_PROGRESS ──> waiting
       └─ COMPLETED ──> the result: JSON with addresses of files, and the units billed in a header
                        └── or the error of the model, whatever its status
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from application.ports import Delivery, Media, Remote, TaskFailed
from infrastructure.wire.answers import MODERATED, Answer, ApiProblem, Unreadable
from infrastructure.wire.blind import BROKE, CANCELLED
from infrastructure.wire.content import read_data_uri

WAITING: Final = {"IN_QUEUE": "waiting in the queue", "IN_PROGRESS": "working"}
DONE: Final = "COMPLETED"
STOPPED: Final = {"FAILED": "failed", "CANCELED": CANCELLED, "CANCELLED": CANCELLED}
NOT_YET: Final = "not_ended"
CLIENT_CLOSED: Final = 499
POLICY: Final = "content_policy_violation"
BILLED: Final = "x-fal-billable-units"
METER: Final = "billable_millionths"
UNITS: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,18})?")
SPENT: Final = re.compile(r"exhausted balance|top up", re.IGNORECASE)
"""Words of the 403 by which fal says that there is no credit left."""


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A request's place in its queue: words while it waits or runs, else a code and fal's words of its failure."""

    waiting: str = ""
    failure: str = ""
    words: object = None


def read_status(reply: Mapping[str, Any]) -> QueueStatus:
    """Raises Unreadable for what is no status: that is no failure."""
    state, error = str(reply.get("status")), reply.get("error")
    if state in WAITING:
        return QueueStatus(waiting=WAITING[state])
    if state in STOPPED:
        return QueueStatus(failure=STOPPED[state], words=error)
    if state != DONE:
        raise Unreadable("the provider's answer is not a status")
    return (
        QueueStatus(failure=MODERATED if reply.get("error_type") == POLICY else "failed", words=error)
        if error
        else QueueStatus()
    )


def billed(answer: Answer) -> dict[str, int]:
    """The units that fal bills, in millionths, as its header says; empty where it does not, or what makes no sense.

    A unit's price is the endpoint's own, which no answer tells.
    """
    told = answer.headers.get(BILLED, "")
    if not UNITS.fullmatch(told):
        return {}
    whole, _, fraction = told.partition(".")
    return {METER: int(whole + fraction[:6].ljust(6, "0"))}


def delivery(answer: Answer) -> Delivery:
    """Raises TaskFailed where all of it was filtered: what comes then is black, and billed."""
    result, usage = answer.object(), billed(answer)
    flags = result.get("has_nsfw_concepts")
    if isinstance(flags, list) and flags and all(flag is True for flag in flags):
        raise TaskFailed(MODERATED, "the provider filtered what it had made", cost=None, usage=usage)
    found = [result.get(name) for name in ("images", "image", "video", "videos")]
    files = [file for one in found for file in (one if isinstance(one, list) else [one]) if isinstance(file, dict)]
    seed = result.get("seed")
    outputs = tuple(_output(str(file.get("url"))) for file in files)
    return Delivery(outputs, metadata={"seed": str(seed)} if isinstance(seed, int) else {}, usage=usage)


def explain(answer: Answer) -> ApiProblem:
    """Errors are {"detail"}, a text or a list whose entries repeat our inputs beside their words; the router's own are
    {"error"}."""
    try:
        reply = answer.object()
    except Unreadable:
        return ApiProblem()
    detail = reply.get("detail")
    entries = [entry for entry in detail if isinstance(entry, dict)] if isinstance(detail, list) else []
    words = "; ".join(str(entry.get("msg", "")) for entry in entries) or str(detail or reply.get("error") or "")
    if any(entry.get("type") == POLICY for entry in entries):
        return ApiProblem.moderated(words)
    return ApiProblem(words, "no_credit" if answer.status == httpx.codes.FORBIDDEN and SPENT.search(words) else "")


def explain_result(answer: Answer) -> ApiProblem:
    """A job that broke answers with an error of its own, whatever its status; 400 is one that has not ended yet."""
    problem = explain(answer)
    if answer.status == httpx.codes.BAD_REQUEST:
        return ApiProblem(problem.message, NOT_YET)
    if answer.status == CLIENT_CLOSED:
        return ApiProblem(problem.message, CANCELLED)
    if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR and b'"detail"' in answer.content:
        return ApiProblem(problem.message, BROKE, refused=True)
    return problem


def _output(url: str) -> Media | Remote:
    if url.startswith(("https://", "http://")):
        return Remote(url)
    media = read_data_uri(url)
    if media is None:
        raise Unreadable("the provider's answer names an output that cannot be read")
    return media
