"""What a rebuild is compared with: one `INSERT … SELECT … GROUP BY` a view, over the JSON of whole facts.

The log stores facts short; that they are whole is given to SQL, and costs it nothing.

The same tables with the same keys and, afterwards, the same indexes; the same transaction on SQLite, plenty of
memory for sorting and hashing on PostgreSQL, where each row is parsed once (as jsonb). The rows are the views' own, to
the last column, which `differences` counts; that holds for logs without reroutes, late deliveries and inputs, as here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, MetaData

from application.ledger.log import fact_name
from domain.periods import QUARTER
from infrastructure.store.database import Database
from infrastructure.store.facts import NAMES
from projections.engine.columns import Role
from projections.engine.tables import indexes_of, table_of
from projections.engine.view import AnyView
from projections.views import ALL
from projections.views.approvals import APPROVALS
from projections.views.assets import ASSETS
from projections.views.books import BOOKS
from projections.views.corrections import CORRECTIONS
from projections.views.costs import COSTS
from projections.views.links import LINKS
from projections.views.operations import OPERATIONS
from projections.views.periods import PERIODS
from projections.views.providercosts import DAY, PROVIDER_COSTS
from projections.views.quarters import KNOWN, QUARTERS
from projections.views.spend import SPEND
from projections.views.usage import USAGE

SUFFIX = "__sql"
WHOLE = f"whole{SUFFIX}"
"""The table of whole facts."""

COUNTED = ("requested", "rejected", "charged", "provider_failed", "released", "adjusted")
MONEY = ("charged", "released", "adjusted")
TRUE = "'true'"
SORTING_MEMORY = "SET LOCAL work_mem = '256MB'"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database reads one value of an entry's JSON."""

    is_sqlite: bool

    def text(self, path: str) -> str:
        """A text by its path, NULL where there is none."""
        if self.is_sqlite:
            return f"json_extract(state, '$.{path}')"
        return f"(state #>> '{{{path.replace('.', ',')}}}')"

    def whole(self, path: str) -> str:
        """A whole number."""
        return self.text(path) if self.is_sqlite else f"{self.text(path)}::bigint"

    def millionths(self, path: str) -> str:
        """A decimal text in millionths."""
        kind = "real" if self.is_sqlite else "numeric"
        return f"cast(cast({self.text(path)} AS {kind}) * 1000000 AS bigint)"

    def month(self, later: str) -> str:
        """The first instant of the entry's calendar month in UTC, or of a later one."""
        at = self.whole("at")
        if self.is_sqlite:
            steps = ", ".join(f"'{step}'" for step in ("unixepoch", "start of month", later) if step)
            return f"cast(strftime('%s', {at} / 1000000, {steps}) AS integer) * 1000000"
        month = f"date_trunc('month', to_timestamp({at} / 1000000) AT TIME ZONE 'UTC')"
        return f"(extract(epoch FROM {month} + interval '{later or '0'}') * 1000000)::bigint"

    def file(self, name: str) -> str:
        """A text of one of an entry's files."""
        return f"json_extract(value, '$.{name}')" if self.is_sqlite else f"(value ->> '{name}')"

    def files(self, topics: Iterable[str]) -> str:
        """The files that entries of these names delivered, a row each, with their `place`."""
        if self.is_sqlite:
            names = ", ".join(f"'{topic}'" for topic in topics)
            return f"{WHOLE}, json_each(state, '$.assets') WHERE topic IN ({names})"
        return f"{self.log(topics)}, jsonb_array_elements(state -> 'assets') WITH ORDINALITY AS file (value, place)"

    def spans(self, topics: Iterable[str]) -> str:
        """The entries of these names, once for a quarter of an hour and once for a day."""
        spans = f"(SELECT {QUARTER} AS span UNION ALL SELECT {DAY}) AS spans"
        if self.is_sqlite:
            names = ", ".join(f"'{topic}'" for topic in topics)
            return f"{WHOLE}, {spans} WHERE topic IN ({names})"
        return f"{self.log(topics)}, {spans}"

    def log(self, topics: Iterable[str]) -> str:
        """The entries of these names; PostgreSQL would parse each again for every column but for the OFFSET."""
        names = ", ".join(f"'{topic}'" for topic in topics)
        if self.is_sqlite:
            return f"{WHOLE} WHERE topic IN ({names})"
        return (
            f"(SELECT operation, topic, state::jsonb AS state FROM {WHOLE} WHERE topic IN ({names}) OFFSET 0) AS facts"
        )


STORED = {fact_name(name): name for name in NAMES}
"""By a fact's name, the one that it is stored under today; the logs that benchmarks fill hold today's alone."""


def _operation(*facts: str) -> tuple[str, ...]:
    return tuple(STORED[f"operation.{fact}"] for fact in facts)


def _when(*facts: str) -> str:
    return f"FILTER (WHERE topic IN ({', '.join(repr(topic) for topic in _operation(*facts))}))"


def _count(*facts: str) -> str:
    return f"count(*) {_when(*facts)}"


def _count_if(condition: str, *facts: str) -> str:
    return f"coalesce(sum(CASE WHEN {condition} THEN 1 ELSE 0 END) {_when(*facts)}, 0)"


def _sum(value: str, *facts: str) -> str:
    return f"coalesce(sum({value}) {_when(*facts)}, 0)"


def _sums(sql: Dialect) -> dict[str, str]:
    """The measures that the summaries share."""
    price, cost = sql.whole("price"), sql.whole("cost")
    unknown, revealed = f"{sql.text('cost')} IS NULL", f"{sql.text('revealed')} IN ({'1' if sql.is_sqlite else TRUE})"
    estimated = f"'estimated' IN ({sql.text('price_source')}, {sql.text('cost_source')})"
    return {
        "operations": _count("requested"),
        "asked": _sum(sql.whole("outputs"), "requested"),
        "rejected": _count("rejected"),
        "charged": _count("charged"),
        "failed": _count("provider_failed"),
        "released": _count("released"),
        "outputs": _sum(sql.whole("outputs"), "charged"),
        "price": _sum(price, "charged", "adjusted"),
        "adjusted": _sum(price, "adjusted"),
        "cost": _sum(cost, *MONEY),
        "cost_unknown": f"{_count_if(unknown, 'charged', 'released')} - {_count_if(revealed, 'adjusted')}",
        "estimated": _count_if(estimated, "charged", "released"),
        "cost_currency": f"max({sql.text('cost_currency')}) {_when(*MONEY)}",
    }


def _period(sql: Dialect) -> dict[str, str]:
    return {
        f"period_{end}": f"coalesce({sql.whole(f'period.{end}')}, {sql.whole(f'operation.period.{end}')})"
        for end in ("start", "end")
    }


def _usage(sql: Dialect) -> tuple[Mapping[str, str], str]:
    keys = {name: sql.text(f"operation.{name}") for name in ("account", "user", "kind")}
    keys["api_key"] = f"coalesce({sql.text('operation.api_key')}, '')"
    currency = f"max({sql.text('currency')}) {_when(*MONEY)}"
    return {**keys, **_period(sql), **_sums(sql), "currency": currency}, sql.log(_operation(*COUNTED))


def _periods(sql: Dialect) -> tuple[Mapping[str, str], str]:
    """Plans here cost nothing, and no grants are given."""
    account = f"coalesce({sql.text('account')}, {sql.text('operation.account')})"
    opened, paid, returned = (
        f"FILTER (WHERE topic = '{STORED[name]}')"
        for name in ("ledger.period_opened", "ledger.credit_added", "ledger.balance_returned")
    )
    books = {
        "carried": f"coalesce(sum({sql.whole('balance')}) {opened}, 0)",
        "credits": f"coalesce(sum({sql.whole('amount')}) {paid}, 0)",
        "returned": f"coalesce(sum({sql.whole('amount')}) {returned}, 0)",
        "subscriptions": "0",
        "covered": "0",
        "currency": f"max({sql.text('currency')}) {opened}",
        "plan": f"max({sql.text('plan')}) {opened}",
    }
    books_of = ("ledger.period_opened", "ledger.credit_added", "ledger.balance_returned")
    topics = (*_operation(*COUNTED), *(STORED[name] for name in books_of))
    return {"account": account, **_period(sql), **_sums(sql), **books}, sql.log(topics)


def _costs(sql: Dialect) -> tuple[Mapping[str, str], str]:
    keys = {name: sql.text(f"operation.{name}") for name in ("model", "provider")}
    units = {
        "units": _sum(sql.millionths("units"), "charged"),
        "unit": f"max({sql.text('unit')}) {_when('charged')}",
    }
    currency = {"currency": sql.text("currency")}
    months = {"month_start": sql.month(""), "month_end": sql.month("+1 month")}
    return {**keys, **currency, **months, **_sums(sql), **units}, sql.log(_operation(*MONEY))


def _provider_costs(sql: Dialect) -> tuple[Mapping[str, str], str]:
    keys = {name: sql.text(f"operation.{name}") for name in ("model", "provider")}
    begins = f"coalesce({sql.whole('asked')}, {sql.whole('at')}) / span * span"
    currency = f"max(coalesce({sql.text('cost_currency')}, {sql.text('currency')}))"
    return {**_sums(sql), **keys, "span": "span", "begins": begins, "currency": currency}, sql.spans(_operation(*MONEY))


def _spend(sql: Dialect) -> tuple[Mapping[str, str], str]:
    keys = {name: sql.text(f"operation.{name}") for name in ("account", "model", "provider")}
    day = f"coalesce({sql.text('day')}, {sql.text('operation.day')})"
    return {**keys, "day": day, "currency": sql.text("currency"), **_sums(sql)}, sql.log(_operation(*MONEY))


def _quarters(sql: Dialect) -> tuple[Mapping[str, str], str]:
    at, known = sql.whole("at"), sql.text("cost_source")
    keys = {name: sql.text(f"operation.{name}") for name in ("account", "user", "kind", "model", "provider")}
    maybe = {name: f"coalesce({sql.text(f'operation.{name}')}, '')" for name in ("project", "api_key")}
    ends = f"topic IN ({', '.join(repr(topic) for topic in _operation('rejected', 'released'))})"
    beside = {
        "quarter": f"{at} / {QUARTER} * {QUARTER}",
        "period_start": _period(sql)["period_start"],
        "currency": sql.text("currency"),
        "code": f"CASE WHEN {ends} THEN {sql.text('reason')} ELSE '' END",
    }
    price, moved = sql.whole("price"), _moved(sql)
    by = {
        column: f"{_sum(f'CASE WHEN {known} = {str(source)!r} THEN {price} ELSE 0 END', 'charged')} + {moved[column]}"
        for source, column in KNOWN.items()
    }
    more = {
        "failed": _count_if(f"{sql.text('reason')} <> 'cancelled'", "released"),
        "held": _sum(_held(sql), "charged"),
    }
    return {**keys, **maybe, **beside, **_sums(sql), **more, **by}, sql.log(_operation("rejected", *MONEY))


def _held(sql: Dialect) -> str:
    return f"coalesce({sql.whole('held')}, {sql.whole('price')})"


def _moved(sql: Dialect) -> dict[str, str]:
    """By how the cost of what was charged is known, the prices that corrections move."""
    price, worth, was = sql.whole("price"), sql.whole("worth"), f"coalesce({sql.text('was')}, 'unknown')"
    after = f"coalesce({sql.text('cost_source')}, {was})"
    return {
        column: f"{_sum(f'CASE WHEN {after} = {source!r} THEN {worth} + {price} ELSE 0 END', 'adjusted')}"
        f" - {_sum(f'CASE WHEN {was} = {source!r} THEN {worth} ELSE 0 END', 'adjusted')}"
        for source, column in ((str(one), column) for one, column in KNOWN.items())
    }


def _corrections(sql: Dialect) -> tuple[Mapping[str, str], str]:
    keys = {"operation": "operation", "quarter": f"{sql.whole('at')} / {QUARTER} * {QUARTER}"}
    currencies = {name: f"max({sql.text(name)})" for name in ("currency", "cost_currency")}
    period, whose = {"period_start": _period(sql)["period_start"]}, {"account": f"max({sql.text('operation.account')})"}
    return {**_sums(sql), **_moved(sql), **keys, **period, **whose, **currencies}, sql.log(_operation("adjusted"))


IDENTITY = ("batch", "account", "user", "project", "api_key", "kind", "model", "provider")
LIFE = ("requested", "rejected", "validated", "dispatched", "provider_completed", "charged", "released", "adjusted")
ENDS = ("charged", "released", "rejected")


def _operations(sql: Dialect) -> tuple[Mapping[str, str], str]:
    requested, validated, ended = _when("requested"), _when("validated"), _when(*ENDS)
    state = (
        f"CASE {' '.join(f'WHEN {_count(end)} > 0 THEN {end!r}' for end in ENDS)}"
        f" WHEN {_count('provider_completed')} > 0 THEN 'completed' WHEN {_count('dispatched')} > 0 THEN 'dispatched'"
        f" WHEN {_count('validated')} > 0 THEN 'validated' ELSE 'requested' END"
    )
    refused_in = f"max({sql.text('currency')}) {_when('rejected')}"
    held = f"CASE WHEN {_count(*ENDS)} > 0 THEN 0 ELSE max({sql.whole('quote.price')}) {validated} END"
    sums = {name: value for name, value in _sums(sql).items() if name in OPERATIONS.named(Role.SUM)}
    values = {
        "id": "operation",
        **sums,
        "late": "0",
        "lost": "0",
        "unlike": "0",
        **{name: f"max({sql.text(f'operation.{name}')}) {requested}" for name in IDENTITY},
        **{f"period_{end}": f"max({sql.whole(f'operation.period.{end}')}) {requested}" for end in ("start", "end")},
        "job": "cast(NULL AS text)",
        "asked": f"max({sql.whole('outputs')}) {requested}",
        "requested_at": f"max({sql.whole('at')}) {requested}",
        "settled_at": f"max({sql.whole('at')}) {ended}",
        "state": state,
        "reason": f"max({sql.text('reason')}) {_when('released', 'rejected')}",
        "held": held,
        "drawn": f"CASE WHEN {_count('validated')} > 0 THEN 0 END",
        "quoted": f"max({_held(sql)}) {_when('charged')}",
        "cost_currency": f"max({sql.text('cost_currency')}) {_when(*MONEY)}",
        "currency": f"coalesce(max({sql.text('quote.currency')}) {validated}, {refused_in})",
        "price_source": f"max({sql.text('price_source')}) {_when('charged')}",
        "cost_source": f"max({sql.text('cost_source')}) {_when('charged', 'released')}",
        "model_class": f"max(coalesce({sql.text('quote.model_class')}, 'real')) {_when('validated')}",
    }
    return values, sql.log(_operation(*LIFE))


def _links(sql: Dialect) -> tuple[Mapping[str, str], str]:
    count = "json_array_length(state, '$.assets')" if sql.is_sqlite else "jsonb_array_length(state -> 'assets')"
    values = {
        "operation": "operation",
        "role": "'output'",
        "place": "key" if sql.is_sqlite else "place - 1",
        "account": f"max({sql.text('operation.account')})",
        "asset": f"max({sql.file('id')})",
        "batch": f"max({sql.text('operation.batch')})",
        "field": "cast(NULL AS text)",
        "files": f"max({count})",
        "at": f"max({sql.whole('at')})",
    }
    return values, sql.files(_operation("provider_completed"))


def _assets(sql: Dialect) -> tuple[Mapping[str, str], str]:
    """Each is made once here, so what was first is what there is."""
    at = sql.whole("at")
    made_by = {name: f"max({sql.text(f'operation.{name}')})" for name in ("user", "kind", "model", "provider")}
    looks = {name: f"max(cast({sql.file(name)} AS bigint))" for name in ("size", "width", "height", "duration_ms")}
    values = {
        "account": sql.text("operation.account"),
        "id": sql.file("id"),
        "made": "count(*)",
        "used": "0",
        "media_type": f"max({sql.file('media_type')})",
        **looks,
        "first_seen": f"min({at})",
        **made_by,
        "project": f"coalesce(max({sql.text('operation.project')}), '')",
        "operation": "max(operation)",
        "last_seen": f"max({at})",
        "standing": "'kept'",
        "stood_at": f"max({at})",
        "expires": "cast(NULL AS bigint)",
    }
    return values, sql.files(_operation("provider_completed"))


def _books(sql: Dialect) -> tuple[Mapping[str, str], str]:
    """A row each posting, then summed; a correction of less than nothing has its ends swapped."""
    income, adjustments = (f"'{heading}:' || {sql.text('operation.model')}" for heading in ("income", "adjustments"))
    expense, payable = (f"'{heading}:' || {sql.text('operation.provider')}" for heading in ("expense", "payable"))
    price, cost, customer = sql.whole("price"), sql.whole("cost"), "'customer'"
    learned = f"{sql.text('revealed')} IN ({'1' if sql.is_sqlite else TRUE})"
    unknown = f"CASE WHEN {learned} THEN -1 WHEN {sql.text('cost')} IS NULL THEN 1 ELSE 0 END"
    opened, paid = ((STORED[f"ledger.{fact}"],) for fact in ("period_opened", "credit_added"))
    rows = " UNION ALL ".join(
        (
            _posting(sql, _operation("charged"), customer, income, price),
            _posting(sql, _operation("adjusted"), customer, adjustments, price),
            _posting(sql, _operation(*MONEY), expense, payable, cost),
            _posting(sql, paid, "'payments'", customer, sql.whole("amount")),
            _posting(sql, _operation(*MONEY), expense, payable, "0", unknown),
            _posting(sql, opened, customer, customer, "0"),
        )
    )
    keys = {name: name for name in ("account", "period_start", "period_end", "currency")}
    values = {
        **keys,
        "source": "CASE WHEN moved < 0 THEN destination ELSE source END",
        "destination": "CASE WHEN moved < 0 THEN source ELSE destination END",
        "amount": "sum(abs(moved))",
        "postings": "count(*) FILTER (WHERE moved <> 0)",
        "cost_unknown": "sum(cost_unknown)",
        "prepaid": "max(prepaid)",
    }
    return values, f"({rows}) AS posted WHERE moved <> 0 OR cost_unknown <> 0 OR prepaid IS NOT NULL"


def _posting(sql: Dialect, topics: Iterable[str], source: str, destination: str, moved: str, unknown: str = "0") -> str:
    period = ", ".join(f"{value} AS {column}" for column, value in _period(sql).items())
    prepaid = f"CASE WHEN topic = '{STORED['ledger.period_opened']}' THEN {sql.text('balance')} IS NOT NULL END"
    return (
        f"SELECT coalesce({sql.text('account')}, {sql.text('operation.account')}) AS account, {period},"
        f" {sql.text('currency')} AS currency, {source} AS source, {destination} AS destination,"
        f" coalesce({moved}, 0) AS moved, {unknown} AS cost_unknown,"
        f" {prepaid if sql.is_sqlite else f'({prepaid})::int'} AS prepaid FROM {sql.log(topics)}"
    )


def _approvals(sql: Dialect) -> tuple[Mapping[str, str], str]:
    """Each quote is asked for once here."""
    asked, given = (f"FILTER (WHERE topic = '{STORED[f'approval.{word}']}')" for word in ("asked", "given"))
    values = {
        "account": sql.text("account"),
        "quote": sql.text("quote"),
        **{name: f"max({sql.text(name)}) {asked}" for name in ("api_key", "model", "currency")},
        **{name: f"max({sql.whole(name)}) {asked}" for name in ("price", "expires")},
        "asked": f"max({sql.whole('at')}) {asked}",
        "given": f"max({sql.whole('at')}) {given}",
    }
    return values, sql.log(STORED[f"approval.{word}"] for word in ("asked", "given"))


SELECTS = {
    APPROVALS.name: _approvals,
    BOOKS.name: _books,
    USAGE.name: _usage,
    PERIODS.name: _periods,
    COSTS.name: _costs,
    SPEND.name: _spend,
    PROVIDER_COSTS.name: _provider_costs,
    QUARTERS.name: _quarters,
    CORRECTIONS.name: _corrections,
    OPERATIONS.name: _operations,
    LINKS.name: _links,
    ASSETS.name: _assets,
}


def statement(view: AnyView, sql: Dialect) -> str:
    """The one statement that builds a view's rows. Raises LookupError for a view that has none here yet."""
    if view.name not in SELECTS:
        raise LookupError(
            f"add {view.name!r} to SELECTS in {__name__}: its columns, and the part of the log that it reads"
        )
    values, log = SELECTS[view.name](sql)
    columns = ", ".join(f'"{column.name}"' for column in view.stored)
    selected = ", ".join(_cast(values[column.name], column.kind.is_whole, sql) for column in view.stored)
    keys = ", ".join(str(place) for place, column in enumerate(view.stored, 1) if column.role is Role.KEY)
    return f"INSERT INTO {view.name}{SUFFIX} ({columns}) SELECT {selected} FROM {log} GROUP BY {keys}"


def _cast(value: str, whole: bool, sql: Dialect) -> str:
    return f"({value})::bigint" if whole and not sql.is_sqlite else value


def unfold(database: Database) -> None:
    """Make the facts whole, once, before anything is measured."""
    with database.connect() as connection:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {WHOLE}")
        columns = "position, stream, operation, topic, state"
        connection.exec_driver_sql(f"CREATE TABLE {WHOLE} AS SELECT {columns} FROM facts ORDER BY position")
        if connection.dialect.name != "sqlite":
            connection.exec_driver_sql(f"ANALYZE {WHOLE}")


def build(database: Database) -> None:
    """Make the tables, fill each with one statement, and index them."""
    sql = Dialect(database.is_sqlite)
    with database.connect() as connection:
        if sql.is_sqlite:
            connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if sql.is_sqlite else "BEGIN")
        if not sql.is_sqlite:
            connection.exec_driver_sql(SORTING_MEMORY)
        for view in ALL:
            _build_one(connection, view, sql)
        connection.exec_driver_sql("COMMIT")


def _build_one(connection: Connection, view: AnyView, sql: Dialect) -> None:
    name = view.name + SUFFIX
    table = table_of(view, MetaData(), name)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
    table.create(connection)
    connection.exec_driver_sql(statement(view, sql))
    for index in indexes_of(view, table, SUFFIX):
        index.create(connection)
    if not sql.is_sqlite:
        connection.exec_driver_sql(f"ANALYZE {name}")


def differences(database: Database) -> int:
    """How many rows are in one of the two ways' tables and not in the other's."""
    count = 0
    with database.connect() as connection:
        for view in ALL:
            columns = ", ".join(f'"{column.name}"' for column in view.stored)
            ours, theirs = (f"SELECT {columns} FROM {name}" for name in (view.name, view.name + SUFFIX))
            for one, other in ((ours, theirs), (theirs, ours)):
                found = connection.exec_driver_sql(f"SELECT count(*) FROM ({one} EXCEPT {other}) AS missing")
                count += int(found.scalar_one())
    return count
