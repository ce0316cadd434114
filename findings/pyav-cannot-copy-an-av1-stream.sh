#!/usr/bin/env bash
# PyAV 18.1.0: add_stream_from_template, by which streams are copied without being encoded anew, looks for an encoder that has the
# name of the template's decoder. AV1 is decoded by libdav1d, which encodes nothing: UnknownCodecError. With opaque=True it works.
#   UnknownCodecError: libdav1d
# Exits with 1 if the stream can be copied.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels av==18.1.0 imageio-ffmpeg==0.8.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*)
"$ffmpeg" -v error -f lavfi -i testsrc=s=64x64:d=0.2 -c:v libsvtav1 -pix_fmt yuv420p film.webm 2> /dev/null
PYTHONPATH=wheels python3 - <<'PYTHON'
import av

with av.open("film.webm") as film, av.open("copy.webm", "w") as copy:
    try:
        copy.add_stream_from_template(film.streams.video[0])
    except av.codec.codec.UnknownCodecError as error:
        print(f"UnknownCodecError: {error}")
        copy.add_stream_from_template(film.streams.video[0], opaque=True)
        raise SystemExit(0)
raise SystemExit(1)
PYTHON
