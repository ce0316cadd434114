"""The views with outputs asked for, and with costs by calendar month, empty: projectors fill them from the log."""

from __future__ import annotations

from alembic import op

from infrastructure.store.migrations.views import recreate_views

revision = "0009"
down_revision = "0008"
views = "e17740eaddd4c428"
"""The shape of the views' tables. When it changes, copy this file under the next number."""


def upgrade() -> None:
    recreate_views(op.get_bind())
