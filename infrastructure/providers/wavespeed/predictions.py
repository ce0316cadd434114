"""A job as the API shows it, in its envelope or bare, and what it means.

created | processing                              not ended
completed | succeeded                             delivered: addresses, data URIs or texts
failed | cancelled | timeout | deleted            ProviderFailed; nothing is billed, or paid back within 3 hours
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from application.ports import Delivery, Media, Remote, Task, TaskFailed
from infrastructure.clock import SECOND
from infrastructure.formats.signatures import TEXT
from infrastructure.wire.answers import MODERATED, Answer, ApiProblem, Unreadable
from infrastructure.wire.api import Api
from infrastructure.wire.content import decode_base64, private_texts, read_data_uri

KEPT: Final = 6 * 86_400 * SECOND
"""Microseconds for which outputs are waited for. They and their job are kept a day longer: what is not there by then is
found to be lost while the job that made it is still known."""
RUNNING: Final = frozenset({"created", "processing", "pending", "queued", "starting"})
DELIVERED: Final = frozenset({"completed", "succeeded"})
ENDED_BADLY: Final = {
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "timeout": "job_timeout",
    "deleted": "deleted",
}
SUCCESS: Final = (0, 200)
OUTPUT_KEYS: Final = ("url", "image_url", "video_url", "output")

# The codes of the API's own errors, which come in place of an HTTP status and with a failed job.
CODES: Final = {
    1200: MODERATED,
    1400: "invalid_request",
    1401: "invalid_request",
    1402: "media_unreachable",
    5003: "unavailable",
    5004: "job_timeout",
}
CLIENT_CODES: Final = range(1000, 2000)
_NOT_ALLOWED: Final = re.compile(
    r"sensitive (?:content|information|words)|flagged as|nsfw|content (?:moderation|policy)", re.IGNORECASE
)
_NO_CREDIT: Final = re.compile(r"insufficient|not enough (?:credit|balance)|top[ -]?up", re.IGNORECASE)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One job. `created` in epoch microseconds; `inputs` as far as they are shown."""

    id: str
    status: str
    outputs: tuple[str, ...]
    error: str
    code: int
    flagged: bool
    created: int | None
    inputs: Mapping[str, Any]

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    def delivery(self, api: Api, task: Task) -> Delivery:
        """The files that it delivered. Raises TaskFailed if it ended otherwise, Unreadable if its status is unknown."""
        if self.status in DELIVERED and (self.outputs or not self.flagged):
            expires = None if self.created is None else self.created + KEPT
            return Delivery(tuple(_output(text, task, expires) for text in self.outputs))
        if self.status not in DELIVERED and self.status not in ENDED_BADLY:
            raise Unreadable("the provider tells a status that is not known")
        words = api.told(self.error, private_texts(task))
        raise TaskFailed(self._failure(), words or f"the job was {self.status}")

    def _failure(self) -> str:
        if self.flagged or _NOT_ALLOWED.search(self.error):
            return MODERATED
        return CODES.get(self.code) or ENDED_BADLY.get(self.status, "failed")


def unwrap(api: Api, answer: Answer, hidden: Iterable[str] = ()) -> Mapping[str, Any]:
    """The content of an answer, out of its envelope. Raises what an error inside a 200 means; Unreadable."""
    body = answer.object()
    code, data = body.get("code"), body.get("data")
    told = data if isinstance(data, dict) else body
    if isinstance(told.get("id"), str) or code in SUCCESS:
        return told
    if number := _number(code):
        raise api.verdict(Answer(number, answer.headers, answer.content), hidden)
    if "code" in body:
        raise Unreadable
    return told


def explain(answer: Answer) -> ApiProblem:
    """The API's words about an error, `{"code", "message"}`; its own codes may stand where the status is."""
    try:
        body = answer.object()
    except Unreadable:
        return ApiProblem()
    said = body.get("message") or body.get("error")
    message, code = said if isinstance(said, str) else "", CODES.get(_number(body.get("code")), "")
    refused = answer.status in CLIENT_CODES
    if code == MODERATED or (_is_client_error(answer.status) and _NOT_ALLOWED.search(message)):
        return ApiProblem(message, MODERATED, final=True, refused=True)
    if _is_client_error(answer.status) and _NO_CREDIT.search(message):
        return ApiProblem(message, "no_credit", refused=refused)
    return ApiProblem(message, code, refused=refused)


def _is_client_error(status: int) -> bool:
    return 400 <= status < 500 or status in CLIENT_CODES


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def read_prediction(data: Mapping[str, Any]) -> Prediction:
    """Raises Unreadable where it is no job."""
    id, status, error, code = (data.get(name) for name in ("id", "status", "error", "code"))
    if not isinstance(id, str) or not id or not isinstance(status, str):
        raise Unreadable
    flags, inputs = data.get("has_nsfw_contents"), data.get("input", data.get("inputs"))
    return Prediction(
        id=id,
        status=status,
        outputs=tuple(_texts(data.get("outputs") or data.get("output"))),
        error=error if isinstance(error, str) else "",
        code=_number(code),
        flagged=isinstance(flags, list) and True in flags,
        created=instant(data.get("created_at")),
        inputs=inputs if isinstance(inputs, dict) else {},
    )


def instant(text: object) -> int | None:
    """Epoch microseconds of an ISO 8601 time; None where it is none."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if at is None or at.tzinfo is None else (at - _EPOCH) // timedelta(microseconds=1)


def _texts(outputs: Any) -> Iterator[str]:
    """Each output as one text, whatever it is wrapped in; what cannot be understood is kept, to be refused later."""
    for one in outputs if isinstance(outputs, list) else [outputs]:
        value = next((one[key] for key in OUTPUT_KEYS if one.get(key)), one) if isinstance(one, dict) else one
        if value is not None and value != "":
            yield value if isinstance(value, str) else repr(value)


def _output(text: str, task: Task, expires: int | None) -> Media | Remote:
    if text.startswith(("https://", "http://")) and not re.search(r"\s", text):
        return Remote(text, expires)
    media = read_data_uri(text)
    if media is None and TEXT not in task.media_types:
        media = _bare_base64(text, task)
    return media or Media(text.encode(), TEXT)


def _bare_base64(text: str, task: Task) -> Media | None:
    """Some models leave the data URI's head away."""
    try:
        return Media(decode_base64(text), task.media_types[0])
    except (ValueError, IndexError):
        return None
