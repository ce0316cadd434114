#!/usr/bin/env bash
# PyAV 18.1.0: frames are encoded with their duration set, and the MP4 is as long as if each, the last one too, were shown for one
# second by the rate of the stream: an encoder keeps durations only where AV_CODEC_FLAG_FRAME_DURATION is set, which PyAV names
# (Flags.frame_duration) and never sets. Three frames: at 0, 1 and 2 s, the last one shown for a tenth of a second.
#   plain 3.0, with the flag 2.1
# Exits with 1 if the plain film is 2.1 s long.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels av==18.1.0 numpy
PYTHONPATH=wheels python3 - <<'PYTHON'
from fractions import Fraction

import av
from av.codec.context import Flags

def length(flagged):
    with av.open("film.mp4", "w") as film:
        stream = film.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if flagged:
            stream.codec_context.flags |= Flags.frame_duration
        for number, duration in enumerate((1000, 1000, 100)):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base, frame.duration = number * 1000, Fraction(1, 1000), duration
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    with av.open("film.mp4") as film:
        return film.duration / 1_000_000

plain, flagged = length(False), length(True)
print(f"plain {plain:.1f}, with the flag {flagged:.1f}")
raise SystemExit(not (plain > 2.9 and flagged < 2.2))
PYTHON
