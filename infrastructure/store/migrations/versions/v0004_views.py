"""The views with jobs and lost outputs, empty: projectors fill them from the log."""

from __future__ import annotations

from alembic import op

from infrastructure.store.migrations.views import recreate_views

revision = "0004"
down_revision = "0003"
views = "7e10082f2ffbdbc2"
"""The shape of the views' tables. When it changes, copy this file under the next number."""


def upgrade() -> None:
    recreate_views(op.get_bind())
