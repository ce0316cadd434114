"""`python -m infrastructure.cli` is `imagestudio`."""

from __future__ import annotations

import sys

from infrastructure.cli import main

sys.exit(main())
