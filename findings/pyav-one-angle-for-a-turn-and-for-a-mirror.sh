#!/usr/bin/env bash
# PyAV 18.1.0: VideoFrame.rotation is one angle, and the same for films that have to be shown in different ways: one that stands
# on its head (both flips) and one that is mirrored from left to right only. The display matrix in frame.side_data tells them apart.
#   half a turn: 180 or -180, mirrored: 180 or -180
# Exits with 1 if the mirrored film has another angle, or none.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels av==18.1.0 imageio-ffmpeg==0.8.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*)
"$ffmpeg" -v error -f lavfi -i testsrc=s=64x48:d=0.2 -c:v libx264 -pix_fmt yuv420p plain.mp4
"$ffmpeg" -v error -display_rotation 180 -i plain.mp4 -c copy turned.mp4
"$ffmpeg" -v error -display_hflip -i plain.mp4 -c copy mirrored.mp4
PYTHONPATH=wheels python3 - <<'PYTHON'
import av

def angle(name):
    with av.open(name) as film:
        return next(film.decode(video=0)).rotation

turned, mirrored = angle("turned.mp4"), angle("mirrored.mp4")
print(f"half a turn: {turned}, mirrored: {mirrored}")
raise SystemExit(abs(turned) != abs(mirrored))
PYTHON
