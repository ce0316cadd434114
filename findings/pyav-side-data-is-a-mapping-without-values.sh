#!/usr/bin/env bash
# PyAV 18.1.0: frame.side_data says that it is a Mapping, but iterating over it gives the values, so that values(), items() and
# dict() look these up as keys and raise KeyError. len() and iteration work.
#   a Mapping: True, values() raises KeyError
# Exits with 1 if values() gives something.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels av==18.1.0 imageio-ffmpeg==0.8.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*)
"$ffmpeg" -v error -f lavfi -i testsrc=s=64x48:d=0.2 -c:v libx264 -pix_fmt yuv420p plain.mp4
"$ffmpeg" -v error -display_rotation 90 -i plain.mp4 -c copy turned.mp4
PYTHONPATH=wheels python3 - <<'PYTHON'
from collections.abc import Mapping

import av

with av.open("turned.mp4") as film:
    sides = next(film.decode(video=0)).side_data
try:
    list(sides.values())
except KeyError:
    print(f"a Mapping: {isinstance(sides, Mapping)}, values() raises KeyError")
    raise SystemExit(not isinstance(sides, Mapping))
raise SystemExit(1)
PYTHON
