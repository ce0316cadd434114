#!/usr/bin/env bash
# PyAV 18.1.0: AudioFrame.from_ndarray and to_ndarray fail for planar samples of eight channels, though FFmpeg decodes, filters and
# encodes them; each plane by itself can be read (frame.planes[:8]).
#   7.1: IndexError
# Exits with 1 if a frame of 7.1 is made.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels av==18.1.0 numpy==2.4.6
PYTHONPATH=wheels python3 - <<'PYTHON'
import av
import numpy as np

try:
    av.AudioFrame.from_ndarray(np.zeros((8, 1024), dtype=np.float32), format="fltp", layout="7.1")
except IndexError as error:
    print(f"7.1: {type(error).__name__}")
else:
    raise SystemExit(1)
PYTHON
