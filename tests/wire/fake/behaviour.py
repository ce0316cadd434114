"""What a test may ask of one submission and of all that follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A script; each default is what a healthy provider does. An API ignores what does not concern it."""

    # The submission.
    status: int = 200
    """Another one is answered in place of the reply."""
    accepted: bool | None = None
    """Whether a job is made of it; None: unless `status` is an error."""
    delay: float = 0.0
    """Seconds before the reply, the job being made already."""
    held: bool = False
    """The reply waits, the job being made already, until the test releases it."""
    lost: Literal["", "drop", "truncate"] = ""
    """The connection dies in place of the reply, or in the middle of its body."""
    retry_after: str = ""
    """The header of that name, where not empty."""
    filtered: Literal["", "refused", "result"] = ""
    """The content filter refuses the submission, or spoils the result of an accepted one."""
    bare: bool = False
    """WaveSpeed: a reply without the envelope."""
    sync: Literal["waits", "processing", "5004"] = "waits"
    """WaveSpeed: what a synchronous submission is answered: the end, or that it takes too long, in either spelling."""

    # The job.
    polls: int = 0
    """So many polls are answered that it is still running."""
    poll_failures: tuple[int, ...] = ()
    """The first polls are answered with these statuses; they do not count as polls."""
    ending: Literal["completed", "succeeded", "failed", "cancelled", "timeout", "deleted", "never"] = "completed"
    error: str = ""
    """The provider's own words about a job that failed."""

    # What it delivers.
    outputs: int | None = None
    """How many outputs there are; None: as many as were asked for."""
    shape: Literal["string", "url", "image_url", "video_url", "output", "field"] = "string"
    """WaveSpeed: an output is a plain string, an object with that key, or stands in a field `output` of the reply."""
    texts: Literal["inline", "file"] = "inline"
    """A text is an output itself, or in a file like any other."""
    files: Literal[
        "fine", "missing", "forbidden", "empty", "not media", "damaged", "truncated", "oversized", "overlong"
    ] = "fine"
    """What fetching an output meets: damaged is half of it and says so, truncated does not, oversized never says its
    length, overlong lies about it."""
    file_failures: tuple[int, ...] = ()
    """The first fetches of each output are answered with these statuses."""

    # Money.
    bill: str | None = None
    """US dollars; None: the price asked for; "nothing": no record; "unreadable": a record that makes no sense."""
    bill_unit: Literal["dollars", "micros"] = "dollars"
    """WaveSpeed has documented both: a decimal of dollars, and earlier whole millionths."""
    usage: Literal["full", "no details", "none"] = "full"
    """OpenAI: what the reply says about tokens."""
    counts: dict[str, Any] | None = None
    """OpenAI: the usage in place of the one that it reckons, as it was captured; `svg_usage` in it stands beside it."""
    units: str | None = None
    """fal: the units it says that it bills; None: one an output; empty: it says nothing."""

    # Webhooks (WaveSpeed).
    webhooks: tuple[str, ...] = ("signed",)
    """Deliveries when the job ends, in this order; the kinds are in webhooks.py."""
    early: bool = False
    """They are delivered before the submission is answered."""

    @property
    def makes_a_job(self) -> bool:
        return self.status < 400 and self.filtered != "refused" if self.accepted is None else self.accepted

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Behaviour:
        lists = ("poll_failures", "file_failures", "webhooks")
        return cls(**{**stored, **{name: tuple(stored[name]) for name in lists}})


HEALTHY = Behaviour()
