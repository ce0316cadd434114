#!/usr/bin/env bash
# Pillow 13.0.0: a CMYK picture that is converted to RGB keeps the profile of its inks, and save() writes it into the PNG, whose
# colours no reader can then make out: a profile for four channels in a file of three (PNG, 11.3.2.3, forbids it).
#   mode RGB, profile for CMYK
# Exits with 1 if the PNG has no profile, or one for RGB.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels pillow==13.0.0
PYTHONPATH=wheels python3 - <<'PYTHON'
from PIL import Image

# The head of a profile (ICC.1, 7.2) for a printer of four inks; Pillow does not look into it.
profile = bytearray(128)
profile[12:16], profile[16:20], profile[36:40] = b"prtr", b"CMYK", b"acsp"
Image.new("CMYK", (8, 8), (0, 200, 100, 20)).save("inks.jpg", icc_profile=bytes(profile))
Image.open("inks.jpg").convert("RGB").save("light.png")
light = Image.open("light.png")
space = (light.info.get("icc_profile") or bytes(20))[16:20].decode()
print(f"mode {light.mode}, profile for {space}")
raise SystemExit(not (light.mode == "RGB" and space == "CMYK"))
PYTHON
