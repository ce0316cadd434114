"""The views, empty: projectors fill them from the log."""

from __future__ import annotations

from alembic import op

from infrastructure.store.migrations.views import recreate_views

revision = "0002"
down_revision = "0001"
views = "80b946132fbe137f"
"""The shape of the views' tables. When it changes, copy this file under the next number."""


def upgrade() -> None:
    recreate_views(op.get_bind())
