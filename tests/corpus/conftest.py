"""Second opinions by programs of Node.js, which are installed once and kept from run to run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.corpus.programs import FOR_NODE, install_for_node


@pytest.fixture(scope="session")
def second_opinions(pytestconfig: pytest.Config) -> Path:
    """The folder where they are; another one for other versions."""
    lock = (FOR_NODE / "package-lock.json").read_bytes()
    folder = pytestconfig.cache.mkdir(f"second-opinions-{hashlib.sha256(lock).hexdigest()[:12]}")
    install_for_node(folder)
    return folder
