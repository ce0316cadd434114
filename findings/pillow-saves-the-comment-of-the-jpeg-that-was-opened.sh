#!/usr/bin/env bash
# Pillow 13.0.0: save() leaves EXIF and XMP of an opened JPEG out unless they are passed, and writes its comment without being asked,
# also after the picture was resized: whoever saves anew to get rid of what was written beside a picture keeps that.
#   EXIF: False, comment: b'a note to nobody'
# Exits with 1 if the comment is gone.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels pillow==13.0.0
PYTHONPATH=wheels python3 - <<'PYTHON'
from PIL import Image

exif = Image.Exif()
exif[0x010F] = "a camera"
Image.new("RGB", (16, 16), "teal").save("first.jpg", exif=exif, comment="a note to nobody")
Image.open("first.jpg").resize((8, 8)).save("second.jpg")
again = Image.open("second.jpg")
print(f"EXIF: {bool(again.getexif())}, comment: {again.info.get('comment')}")
raise SystemExit(not ("comment" in again.info and not again.getexif()))
PYTHON
