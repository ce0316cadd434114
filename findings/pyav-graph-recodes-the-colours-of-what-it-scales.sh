#!/usr/bin/env bash
# PyAV 18.1.0 (FFmpeg 8.1.2): a graph made by Graph.add_buffer(template=stream), in which a BT.709 film is only made smaller, YUV to
# YUV, changes every colour: add_buffer tells the filters width, height, format and time, and not the matrix, so that "scale"
# converts from the frames' matrix to the unknown one of its link, by BT.601's numbers, and marks the result as unknown.
#   red goes in as 62 102 239 and comes out as 80 90 238, of matrix 2
# Exits with 1 if red comes out as it went in.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels av==18.1.0 imageio-ffmpeg==0.8.1
ffmpeg=$(ls wheels/imageio_ffmpeg/binaries/ffmpeg-*)
chain=scale=out_color_matrix=bt709:out_range=tv,format=yuv420p
"$ffmpeg" -v error -f lavfi -i color=red:s=1280x720:d=0.2 -vf "$chain" -c:v libx264 -qp 1 red.mp4
PYTHONPATH=wheels python3 - <<'PYTHON'
import av
from av.filter import Graph

with av.open("red.mp4") as film:
    stream = film.streams.video[0]
    frame = next(film.decode(stream))
    before = [bytes(plane)[0] for plane in frame.planes]
    graph = Graph()
    graph.link_nodes(graph.add_buffer(template=stream), graph.add("scale", "640:360"), graph.add("buffersink")).configure()
    graph.push(frame)
    after = graph.pull()
    now = [bytes(plane)[0] for plane in after.planes]
print("red goes in as", *before, "and comes out as", *now, "of matrix", int(after.colorspace))
raise SystemExit(max(abs(one - other) for one, other in zip(before, now)) < 8)
PYTHON
