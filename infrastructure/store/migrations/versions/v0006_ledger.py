"""Which ledger this is: a table for its id, which is made when it is first opened for writing."""

from __future__ import annotations

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, Text

revision = "0006"
down_revision = "0005"

ID = Text().with_variant(Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "ledger",
        Column("one", Integer, primary_key=True),
        Column("id", ID, nullable=False),
        CheckConstraint("one = 1", name="ledger_is_one"),
    )
