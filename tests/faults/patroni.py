"""PostgreSQL under Patroni: three nodes, etcd, and HAProxy before them, all on loopback, any of which may be killed.

writers ── HAProxy ── the node that says it is primary ══ synchronous replication ══> two standbys
                           └── Patroni of each node ── etcd: who is primary, for how long
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import psycopg2

from tests.patience import SECONDS, wait_until
from tests.postgres import find_binaries, free_port, give_to, in_memory, private_directory, runnable, unprivileged

ROOT = Path(__file__).parents[2]
PROXY = ROOT / "deploy" / "haproxy-postgres.cfg"
NODES = ("one", "two", "three")
TTL = 20
"""Seconds for which a primary that says nothing stays it; Patroni takes no fewer."""
WRITES = "SELECT pg_logical_emit_message(true, 'probe', '')"
"""A commit that waits for its standby, and leaves nothing in any table."""


class NotInstalled(Exception):
    """A program is missing; the message says which."""


def program(name: str) -> str:
    """The distribution's; another user than ours has to be able to run it."""
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
    if found is None:
        raise NotInstalled(f"{name} is not installed")
    return found


@dataclass
class Node:
    """A server of PostgreSQL and its Patroni, in one group of processes."""

    name: str
    directory: Path
    port: int
    api: int
    process: subprocess.Popen[bytes] | None = None

    def all_processes(self) -> list[int]:
        """Patroni first, then the server with all that it started."""
        found = [self.process.pid] if self.process is not None else []
        with suppress(OSError, ValueError, IndexError):
            found.append(int((self.directory / "data" / "postmaster.pid").read_text().split()[0]))
        children = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                children[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        for one in found:
            found.extend(pid for pid, parent in children.items() if parent == one and pid not in found)
        return found

    def signal(self, number: int) -> None:
        for pid in self.all_processes():
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@dataclass
class PatroniCluster:
    """`url` is HAProxy's: whatever is the primary is there."""

    directory: Path
    etcd: int
    proxy: int
    nodes: dict[str, Node] = field(default_factory=dict)
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.proxy}/postgres"

    def start(self, name: str) -> None:
        node, identity = self.nodes[name], unprivileged()
        configuration = self.directory / f"{name}.yml"
        with (self.directory / f"{name}.log").open("ab") as log:
            node.process = subprocess.Popen(
                [program("patroni"), str(configuration)],
                cwd=node.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=identity.user,
                group=identity.group,
                extra_groups=identity.extra_groups,
                env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(node.directory)},
            )

    def members(self) -> dict[str, dict[str, Any]]:
        """By name, as any node that answers tells them."""
        for node in self.nodes.values():
            with suppress(httpx.HTTPError, ValueError):
                answer = httpx.get(f"http://127.0.0.1:{node.api}/cluster", timeout=2)
                return {one["name"]: one for one in answer.json()["members"]}
        return {}

    def primary(self) -> str:
        """The node that is it now; empty if none is."""
        for name, node in self.nodes.items():
            with suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{node.api}/primary", timeout=2).status_code == 200:
                    return name
        return ""

    def is_whole(self) -> bool:
        """One primary, a synchronous standby, and everybody streams."""
        told = self.members()
        roles = sorted(str(one["role"]) for one in told.values())
        fine = all(one["state"] in ("running", "streaming") for one in told.values())
        return len(told) == len(NODES) and fine and roles == ["leader", "replica", "sync_standby"]

    def until_whole(self) -> None:
        wait_until(self.is_whole, f"the cluster is not whole: {self.members()}")

    def takes_writes(self) -> bool:
        with suppress(psycopg2.Error):
            where = f"postgresql://postgres@127.0.0.1:{self.proxy}/postgres?connect_timeout=2"
            with closing(psycopg2.connect(where)) as connection, connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = '2s'")
                cursor.execute(WRITES)
                connection.commit()
                return True
        return False

    def until_it_writes(self, other_than: str) -> float:
        """Wait until another node takes writes; after how many seconds."""
        begun = monotonic()
        while monotonic() - begun < SECONDS:
            if self.primary() not in {"", other_than} and self.takes_writes():
                return monotonic() - begun
            sleep(0.1)
        raise AssertionError(f"nobody takes writes: {self.members()}")

    # Troubles; each answers with the seconds until another node took writes

    def lose_primary(self) -> float:
        """Patroni and PostgreSQL of it are killed at once, as with the machine; it comes back later."""
        name = self.primary()
        self.nodes[name].signal(signal.SIGKILL)
        self._reap(name)
        taken = self.until_it_writes(name)
        self.start(name)
        return taken

    def crash_primary(self) -> float:
        """PostgreSQL of it dies, Patroni does not."""
        name = self.primary()
        pid = int((self.nodes[name].directory / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        return self.until_it_writes(name)

    def freeze_primary(self) -> float:
        """It is cut off and answers nobody, until another is primary; then it wakes, and believes that it still is."""
        name = self.primary()
        self.nodes[name].signal(signal.SIGSTOP)
        try:
            return self.until_it_writes(name)
        finally:
            self.nodes[name].signal(signal.SIGCONT)

    def switch_over(self) -> float:
        """As an operator does before an upgrade."""
        name = self.primary()
        candidate = next(id for id, one in self.members().items() if one["role"] == "sync_standby")
        asked = {"leader": name, "candidate": candidate}
        answer = httpx.post(f"http://127.0.0.1:{self.nodes[name].api}/switchover", json=asked, timeout=60)
        assert answer.status_code == 200, answer.text
        return self.until_it_writes(name)

    def lose_etcd(self) -> float:
        """Nobody can say any more who is primary, so nobody is; after it is back, the seconds until one took writes."""
        etcd = self.others[0]
        etcd.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: not self.primary(), "the primary stayed it without etcd")
        finally:
            etcd.send_signal(signal.SIGCONT)
        return self.until_it_writes("")

    def _reap(self, name: str) -> None:
        process = self.nodes[name].process
        if process is not None:
            process.wait(SECONDS)


@contextmanager
def patroni_cluster() -> Iterator[PatroniCluster]:
    """Whole, with an empty database `postgres`; gone afterwards. Raises NotInstalled."""
    for needed in ("patroni", "etcd", "haproxy"):
        program(needed)
    identity = unprivileged()
    directory = private_directory(identity, in_memory())
    cluster = PatroniCluster(directory, free_port(), free_port())
    try:
        _start_etcd(cluster)
        binaries = runnable(find_binaries(), directory, identity)
        for name in NODES:
            node = cluster.nodes[name] = Node(name, directory / name, free_port(), free_port())
            node.directory.mkdir()
            give_to(node.directory, identity)
            (directory / f"{name}.yml").write_text(json.dumps(_configuration(cluster, node, binaries)))
        _start_proxy(cluster)
        cluster.start(NODES[0])
        wait_until(lambda: cluster.primary() == NODES[0], "the first node did not become primary")
        for name in NODES[1:]:
            cluster.start(name)
        cluster.until_whole()
        wait_until(cluster.takes_writes, "the proxy does not find the primary")
        yield cluster
    finally:
        for node in cluster.nodes.values():
            node.signal(signal.SIGCONT)
            node.signal(signal.SIGKILL)
        for process in (*cluster.others, *(node.process for node in cluster.nodes.values() if node.process)):
            process.kill()
            process.wait(SECONDS)
        shutil.rmtree(directory, ignore_errors=True)


def _start_etcd(cluster: PatroniCluster) -> None:
    peer = f"http://127.0.0.1:{free_port()}"
    client = f"http://127.0.0.1:{cluster.etcd}"
    options = {
        "data-dir": cluster.directory / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    _beside(cluster, "etcd", [program("etcd"), *words])

    def healthy() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{client}/health", timeout=2).status_code == 200
        return False

    wait_until(healthy, "etcd did not start")


def _start_proxy(cluster: PatroniCluster) -> None:
    text = PROXY.read_text(encoding="utf-8").replace("127.0.0.1:5000", f"127.0.0.1:{cluster.proxy}")
    for number, node in enumerate(cluster.nodes.values(), 1):
        text = text.replace(f"10.0.0.{number}:5432 check port 8008", f"127.0.0.1:{node.port} check port {node.api}")
    text = text.replace("127.0.0.1:5001", f"127.0.0.1:{free_port()}")
    file = cluster.directory / "haproxy.cfg"
    file.write_text(text)
    _beside(cluster, "haproxy", [program("haproxy"), "-db", "-f", str(file)])


def _beside(cluster: PatroniCluster, name: str, command: list[str]) -> None:
    with (cluster.directory / f"{name}.log").open("wb") as log:
        cluster.others.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))


def _configuration(cluster: PatroniCluster, node: Node, binaries: Path) -> dict[str, Any]:
    """Patroni reads YAML, of which this is a part."""
    users = {"superuser": {"username": "postgres"}, "replication": {"username": "postgres"}}
    return {
        "scope": "studio",
        "name": node.name,
        "restapi": {"listen": f"127.0.0.1:{node.api}", "connect_address": f"127.0.0.1:{node.api}"},
        "etcd3": {"host": f"127.0.0.1:{cluster.etcd}"},
        "bootstrap": {
            "dcs": {
                "ttl": TTL,
                "loop_wait": 1,
                "retry_timeout": 3,
                "primary_start_timeout": 0,
                "synchronous_mode": True,
                "synchronous_mode_strict": True,
                "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 100, "wal_log_hints": "on"}},
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, {"auth": "trust"}],
        },
        "postgresql": {
            "listen": f"127.0.0.1:{node.port}",
            "connect_address": f"127.0.0.1:{node.port}",
            "data_dir": str(node.directory / "data"),
            "bin_dir": str(binaries),
            "pgpass": str(node.directory / "pgpass"),
            "authentication": {**users, "rewind": {"username": "postgres"}},
            "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
            "parameters": {"unix_socket_directories": "", "timezone": "UTC"},
        },
    }


if __name__ == "__main__":
    begun = monotonic()
    with patroni_cluster() as found:
        sys.stdout.write(f"whole after {monotonic() - begun:.1f} s\n")
        for what in (found.crash_primary, found.switch_over, found.lose_primary, found.freeze_primary):
            sys.stdout.write(f"{what.__name__}: {what():.1f} s\n")
            sys.stdout.flush()
            found.until_whole()
