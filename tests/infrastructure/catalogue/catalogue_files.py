"""Catalogue files for examples, and the loading of them as overlays."""

from __future__ import annotations

from pathlib import Path

from domain.catalogue import Catalogue
from domain.pricing import PriceBook
from infrastructure.catalogue import load_catalogue

MINIMAL = """
[[model]]
id = "aurora"
provider = "acme"
route = "v1/aurora"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
"""
PRICED = MINIMAL + 'prices = [{ rate = "0.04" }]\n'
SIZED = MINIMAL + (
    'inputs.size = { type = "choice", choices = ["1k", "2k"], default = "1k" }\n'
    'prices = [{ rate = "0.04", when = { size = "1k" } }, { rate = "0.08", when = { size = "2k" } }]\n'
)


def loaded(folder: Path, *texts: str) -> tuple[Catalogue, PriceBook]:
    files = []
    for number, text in enumerate(texts, start=1):
        files.append(folder / f"overlay-{number}.toml")
        files[-1].write_text(text, encoding="utf-8")
    return load_catalogue(files)
