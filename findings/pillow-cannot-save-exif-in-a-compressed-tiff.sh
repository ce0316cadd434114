#!/usr/bin/env bash
# Pillow 13.0.0: a TIFF with the Exif of a photo, such as its camera's serial number, can be saved uncompressed alone. With any compression
# the offset of Exif's own table is handed to libtiff as -1:
#   RuntimeError: Error setting from dictionary
# Exits with 1 if it can be saved.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels pillow==13.0.0
PYTHONPATH=wheels python3 - <<'PYTHON'
import io

from PIL import Image

exif, photo = Image.Exif(), io.BytesIO()
exif.get_ifd(0x8769)[0xA431] = "SN-0042"
Image.new("RGB", (8, 8)).save(photo, "JPEG", exif=exif)
image = Image.open(photo)
plain = io.BytesIO()
image.save(plain, "TIFF", exif=image.info["exif"])
assert Image.open(plain).getexif().get_ifd(0x8769)[0xA431] == "SN-0042"
try:
    image.save(io.BytesIO(), "TIFF", exif=image.info["exif"], compression="tiff_lzw")
except RuntimeError as error:
    print(f"RuntimeError: {error}")
    raise SystemExit(0)
raise SystemExit(1)
PYTHON
