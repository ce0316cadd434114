"""Walking the log as a bookkeeper does: fact by fact, remembering of those before only what later ones need."""

from __future__ import annotations

from domain.account import AccountOpened
from domain.ledger import Fact
from domain.operation import Charged, OperationFact, Released, Rerouted, Validated
from domain.postings import MOVES, Before, Postings, own_hold, postings_of

AFTERWARDS = Before(prepaid=False)


class Bookkeeper:
    """Posts facts in the order of the log; it keeps who pays beforehand, and what such accounts' open operations hold.

    Of facts that it was not shown, it has to be told.
    """

    def __init__(self) -> None:
        self._prepaid: dict[str, bool] = {}
        self._held: dict[str, int] = {}

    def knows(self, account: str) -> bool:
        """Whether it knows how the account pays."""
        return account in self._prepaid

    def is_prepaid(self, account: str) -> bool:
        """Whether an account that it knows pays beforehand."""
        return self._prepaid[account]

    def lacks(self, fact: Fact) -> bool:
        """Whether the fact ends or replaces a hold that it does not know."""
        if not isinstance(fact, Charged | Released | Rerouted):
            return False
        return self._prepaid[fact.operation.account] and fact.operation.id not in self._held

    def tell(self, account: str, *, prepaid: bool) -> None:
        """Let it know how an account pays."""
        self._prepaid[account] = prepaid

    def hold(self, operation: str, price: int) -> None:
        """Let it know what an operation holds."""
        self._held[operation] = price

    def post(self, fact: Fact) -> Postings:
        """The postings of the next fact. Raises KeyError for one of an account that it was not told about."""
        if isinstance(fact, AccountOpened):
            self.tell(fact.account, prepaid=fact.prepaid)
        if type(fact) not in MOVES:
            return postings_of(fact, AFTERWARDS)
        if not isinstance(fact, OperationFact):
            return postings_of(fact, Before(self._prepaid[fact.account]))
        prepaid, held = self._prepaid[fact.operation.account], self._held.get(fact.operation.id, 0)
        self._remember(fact, prepaid=prepaid)
        return postings_of(fact, Before(prepaid, held))

    def _remember(self, fact: OperationFact, *, prepaid: bool) -> None:
        if prepaid and isinstance(fact, Validated | Rerouted):
            self.hold(fact.operation.id, own_hold(fact))
        elif isinstance(fact, Charged | Released):
            self._held.pop(fact.operation.id, None)
