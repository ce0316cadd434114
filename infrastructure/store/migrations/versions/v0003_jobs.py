"""Whose each provider's job is, from the facts that say so."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0003"
down_revision = "0002"

ID = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "jobs",
        Column("provider", ID, primary_key=True),
        Column("job", ID, primary_key=True),
        Column("operation", ID, nullable=False),
    )
    op.execute(FILL[op.get_context().dialect.name])


FILL = {
    "sqlite": """INSERT INTO jobs (provider, job, operation)
        SELECT json_extract(state, '$.operation.provider'), json_extract(state, '$.job'), operation FROM log
        WHERE topic = 'operation.submitted'
        ON CONFLICT DO NOTHING""",
    "postgresql": """INSERT INTO jobs (provider, job, operation)
        SELECT state::jsonb -> 'operation' ->> 'provider', state::jsonb ->> 'job', operation FROM log
        WHERE topic = 'operation.submitted'
        ON CONFLICT DO NOTHING""",
}
