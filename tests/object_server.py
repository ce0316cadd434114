"""A real S3 server in one process: OpenStack Swift with its S3 API, run by `tests/objects.py` as a program.

S3 port ──── signatures, checksums, parts, conditions ──┐
                                                        ├─ proxy ── account, container and object servers, on disk
back door ── Swift's own API, without a key ────────────┘
"""

from __future__ import annotations

import sys
import time
from array import array
from pathlib import Path
from typing import Any

KEY, SECRET, REGION = "studio:keeper", "what-the-keeper-knows", "eu-test-1"
RINGS = ("account", "container", "object")
STORE = """[DEFAULT]
swift_dir = {home}
devices = {home}/devices
mount_check = false
log_level = CRITICAL
[pipeline:main]
pipeline = server
[app:server]
use = egg:swift#{name}
"""
PROXY = f"""[DEFAULT]
swift_dir = {{home}}
log_level = CRITICAL
[pipeline:main]
pipeline = catch_errors gatekeeper s3api tempauth slo copy bulk proxy-server
[pipeline:back]
pipeline = proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:s3api]
use = egg:swift#s3api
location = {REGION}
[filter:tempauth]
use = egg:swift#tempauth
user_{KEY.replace(":", "_")} = {SECRET} .admin
[filter:slo]
use = egg:swift#slo
[filter:copy]
use = egg:swift#copy
[filter:bulk]
use = egg:swift#bulk
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
"""


def main(home: Path, port: int, ahead: float) -> None:
    """Serve what is under `home`; the clock is `ahead` by so many seconds."""
    import eventlet

    eventlet.patcher.monkey_patch()
    real = time.time
    time.time = lambda: real() + ahead
    from swift.common import utils

    (home / "devices" / "d").mkdir(parents=True, exist_ok=True)
    (home / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_prefix = a\n[storage-policy:0]\nname = only\ndefault = yes\n"
    )
    utils.SWIFT_CONF_FILE = str(home / "swift.conf")
    pool = eventlet.GreenPool()
    for name in RINGS:
        listener = _listener()
        _write_ring(home, name, listener.getsockname()[1])
        pool.spawn(_serve, listener, _app(home / f"{name}.conf", STORE.format(home=home, name=name)))
    door, back = _listener(port), _listener()
    proxy = PROXY.format(home=home)
    pool.spawn(_serve, door, _app(home / "proxy.conf", proxy))
    pool.spawn(_serve, back, _app(home / "proxy.conf", proxy, "back"))
    print(door.getsockname()[1], back.getsockname()[1], flush=True)  # noqa: T201
    pool.waitall()


def _listener(port: int = 0) -> Any:
    import eventlet

    return eventlet.listen(("127.0.0.1", port))


def _app(file: Path, text: str, pipeline: str = "main") -> Any:
    from paste.deploy import loadapp

    file.write_text(text)
    return loadapp(f"config:{file}", name=pipeline)


def _serve(listener: Any, app: Any) -> None:
    import eventlet.wsgi

    eventlet.wsgi.server(listener, app, log_output=False)


def _write_ring(home: Path, name: str, port: int) -> None:
    """All of it on one device."""
    from swift.common.ring import RingData

    here = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    device = {"id": 0, "region": 1, "zone": 1, "device": "d", "weight": 1.0, **here}
    RingData([array("H", [0] * 4)], [device], 30).save(str(home / f"{name}.ring.gz"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
