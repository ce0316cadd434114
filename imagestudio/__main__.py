"""`python -m imagestudio` is the command line, as `imagestudio` is."""

from __future__ import annotations

import sys

from infrastructure.cli import main

if __name__ == "__main__":
    sys.exit(main())
