"""The views with how amounts are known, empty: projectors fill them from the log."""

from __future__ import annotations

from alembic import op

from infrastructure.store.migrations.views import recreate_views

revision = "0005"
down_revision = "0004"
views = "cd266f32d1d70481"
"""The shape of the views' tables. When it changes, copy this file under the next number."""


def upgrade() -> None:
    recreate_views(op.get_bind())
