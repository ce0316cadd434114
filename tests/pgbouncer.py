"""A real PgBouncer before a test's database, in a directory of its own; tests are skipped where it is not installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from tests.postgres import free_port, give_to, unprivileged

START_SECONDS = 20
STOP_SECONDS = 10

NO_FILES: Mapping[str, bytes] = MappingProxyType({})

CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 100
server_reset_query_always = 0
{more}
"""


def program() -> str:
    """PgBouncer's path; the test is skipped where there is none."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("PgBouncer is not installed; on Debian: apt-get install pgbouncer")
    return found


@contextmanager
def pooled(
    url: str, mode: str, *, size: int = 4, files: Mapping[str, bytes] = NO_FILES, **settings: str
) -> Iterator[str]:
    """Yield the URL of this database through a pooler in `session` or `transaction` mode.

    `files` are contents of files that settings name.
    """
    command, identity, own = program(), unprivileged(), free_port()
    parsed = make_url(url)
    directory = Path(tempfile.mkdtemp(prefix="imagestudio-pgbouncer-", dir="/tmp"))
    users, configuration = directory / "users.txt", directory / "pgbouncer.ini"
    users.write_text('"postgres" ""\n')
    named = {name: directory / name for name in files}
    for name, path in named.items():
        path.write_bytes(files[name])
    settings |= {name: str(path) for name, path in named.items()}
    more = "\n".join(f"{name} = {value}" for name, value in settings.items())
    configuration.write_text(
        CONFIGURATION.format(host=parsed.host, port=parsed.port, own=own, users=users, mode=mode, size=size, more=more)
    )
    for path in (directory, users, configuration, *named.values()):
        give_to(path, identity)
    with (directory / "log").open("wb") as log:
        running = subprocess.Popen(
            [command, str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=identity.user,
            group=identity.group,
            extra_groups=identity.extra_groups,
        )
        try:
            through = parsed.set(port=own).render_as_string(hide_password=False)
            _wait(running, through, directory / "log")
            yield through
        finally:
            running.terminate()
            with suppress(subprocess.TimeoutExpired):
                running.wait(STOP_SECONDS)
            running.kill()
            running.wait()
            shutil.rmtree(directory, ignore_errors=True)


def _wait(running: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(int(START_SECONDS / 0.05)):
        assert running.poll() is None, log.read_text()
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(url.replace("+psycopg2", "")).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"PgBouncer does not answer:\n{log.read_text()}")
