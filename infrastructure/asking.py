"""The one entry of a studio, and the approvals that it asks for, made of the parts that they share with the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.asking.approvals import Approvals
from application.asking.intake import Intake
from application.asking.operations import Operations
from application.asking.results import Results
from application.ledger.facts import OperationFacts
from application.performing.intervention import Intervention
from infrastructure.clock import new_id
from infrastructure.store.erasedusers import shown_codec
from infrastructure.waiting import ApprovalsInViews

if TYPE_CHECKING:
    from infrastructure.assembly import Assembly


def the_entry(made: Assembly) -> Operations:
    """The entry on the writer, the index and the providers of an assembly."""
    shown = OperationFacts(made.reader, shown_codec(made.database, made.codec))
    results = Results(shown, made.assets, made.index, made.contents, made.parts.largest_held)
    intake = Intake(made.preparer, made.writer, made.ledgers, made.ownership, results, made.approvals)
    return Operations(
        intake=made.around.intake(intake),
        performer=made.performer,
        results=results,
        intervention=Intervention(made.performer, made.histories),
        feed=made.feed,
        operator=made.operator,
        wait_seconds=made.settings.wait_seconds,
    )


def approvals_of(made: Assembly) -> Approvals:
    """People's leave, on the writer and the log of an assembly."""
    return Approvals(
        writer=made.writer,
        reader=made.reader,
        codec=made.codec,
        index=made.index,
        clock=made.clock,
        new_id=new_id,
        operator=made.operator,
        records=ApprovalsInViews(made.views),
    )
