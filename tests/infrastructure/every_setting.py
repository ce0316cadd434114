"""Every setting that there is: ours, and those of each provider that is installed."""

from __future__ import annotations

from pydantic.fields import FieldInfo

from infrastructure.plugins import plugins
from infrastructure.settings import Settings

NAMES: dict[str, FieldInfo | None] = {
    "config": None,
    **Settings.model_fields,
    **{
        f"{name}_{field}": info
        for name, plugin in plugins().items()
        for field, info in {"enabled": None, **plugin.settings_model().model_fields}.items()
    },
}
"""By the rest of each name in lower case; a switch has no field, and the file that has the others none either."""

SECRETS = [name for name, field in NAMES.items() if "Secret" in str(field)]
