"""The `imagestudio` command line: every command does one thing, prints one answer and ends with one exit code.

    0  done                          4  the provider failed or does not answer; nothing was charged
    1  something was found amiss     5  the provider's answer is not known yet; the hold stands
    2  the request is wrong          6  the database or a file did not do its part
    3  a limit or price refused it   130, 141  interrupted; nobody reads on

Code 1 is the answer of audit, reconcile, catalogue check and providers check: there are differences, or a provider
fails. Answers go to stdout, everything else to stderr. With --json both are JSON. Nothing here decides, prices or
recovers.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from infrastructure.collector import THRESHOLDS

if TYPE_CHECKING:
    from infrastructure.assembly import Parts

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, parts: Parts | None = None) -> int:
    """Run one command; the exit code, as `sys.exit` takes it. Without arguments it is the program, which then ends.

    `parts` are exchanged in the studio of the command, as in `open_studio`; None takes the usual ones.
    """
    if arguments is not None:
        return _run(list(arguments), parts)
    gc.set_threshold(
        *THRESHOLDS
    )  # loading makes half a million objects that stay: looking for garbage was a sixth of it
    code = _run(sys.argv[1:], parts)
    gc.freeze()  # all is closed; looking through every loaded module for garbage would take a tenth of a command's time
    return code


def _run(given: list[str], parts: Parts | None) -> int:
    from infrastructure.cli.failures import guarded
    from infrastructure.cli.session import PARTS

    PARTS.set(parts)
    root = _root()
    return guarded(lambda: root.main(given, prog_name="imagestudio", standalone_mode=False), given)


@cache
def _root() -> Any:
    """The command of all commands, made once for whoever runs several in a process.

    It is called by itself: Typer's own call puts its own hook for tracebacks in place of ours.
    """
    from typer.main import get_command

    from infrastructure.cli.app import app

    return get_command(app)
