"""Catalogue files that tests lay over the studio's own."""

from __future__ import annotations

from pathlib import Path

PAINTER = """
currency = "USD"
[[model]]
id = "painter"
provider = "scripted"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
auto = false
per_call = {per_call}
unit = "image"
prices = [{prices}]
inputs.prompt = {{ type = "text", required = true }}
inputs.outcome = {{ type = "choice", choices = ["done", "timeout", "lost", "partial", "fail"] }}
inputs.delay_ms = {{ type = "integer", minimum = 0 }}
inputs.cost = {{ type = "decimal", minimum = 0 }}
"""


def painter(folder: Path, prices: str, *, per_call: int = 1, name: str = "overlay.toml") -> Path:
    """A model of the scripted provider, with price rules as TOML."""
    file = folder / name
    file.write_text(PAINTER.format(prices=prices, per_call=per_call))
    return file
