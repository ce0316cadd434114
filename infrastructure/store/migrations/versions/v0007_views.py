"""The views with the class of each operation's model, empty: projectors fill them from the log."""

from __future__ import annotations

from alembic import op

from infrastructure.store.migrations.views import recreate_views

revision = "0007"
down_revision = "0006"
views = "db15c8528078f28a"
"""The shape of the views' tables. When it changes, copy this file under the next number."""


def upgrade() -> None:
    recreate_views(op.get_bind())
