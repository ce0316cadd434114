"""How Alembic reaches the database: through the transaction that holds the lock, and through no other."""

from __future__ import annotations

from alembic import context

from infrastructure.store.schema import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    version_table=VERSION_TABLE,
)
context.run_migrations()
