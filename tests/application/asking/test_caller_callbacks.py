"""A caller's own callback may break: that is told once, and is nobody else's mistake."""

from __future__ import annotations

import pytest

from application.asking.progress import Heard, heard
from application.ports import silent


def test_a_callback_that_raises_is_called_again_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[object, ...]] = []

    def broken(*what: object) -> None:
        told.append(what)
        raise ZeroDivisionError("a lake")

    callback = Heard(broken)
    callback(0.5, "working")
    callback(3, 7)
    [record] = [one.getMessage() for one in caplog.records]
    assert told == [(0.5, "working"), (3, 7)]
    assert "a progress callback raised ZeroDivisionError at test_caller_callbacks.py" in record
    assert "a lake" not in record


def test_whoever_interrupts_is_not_held_up() -> None:
    def interrupted(_fraction: float, _message: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        heard(interrupted)(0.5, "working")


def test_nobody_s_callback_is_left_as_it_is() -> None:
    assert heard(silent) is silent
