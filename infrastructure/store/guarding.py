"""The log's guard: triggers that refuse whatever is not an append, but for facts that an archive's segment holds.

    an operation's fact of a closed period ── its segment is whole ── a row of archived_streams ── deleted in the same
                                                                                                 transaction

On PostgreSQL that transaction also says that it archives; a DELETE without that is refused before it finds a row.
"""

from __future__ import annotations

APPEND_ONLY = "the log is append-only: correct it by appending a fact"
ARCHIVE_ONLY = "the archive is append-only: a segment is never changed"

ARCHIVING = "SELECT set_config('imagestudio.archiving', 'on', true)"
"""Said on PostgreSQL by the transaction that archives."""

_ARCHIVED = """EXISTS (SELECT 1 FROM archived_streams AS kept JOIN operations ON operations.stream = kept.stream
    WHERE kept.stream = {0}.stream AND {0}.version BETWEEN kept.first_version AND kept.last_version
    AND operations.id = {0}.operation AND operations.id BETWEEN kept.low AND kept.high)"""


def _refused_on_sqlite(table: str) -> tuple[str, ...]:
    return tuple(
        f"CREATE TRIGGER {table}_no_{what} BEFORE {what.upper()} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{ARCHIVE_ONLY}'); END"
        for what in ("update", "delete")
    )


SQLITE_TRIGGERS = (
    f"CREATE TRIGGER log_no_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    f"""CREATE TRIGGER log_no_delete BEFORE DELETE ON log WHEN NOT {_ARCHIVED.format("OLD")}
        BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END""",
    f"""CREATE TRIGGER log_no_replace BEFORE INSERT ON log
        WHEN EXISTS (SELECT 1 FROM log WHERE stream = NEW.stream AND version = NEW.version)
          OR EXISTS (SELECT 1 FROM log WHERE position = NEW.position)
        BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END""",
    *_refused_on_sqlite("archive_segments"),
    *_refused_on_sqlite("archived_streams"),
)

_ARMED = """CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {condition} RAISE EXCEPTION '{told}' USING ERRCODE = 'restrict_violation'; {end} END $$"""

POSTGRES_TRIGGERS = (
    _ARMED.format(name="log_is_append_only", condition="", told=APPEND_ONLY, end=""),
    _ARMED.format(name="archive_is_append_only", condition="", told=ARCHIVE_ONLY, end=""),
    _ARMED.format(
        name="log_is_archived",
        condition="IF current_setting('imagestudio.archiving', true) IS DISTINCT FROM 'on' THEN",
        told=APPEND_ONLY,
        end="END IF; RETURN NULL;",
    ),
    _ARMED.format(
        name="log_was_archived",
        condition=f"IF EXISTS (SELECT 1 FROM gone WHERE NOT {_ARCHIVED.format('gone')}) THEN",
        told=APPEND_ONLY,
        end="END IF; RETURN NULL;",
    ),
    """CREATE TRIGGER log_append_only BEFORE UPDATE OR TRUNCATE ON log
        FOR EACH STATEMENT EXECUTE FUNCTION log_is_append_only()""",
    """CREATE TRIGGER log_no_delete BEFORE DELETE ON log
        FOR EACH STATEMENT EXECUTE FUNCTION log_is_archived()""",
    """CREATE TRIGGER log_no_loss AFTER DELETE ON log REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION log_was_archived()""",
    *(
        f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION archive_is_append_only()"""
        for table in ("archive_segments", "archived_streams")
    ),
)

TRIGGERS = {"sqlite": SQLITE_TRIGGERS, "postgresql": POSTGRES_TRIGGERS}
TRIGGER_NAMES = {
    "sqlite": ("log_no_update", "log_no_delete", "log_no_replace"),
    "postgresql": ("log_append_only", "log_no_delete", "log_no_loss"),
}
"""By database, those of the log."""
ARCHIVE_TABLES = ("archive_segments", "archived_streams")
ARCHIVE_TRIGGERS = {
    "sqlite": tuple((table, f"{table}_no_{what}") for table in ARCHIVE_TABLES for what in ("update", "delete")),
    "postgresql": tuple((table, f"{table}_append_only") for table in ARCHIVE_TABLES),
}
"""By database, those of the archive's tables, and of which each is."""
