"""Our recorded costs of a provider's month by model, as far as the views are folded.

    costs and charges                               sums of the view of providers' costs, by quarters of an hour
    what is open; what cost without being charged   the few such rows of the operation log, by an index of them alone

Both are read by one statement, so that they are of one moment.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from application.keeping.invoicedmonths import ModelCost
from projections.engine.database import ViewDatabase
from projections.views.operations import APART, OPERATIONS, SENT
from projections.views.providercosts import PROVIDER_COSTS

_SENT = ", ".join(f"'{state}'" for state in SENT)

QUERY: Final = f"""
    SELECT model, CAST(sum(operations) AS BIGINT), CAST(sum(unknown) AS BIGINT), CAST(sum(estimated) AS BIGINT),
        CAST(sum(sent) AS BIGINT), CAST(sum(cost) AS BIGINT)
    FROM (
        SELECT model, charged AS operations, cost_unknown AS unknown, estimated, 0 AS sent, cost
        FROM {PROVIDER_COSTS.name} WHERE provider = :provider AND quarter >= :since AND quarter < :until
        UNION ALL
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
        query = text(QUERY).bindparams(provider=provider, since=since, until=until)
        return [ModelCost(model, *map(int, numbers)) for model, *numbers in self._database.rows(query)]
