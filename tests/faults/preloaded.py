"""What every child would import and read for itself; the server that they are forked from does it once."""

from __future__ import annotations

from infrastructure.catalogue import load_catalogue
from tests.application import studios

STUDIOS = studios
CATALOGUE = load_catalogue()
