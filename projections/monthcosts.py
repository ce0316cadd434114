"""Our recorded costs of a provider's month by model, as far as the views are folded.

    costs and charges                               sums of the view of providers' costs: by days of UTC, and before and
                                                    after them by quarters of an hour
    what is open; what cost without being charged   the few such rows of the operation log, by an index of them alone

Both are read by one statement, so that they are of one moment.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from application.keeping.invoicedmonths import ModelCost
from domain.periods import QUARTER
from projections.engine.database import ViewDatabase
from projections.views.operations import APART, OPERATIONS, SENT
from projections.views.providercosts import DAY, PROVIDER_COSTS

_SENT = ", ".join(f"'{state}'" for state in SENT)


def _sums(span: int, since: str, until: str) -> str:
    """The rows of one length that begin between two parameters."""
    return (
        "SELECT model, charged AS operations, cost_unknown AS unknown, estimated, 0 AS sent, cost"
        f" FROM {PROVIDER_COSTS.name}"
        f" WHERE provider = :provider AND span = {span} AND begins >= :{since} AND begins < :{until}"
    )


QUERY: Final = f"""
    SELECT model, CAST(sum(operations) AS BIGINT), CAST(sum(unknown) AS BIGINT), CAST(sum(estimated) AS BIGINT),
        CAST(sum(sent) AS BIGINT), CAST(sum(cost) AS BIGINT)
    FROM (
        {_sums(DAY, "first", "last")} UNION ALL {_sums(QUARTER, "since", "first")}
        UNION ALL {_sums(QUARTER, "last", "until")} UNION ALL
        SELECT model, CASE WHEN state = 'released' THEN 1 ELSE 0 END, 0, 0,
            CASE WHEN state IN ({_SENT}) THEN 1 ELSE 0 END, 0
        FROM {OPERATIONS.name}
        WHERE provider = :provider AND requested_at >= :since AND requested_at < :until AND ({APART})
    ) AS parts
    GROUP BY model HAVING sum(operations) + sum(sent) > 0 ORDER BY model
"""


class CostsOfMonths:
    """Implements MonthCosts on views, which whoever asks brings up first; blocking."""

    def __init__(self, database: ViewDatabase) -> None:
        self._database = database

    def of_month(self, provider: str, since: int, until: int) -> list[ModelCost]:
        """By model, of a span that quarters of an hour tile. Raises StoreUnavailable."""
        query = text(QUERY).bindparams(provider=provider, **bounds(since, until))
        return [ModelCost(model, *map(int, numbers)) for model, *numbers in self._database.rows(query)]


def bounds(since: int, until: int) -> dict[str, int]:
    """A span, and where its whole days of UTC begin and end; both at its end if it has none."""
    first, last = -(-since // DAY) * DAY, until // DAY * DAY
    if first > last:
        first = last = until
    return {"since": since, "until": until, "first": first, "last": last}
