"""The tables of the ledger. The log is append-only; what stands beside it is an index, a lease or erasable content."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

VERSION_TABLE = "imagestudio_schema"
"""The table of the schema's revision; Alembic's usual table may be another program's in the same database."""

POSITION = BigInteger().with_variant(Integer(), "sqlite")

ID = Text().with_variant(Text(collation="C"), "postgresql")
"""Ids compare byte by byte on every server, whatever its language; ranges and the order of locks rest on it."""

LOG = Table(
    "log",
    METADATA,
    Column("position", POSITION, Identity(), primary_key=True),
    Column("stream", ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("operation", ID),
    Column("actor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("stream", "version", name="log_stream_version"),
    Index("log_operation", "operation"),
)

ACCOUNTS = Table(
    "accounts",
    METADATA,
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

OPERATIONS = Table(
    "operations",
    METADATA,
    Column("id", ID, primary_key=True),
    Column("account", ID, nullable=False),
    Column("stream", ID, nullable=False),
    Column("phase", Text, nullable=False),
    Column("charged", BigInteger, nullable=False),
    Column("adjusted", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

KEYS = Table(
    "keys",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("key", ID, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    sqlite_with_rowid=False,
)

JOBS = Table(
    "jobs",
    METADATA,
    Column("provider", ID, primary_key=True),
    Column("job", ID, primary_key=True),
    Column("operation", ID, nullable=False),
    sqlite_with_rowid=False,
)
"""Whose each provider's job is; the key keeps one job from ever being settled for two operations."""

LEASES = Table(
    "leases",
    METADATA,
    Column("operation", ID, primary_key=True),
    Column("account", ID, nullable=False),
    Column("owner", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

QUEUE = Table(
    "queue",
    METADATA,
    Column("operation", ID, primary_key=True),
    Column("account", ID, nullable=False),
    Column("provider", ID, nullable=False),
    Column("place", Integer, nullable=False),
    Index("queue_lines", "account", "provider", "place", "operation"),
)
"""Operations that are held and that no process works on yet; `place` is their priority's, 0 the first."""

TURNS = Table(
    "turns",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("served", BigInteger, nullable=False),
)
"""When the queue last served each account: whose turn it is hangs on nothing else."""

SLOTS = Table(
    "slots",
    METADATA,
    Column("provider", ID, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""How much each provider is given at a time, and how fast: see `slots.py`."""

CONTENTS = Table(
    "contents",
    METADATA,
    Column("batch", ID, primary_key=True),
    Column("account", ID, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("body", Text, nullable=False),
)

OPERATION_TAGS = Table(
    "operation_tags",
    METADATA,
    Column("operation", ID, primary_key=True),
    Column("name", ID, primary_key=True),
    Column("account", ID, nullable=False),
    Column("value", ID, nullable=False),
    Index("operation_tags_name", "account", "name", "value"),
    sqlite_with_rowid=False,
)
"""Callers' words about their operations. A row without a name says that there were some, which were erased."""

WORDS = Table(
    "words",
    METADATA,
    Column("operation", ID, primary_key=True),
    Column("said", Text, nullable=False),
)
"""A provider's words about a failure: they may repeat what was asked, so they are erased with that."""

ASSET_WORDS = Table(
    "asset_words",
    METADATA,
    Column("row", POSITION, Identity(), primary_key=True),
    Column("account", ID, nullable=False),
    Column("asset", ID, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("favourite", Integer, nullable=False),
    Column("prompt", Text, nullable=False),
    UniqueConstraint("account", "asset", name="asset_words_asset"),
)
"""People's words about an asset, and those of the prompt that made it: erased with the asset, and with that."""

ASSET_TAGS = Table(
    "asset_tags",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("asset", ID, primary_key=True),
    Column("tag", ID, primary_key=True),
    Index("asset_tags_tag", "account", "tag"),
)

ASSET_COLLECTIONS = Table(
    "asset_collections",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("name", ID, primary_key=True),
    Column("description", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
)

COLLECTED_ASSETS = Table(
    "collected_assets",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("collection", ID, primary_key=True),
    Column("asset", ID, primary_key=True),
    Index("collected_assets_asset", "account", "asset"),
)

KEY_NAMES = Table(
    "key_names",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("key", ID, primary_key=True),
    Column("name", Text, nullable=False),
)
"""The names that people give to API keys."""

WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("webhook", ID, primary_key=True),
    Column("account", ID, nullable=False),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("served", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("rest", BigInteger, nullable=False),
    Index("webhooks_account", "account"),
)
"""Which process sends to each webhook, and how that goes: see `hooks.py`."""

WEBHOOK_MESSAGES = Table(
    "webhook_messages",
    METADATA,
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
    Index("webhook_messages_due", "state", "webhook", "due", "position"),
    Index("webhook_messages_newest", "webhook", "position", "id"),
)
"""Messages to webhooks, and their fate."""

WEBHOOK_MARK = Table(
    "webhook_mark",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="webhook_mark_is_one"),
)
"""How far in the log its facts have become messages."""

ALERT_MARK = Table(
    "alert_mark",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="alert_mark_is_one"),
)
"""How far the log was watched for alerts."""

ALERT_ACCOUNTS = Table("alert_accounts", METADATA, Column("account", ID, primary_key=True))
"""The accounts that have, or had, alerts."""

LOG_WATCH = Table(
    "log_watch",
    METADATA,
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
"""Who verifies the log, until when that holds, how far it is, and what it needs to go on."""

RELAYS = Table(
    "relays",
    METADATA,
    Column("target", ID, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
)
"""How far the books are told to others, and which process tells them: see `relays.py`."""

SEARCH_MARK = Table(
    "search_mark",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="search_mark_is_one"),
)
"""How far in the log the prompts are indexed."""

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("stream", ID, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("state", Text, nullable=False),
)

MILESTONES = Table(
    "milestones",
    METADATA,
    Column("scope", ID, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("shape", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
"""The sums of views at some positions of the log: a shortcut for those who ask for the past."""

ERASED_USERS = Table(
    "erased_users",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("digest", ID, primary_key=True),
    Column("pseudonym", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""The names by which erased users are shown, by a digest of account and user: their ids stand in the log alone."""

LEDGER = Table(
    "ledger",
    METADATA,
    Column("one", Integer, primary_key=True),
    Column("id", ID, nullable=False),
    Column("asset_key", LargeBinary, nullable=False),
    Column("commit_order", Text),
    CheckConstraint("one = 1", name="ledger_is_one"),
)
"""Which ledger this is, and the key of its assets' ids, in one row: made when it is first opened for writing, and the
same for ever. How commits are ordered on PostgreSQL may be chosen anew: none is by the lock."""

ASSET_KEYS = Table(
    "asset_keys",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("key", LargeBinary, nullable=False),
)
"""The keys of the assets' ids of accounts that came from another ledger, by whose key they were named."""

ARCHIVE_SEGMENTS = Table(
    "archive_segments",
    METADATA,
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
"""The files that hold facts of closed periods; so many of them were `taken` out of the log."""

ARCHIVED_STREAMS = Table(
    "archived_streams",
    METADATA,
    Column("stream", ID, primary_key=True),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("first_version", BigInteger, nullable=False),
    Column("last_version", BigInteger, nullable=False),
    Column("low", ID, nullable=False),
    Column("high", ID, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Which versions of a stream a segment holds, the lowest and the highest of the operations that were taken out of it,
and the hash at its end. The log's guard lets such operations' facts be deleted, and no others."""

DEPARTED = Table("departed", METADATA, Column("stream", ID, primary_key=True))
"""The streams of accounts that have gone to other ledgers: their facts stay, and no view counts them."""

_SHORT = (
    "substr(topic, 1, 10) = 'operation.' AND substr(state, 1, 1) = '{' AND substr(state, 1, 14) <> '{\"operation\":{'"
)
_BEGUN = "FROM log AS begun WHERE begun.operation = log.operation AND begun.topic = 'operation.requested'"
_FACTS = """CREATE VIEW facts AS SELECT position, stream, version, topic, operation, actor, CASE WHEN {short}
    THEN coalesce('{{"operation":' || (SELECT {record} {begun}) || ',' || substr(state, 2), state)
    ELSE state END AS state, hash FROM log"""
FACTS = {
    "sqlite": _FACTS.format(short=_SHORT, begun=_BEGUN, record="json_extract(begun.state, '$.operation')"),
    "postgresql": _FACTS.format(short=_SHORT, begun=_BEGUN, record="(begun.state::json -> 'operation')::text"),
}
"""For whoever asks in SQL: the log with whole states, of facts that are stored short too (see `shortening`)."""
