"""The log, and what stands beside it: its index, what is open and who works on it, content and words."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Integer, LargeBinary, Text, UniqueConstraint

from infrastructure.store.schema import FACTS

revision = "0001"
down_revision = None

POSITION = BigInteger().with_variant(Integer(), "sqlite")
ID = Text().with_variant(Text(collation="C"), "postgresql")
ROOM_TO_UPDATE = {"accounts": 70, "operations": 80, "leases": 70}
"""Per cent filled: rows that are updated in place need no new index entries while their page has room."""


def upgrade() -> None:
    _log()
    _index()
    _queue()
    _contents()
    _words()
    _operation_tags()
    _key_names()
    _webhooks()
    _alerts()
    _erased()
    _watch()
    _relays()
    _archive()
    if op.get_context().dialect.name == "postgresql":
        for table, percent in ROOM_TO_UPDATE.items():
            op.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")


def _log() -> None:
    op.create_table(
        "log",
        Column("position", POSITION, Identity(), primary_key=True),
        Column("stream", ID, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("operation", ID),
        Column("actor", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        UniqueConstraint("stream", "version", name="log_stream_version"),
    )
    op.create_index("log_operation", "log", ["operation"])
    op.get_bind().exec_driver_sql(FACTS[op.get_context().dialect.name])
    op.create_table(
        "accounts",
        Column("id", ID, primary_key=True),
        Column("revision", BigInteger, nullable=False),
        Column("stream", ID, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        Column("terms_version", BigInteger, nullable=False),
        Column("terms_hash", LargeBinary, nullable=False),
        Column("last", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table("departed", Column("stream", ID, primary_key=True))


def _index() -> None:
    op.create_table(
        "operations",
        Column("id", ID, primary_key=True),
        Column("account", ID, nullable=False),
        Column("stream", ID, nullable=False),
        Column("phase", Text, nullable=False),
        Column("charged", BigInteger, nullable=False),
        Column("adjusted", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "keys",
        Column("account", ID, primary_key=True),
        Column("key", ID, primary_key=True),
        Column("reference", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "jobs",
        Column("provider", ID, primary_key=True),
        Column("job", ID, primary_key=True),
        Column("operation", ID, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leases",
        Column("operation", ID, primary_key=True),
        Column("account", ID, nullable=False),
        Column("owner", Text, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _queue() -> None:
    op.create_table(
        "queue",
        Column("operation", ID, primary_key=True),
        Column("account", ID, nullable=False),
        Column("provider", ID, nullable=False),
        Column("place", Integer, nullable=False),
    )
    op.create_index("queue_lines", "queue", ["account", "provider", "place", "operation"])
    op.create_table(
        "slots",
        Column("provider", ID, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("owner", Text, nullable=False),
        Column("until", BigInteger, nullable=False),
    )
    op.create_table("turns", Column("account", ID, primary_key=True), Column("served", BigInteger, nullable=False))


def _words() -> None:
    op.create_table(
        "asset_words",
        Column("row", POSITION, Identity(), primary_key=True),
        Column("account", ID, nullable=False),
        Column("asset", ID, nullable=False),
        Column("title", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("favourite", Integer, nullable=False),
        Column("prompt", Text, nullable=False),
        UniqueConstraint("account", "asset", name="asset_words_asset"),
    )
    op.create_table(
        "asset_tags",
        Column("account", ID, primary_key=True),
        Column("asset", ID, primary_key=True),
        Column("tag", ID, primary_key=True),
    )
    op.create_index("asset_tags_tag", "asset_tags", ["account", "tag"])
    op.create_table(
        "asset_collections",
        Column("account", ID, primary_key=True),
        Column("name", ID, primary_key=True),
        Column("description", Text, nullable=False),
        Column("made_at", BigInteger, nullable=False),
    )
    op.create_table(
        "collected_assets",
        Column("account", ID, primary_key=True),
        Column("collection", ID, primary_key=True),
        Column("asset", ID, primary_key=True),
    )
    op.create_index("collected_assets_asset", "collected_assets", ["account", "asset"])
    op.create_table(
        "search_mark",
        Column("one", Integer, primary_key=True, autoincrement=False),
        Column("position", BigInteger, nullable=False),
        CheckConstraint("one = 1", name="search_mark_is_one"),
    )
    _search()


def _operation_tags() -> None:
    op.create_table(
        "operation_tags",
        Column("operation", ID, primary_key=True),
        Column("name", ID, primary_key=True),
        Column("account", ID, nullable=False),
        Column("value", ID, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("operation_tags_name", "operation_tags", ["account", "name", "value"])


def _key_names() -> None:
    op.create_table(
        "key_names",
        Column("account", ID, primary_key=True),
        Column("key", ID, primary_key=True),
        Column("name", Text, nullable=False),
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        Column("webhook", ID, primary_key=True),
        Column("account", ID, nullable=False),
        Column("owner", Text, nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("served", BigInteger, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("failing_since", BigInteger),
        Column("rest", BigInteger, nullable=False),
    )
    op.create_index("webhooks_account", "webhooks", ["account"])
    op.create_table(
        "webhook_messages",
        Column("webhook", ID, primary_key=True),
        Column("id", ID, primary_key=True),
        Column("account", ID, nullable=False),
        Column("event", Text, nullable=False),
        Column("operation", ID, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("due", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("last", BigInteger),
        Column("status", Integer),
        Column("said", Text, nullable=False),
    )
    op.create_index("webhook_messages_due", "webhook_messages", ["state", "webhook", "due", "position"])
    op.create_index("webhook_messages_newest", "webhook_messages", ["webhook", "position", "id"])
    op.create_table(
        "webhook_mark",
        Column("one", Integer, primary_key=True, autoincrement=False),
        Column("position", BigInteger, nullable=False),
        CheckConstraint("one = 1", name="webhook_mark_is_one"),
    )


def _erased() -> None:
    op.create_table(
        "erased_users",
        Column("account", ID, primary_key=True),
        Column("digest", ID, primary_key=True),
        Column("pseudonym", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _alerts() -> None:
    op.create_table(
        "alert_mark",
        Column("one", Integer, primary_key=True, autoincrement=False),
        Column("position", BigInteger, nullable=False),
        CheckConstraint("one = 1", name="alert_mark_is_one"),
    )
    op.create_table("alert_accounts", Column("account", ID, primary_key=True))


def _watch() -> None:
    op.create_table(
        "log_watch",
        Column("one", Integer, primary_key=True, autoincrement=False),
        Column("owner", Text, nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("verified", BigInteger, nullable=False),
        Column("problems", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("walk", LargeBinary),
        CheckConstraint("one = 1", name="log_watch_is_one"),
    )


def _relays() -> None:
    op.create_table(
        "relays",
        Column("target", ID, primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("owner", Text, nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("error", Text, nullable=False),
    )


def _archive() -> None:
    op.create_table(
        "archive_segments",
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False),
        Column("first", BigInteger, nullable=False),
        Column("last", BigInteger, nullable=False),
        Column("facts", BigInteger, nullable=False),
        Column("taken", BigInteger, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("digest", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
    )
    op.create_table(
        "archived_streams",
        Column("stream", ID, primary_key=True),
        Column("segment", Integer, primary_key=True, autoincrement=False),
        Column("first_version", BigInteger, nullable=False),
        Column("last_version", BigInteger, nullable=False),
        Column("low", ID, nullable=False),
        Column("high", ID, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def _search() -> None:
    """The index over words, by `asset_words.row`: each database has a kind of its own."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE asset_search USING fts5"
            " (title, description, tags, prompt, tokenize = 'unicode61 remove_diacritics 0')"
        )
    else:
        op.execute("CREATE TABLE asset_search (row bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX asset_search_words ON asset_search USING gin (words)")


def _contents() -> None:
    op.create_table(
        "contents",
        Column("batch", ID, primary_key=True),
        Column("account", ID, nullable=False),
        Column("secret", LargeBinary, nullable=False),
        Column("body", Text, nullable=False),
    )
    op.create_table(
        "words",
        Column("operation", ID, primary_key=True),
        Column("said", Text, nullable=False),
    )
    op.create_table(
        "snapshots",
        Column("stream", ID, primary_key=True),
        Column("version", BigInteger, primary_key=True),
        Column("topic", Text, nullable=False),
        Column("state", Text, nullable=False),
    )
    op.create_table(
        "asset_keys",
        Column("account", ID, primary_key=True),
        Column("key", LargeBinary, nullable=False),
    )
    op.create_table(
        "milestones",
        Column("scope", ID, primary_key=True),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary, nullable=False),
        Column("shape", Text, nullable=False),
        Column("body", LargeBinary, nullable=False),
    )
    op.create_table(
        "ledger",
        Column("one", Integer, primary_key=True),
        Column("id", ID, nullable=False),
        Column("asset_key", LargeBinary, nullable=False),
        Column("commit_order", Text),
        CheckConstraint("one = 1", name="ledger_is_one"),
    )
