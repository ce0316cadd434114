"""When a message to a webhook is sent again, and when it and its webhook are given up.

    2xx ──> delivered
    410 ──> dead, and its webhook is paused
    else ─┬─ there is another try ──> waiting, so long
          └─ it was the last ───────> dead; and if the webhook took nothing for days, that is paused

All as pure functions of what was answered: `noise` is what keeps many that failed together from coming back together.
"""

from __future__ import annotations

from typing import Final

from domain.value import value

SECOND: Final = 1_000_000
MINUTE, HOUR = 60, 60 * 60

PAUSES: Final = (
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Seconds from each try to the next: ten tries in three days and a few hours."""

NOISES: Final = 1_000
MOST_NOISE: Final = 10
"""A pause is longer by at most a tenth of it."""

IN_A_ROW: Final = 5
"""Failures one after the other from which on the webhook itself is given a rest, and not only the message."""
FIRST_REST, LONGEST_REST = 30, HOUR
"""Seconds; each rest is twice the one before."""
LONGEST_WAIT: Final = 24 * HOUR
"""Seconds for which it is believed that nothing shall be sent."""
FAILING_FOR: Final = 3 * 24 * HOUR * SECOND
"""Microseconds without any success after which a webhook whose message is given up is paused."""

WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"
OK: Final = range(200, 300)
GONE: Final = 410


@value
class HookAnswer:
    """A webhook's answer: its status (None if there was none), why it failed in our words, and for how many seconds it
    wants nothing more."""

    status: int | None
    said: str = ""
    retry_after: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether it took the message."""
        return self.status in OK


@value
class Tried:
    """Tries of a message, the one that was answered included; failures of its webhook in a row before that, and since
    when it took nothing."""

    tries: int
    failures: int
    failing_since: int | None


@value
class HookVerdict:
    """The state of the message now, when it is sent again, from when on its webhook may be sent anything, and whether
    that is to be paused."""

    state: str
    due: int
    rest: int
    pauses: bool = False


def judge(answer: HookAnswer, tried: Tried, now: int, noise: int) -> HookVerdict:
    """The fate of a message, and of its webhook; `noise` is any whole number from 0 on."""
    if answer.accepted:
        return HookVerdict(DELIVERED, now, 0)
    if answer.status == GONE:
        return HookVerdict(DEAD, now, 0, pauses=True)
    wanted = min(answer.retry_after or 0, LONGEST_WAIT) * SECOND
    rest = now + max(wanted, _rest(tried.failures + 1))
    if tried.tries > len(PAUSES):
        since = now if tried.failing_since is None else tried.failing_since
        return HookVerdict(DEAD, now, rest, pauses=now - since >= FAILING_FOR)
    pause = PAUSES[tried.tries - 1] * SECOND
    longer = pause * (noise % NOISES) // (NOISES * MOST_NOISE)
    return HookVerdict(WAITING, now + max(pause + longer, wanted), rest)


def _rest(failures: int) -> int:
    """Microseconds."""
    if failures < IN_A_ROW:
        return 0
    return min(FIRST_REST << min(failures - IN_A_ROW, 16), LONGEST_REST) * SECOND
