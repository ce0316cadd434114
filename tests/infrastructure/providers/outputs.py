"""What a delivery brought along."""

from __future__ import annotations

from application.ports import Delivery, Media


def at_hand(delivery: Delivery) -> tuple[Media, ...]:
    """The outputs, none of which is still elsewhere."""
    outputs = tuple(output for output in delivery.outputs if isinstance(output, Media))
    assert len(outputs) == len(delivery.outputs)
    return outputs
