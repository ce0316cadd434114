"""What providers said of their failures: erasable, for people, and beside the log."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0008"
down_revision = "0007"

ID = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "words",
        Column("operation", ID, primary_key=True),
        Column("said", Text, nullable=False),
    )
