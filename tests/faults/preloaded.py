"""What every child would import and read for itself; the server that they are forked from does it once."""

from __future__ import annotations

import gc

from infrastructure.catalogue import load_catalogue
from infrastructure.cli import serve, worker
from infrastructure.collector import THRESHOLDS
from infrastructure.gateway import serving
from tests.application import studios

STUDIOS = studios
COMMANDS = (serve, worker, serving)
CATALOGUE = load_catalogue()

# A child that looked through all of this for garbage would copy it, too.
gc.collect()
gc.freeze()
gc.set_threshold(*THRESHOLDS)
