"""Which periods are kept as snapshots with a group: now and then one, and those that several processes decide about.

    another process wrote much since ── take its snapshot ── decide ── leave one, instead of the one that was taken

A process that finds that much was written since it last had the account does not read that, but the state that another
one has left. If one process has an account, nobody leaves anything but now and then.
"""

from __future__ import annotations

from application.ledger.log import Codec, Head, PeriodSnapshot
from application.ledger.memory import Remembered
from application.ledger.transaction import Beside, SnapshotRow
from domain.totals import names_erased


def keep_period(beside: Beside, codec: Codec, every: int, remembered: Remembered, head: Head) -> None:
    """Snapshots cost in proportion to what is open, so they come the more rarely the more is open.

    Those that are left for others are replaced, but for one where a usual one would be.
    """
    current, far = remembered.ledger.current, max(every, 20 * remembered.weight)
    if current is None or not (remembered.shared or head.version - remembered.snapshot >= far):
        return
    if not names_erased(remembered.ledger.account, current):
        state = codec.encode_snapshot(PeriodSnapshot(remembered.stream, head.version, head.hash, current))
        beside.snapshots.append(SnapshotRow(remembered.stream, head.version, state))
        if remembered.shared and remembered.snapshot // far == head.version // far:
            beside.replaced.append((remembered.stream, remembered.snapshot))
    remembered.snapshot, remembered.shared = head.version, False
