#!/usr/bin/env bash
# MediaInfo 24.12 (pymediainfo 7.0.1) reports the rotation of an MP4 and none of a WebM that says the same of itself by the
# roll of its projection (RFC 9559, 5.1.4.1.28.49), which browsers and FFmpeg follow. Both are written by imageio-ffmpeg
# 0.8.1 with -display_rotation 90.
#   MP4: 270.000; WebM: None
# Exits with 1 if the WebM is turned too.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels imageio-ffmpeg==0.8.1 pymediainfo==7.0.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*)
for coding in "libx264 mp4" "libvpx webm"; do
  read -r codec ending <<< "$coding"
  "$ffmpeg" -v error -f lavfi -i testsrc=s=64x48:r=25:d=1 -c:v "$codec" "plain.$ending"
  "$ffmpeg" -v error -display_rotation 90 -i "plain.$ending" -c copy "turned.$ending"
done
PYTHONPATH=wheels python3 - <<'PYTHON'
from pymediainfo import MediaInfo

mp4, webm = (MediaInfo.parse(f"turned.{ending}").video_tracks[0].rotation for ending in ("mp4", "webm"))
print(f"MP4: {mp4}; WebM: {webm}")
raise SystemExit(0 if mp4 == "270.000" and webm is None else 1)
PYTHON
