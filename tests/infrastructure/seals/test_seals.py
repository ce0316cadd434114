"""Seals are signed, kept outside and checked by whoever has the public key; what was done to a log is found by them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from application.keeping.chains import take_seal, verify_chains
from application.keeping.ends import Seal, SealBroken
from application.keeping.seals import SignedSeal
from application.keeping.watch import LogWatch, WatchStanding
from application.ledger.log import Positioned
from application.ledger.reader import EVERYTHING, LogFilter
from domain.errors import FactsLost, ForeignFiles, InvalidInput, StoreUnavailable
from infrastructure.bootstrap import open_studio
from infrastructure.sealfiles import SealFile
from infrastructure.sealing import PublicKeys, seal_keys_of
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.showing.seals import proof_document, read_inclusion, read_signed, signed_document
from infrastructure.store.guarding import TRIGGER_NAMES
from infrastructure.store.migrations import upgrade_schema
from infrastructure.store.reader import SqlReader
from infrastructure.store.watchbook import LEASE, SqlWatchBook
from tests.application.studios import SYNC, database_of, settings_for, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc
from tests.infrastructure.store.driven import DrivenLedger, driven_ledger

FIRST, SECOND = "1" * 64, "2" * 64


async def sell(studio: Studio, *names: str, account: str = "acme") -> None:
    for name in names:
        done = await studio.operations.generate(name, account=account, model=SYNC)
        assert done.status == "charged"


@dataclass
class Receiver:
    """Takes what is posted to it, and answers by the statuses that it is given."""

    statuses: list[int]
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(receiver.statuses.pop(0))
            self.end_headers()

        def log_message(self, *_said: object) -> None:
            """Nothing is written to the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/seals"
        yield receiver
        server.shutdown()


async def test_what_is_kept_is_checked_with_the_public_key_alone(sqlite_url: str, tmp_path: Path) -> None:
    kept = SealFile(tmp_path / "outside" / "seals")
    async with studio_on(sqlite_url, tmp_path, seal_file=kept.path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.open("globex", plan="pro")
        await sell(studio, "a", "b")
        signed = [studio.seals.take()]
        await sell(studio, "c")
        signed.append(studio.seals.take())
        proofs = studio.seals.prove(signed[1].seal, "acme")
        public = PublicKeys.of(studio.seals.public_keys())
    assert kept.all() == signed
    assert kept.newest() == signed[-1]
    assert all(stream.split(":")[1] == "acme" for stream in proofs)
    assert len(proofs) == 2
    document = json.loads(json.dumps(proof_document(signed[1], proofs.values())))
    again = read_signed(document["seal"])
    again.check(public)
    for one in document["proofs"]:
        proof = read_inclusion(one)
        proof.check(again.seal)
        for wrong in (
            replace(proof, index=proof.index + 1),
            replace(proof, path=proof.path[:-1]),
            replace(proof, end=replace(proof.end, version=proof.end.version + 1)),
            replace(proof, end=replace(proof.end, stream="account:globex")),
        ):
            with pytest.raises(SealBroken):
                wrong.check(again.seal)
        with pytest.raises(SealBroken):
            proof.check(signed[0].seal)


@pytest.mark.parametrize("field", ["ledger", "position", "streams", "root", "at", "signature"])
async def test_a_seal_that_says_something_else_than_was_signed_is_broken(
    sqlite_url: str, tmp_path: Path, field: str
) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        document = signed_document(studio.seals.take())
        public = PublicKeys.of(studio.seals.public_keys())
    read_signed(document).check(public)
    changed = {"position": 99, "streams": 7, "at": "2026-01-01T00:00:00Z", "root": "0" * 64, "ledger": "another"}
    signature = "A" * 86 + "=="
    with pytest.raises(SealBroken, match="is not what key"):
        read_signed(document | {field: changed.get(field, signature)}).check(public)


def test_keys_rotate_the_first_signs_and_all_are_told(tmp_path: Path) -> None:
    old = seal_keys_of(Settings(home=tmp_path, seal_keys=FIRST))
    both = seal_keys_of(Settings(home=tmp_path, seal_keys=f"{SECOND} {FIRST}"))
    assert [key.public for key in both[1:]] == [key.public for key in old]
    assert both[0].name != both[1].name
    checker = PublicKeys.of(key.public for key in both)
    assert checker.holds(old[0].name, b"text", old[0].sign(b"text"))
    assert not checker.holds(both[0].name, b"text", old[0].sign(b"text"))
    with pytest.raises(InvalidInput, match="is not known here"):
        PublicKeys.of([both[0].public]).holds(old[0].name, b"text", old[0].sign(b"text"))


def test_a_key_is_made_once_beside_the_ledger_for_its_owner_alone(tmp_path: Path) -> None:
    [made] = seal_keys_of(Settings(home=tmp_path))
    assert [key.public for key in seal_keys_of(Settings(home=tmp_path))] == [made.public]
    assert (tmp_path / "seal-keys").stat().st_mode & 0o777 == 0o600
    assert FIRST not in repr(seal_keys_of(Settings(home=tmp_path, seal_keys=FIRST)))


@pytest.mark.parametrize("words", ["", "ed25519:", "ed25519:short", "rsa:" + "A" * 43 + "="])
def test_what_is_no_public_key_is_refused(words: str) -> None:
    with pytest.raises(InvalidInput):
        PublicKeys.of([words])


# What was done to a log


def seals_of(told: DrivenLedger, *steps: Callable[[], object]) -> list[Seal]:
    """A seal at the beginning, and one after each step."""
    found = [take_seal(told.reader)]
    for step in steps:
        step()
        found.append(take_seal(told.reader))
    return found


def test_a_forged_past_is_found_between_two_seals(sqlite_url: str) -> None:
    """Somebody writes the whole log anew from a point on, with every hash and row right: only seals tell."""
    with driven_ledger(sqlite_url) as told:
        told.open("acme")
        seals = seals_of(told, *(lambda name=name: told.run("acme", name) for name in "abc"))
    other = sqlite_url.replace(".db", "-forged.db")
    upgrade_schema(other)
    with driven_ledger(other) as forged:
        forged.open("acme")
        for name in "axc":
            forged.run("acme", name)
        assert list(verify_chains(forged.reader)) == []
        found = list(verify_chains(forged.reader, seals=seals))
    assert len(found) >= 2
    first = found[0].what
    assert f"was sealed as {seals[2]}" in first or f"was sealed as {seals[1]}" in first
    assert "up to position" in first


# Outside


async def test_a_ledger_that_lost_its_tail_is_not_opened_for_writing(sqlite_url: str, tmp_path: Path) -> None:
    """A backup was restored, and the newest seal knows of more."""
    file, ledger = tmp_path / "seals", Path(sqlite_url.removeprefix("sqlite:///"))
    async with studio_on(sqlite_url, tmp_path, seal_file=file) as studio:
        await studio.accounts.open("acme", plan="pro")
        await sell(studio, "a")
        studio.seals.take()
    backup = ledger.read_bytes()
    async with studio_on(sqlite_url, tmp_path, seal_file=file) as studio:
        await sell(studio, "b")
        newest = studio.seals.take()
    ledger.write_bytes(backup)
    with pytest.raises(FactsLost, match=f"sealed up to position {newest.seal.position}"):
        await opened(sqlite_url, tmp_path / "elsewhere", seal_file=file)


async def opened(url: str, home: Path, **changes: Any) -> None:
    async with open_studio(settings_for(url, home, **changes), serve=False):
        pass


async def test_seals_of_another_ledger_and_what_is_no_seal_are_refused(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "seals"
    async with studio_on(sqlite_url, tmp_path, seal_file=file) as studio:
        await studio.accounts.open("acme", plan="pro")
        signed = studio.seals.take()
    other = SealFile(tmp_path / "others")
    other.append(replace(signed, ledger="another"))
    with pytest.raises(ForeignFiles, match="seals of ledger another"):
        await opened(sqlite_url, tmp_path, seal_file=other.path)
    with file.open("a") as written:
        written.write("half a li")
    with pytest.raises(StoreUnavailable, match="the last line of"):
        await opened(sqlite_url, tmp_path, seal_file=file)


async def test_the_watch_seals_what_it_found_whole_and_each_end_once(sqlite_url: str, tmp_path: Path) -> None:
    file = SealFile(tmp_path / "seals")
    async with studio_on(sqlite_url, tmp_path, seal_file=file.path) as studio:
        await studio.accounts.open("acme", plan="pro")
        watch = studio.seals.watch
        for _ in range(2):
            watch.turn()
        await sell(studio, "a")
        watch.turn()
        stands = watch.standing()
        assert [one.seal.position for one in file.all()] == [1, stands.verified]
        assert (stands.position, stands.problems, stands.owner) == (stands.verified, (), "")


async def test_the_watch_tells_of_damage_by_its_position_and_seals_no_more(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = SealFile(tmp_path / "seals")
    async with studio_on(sqlite_url, tmp_path, seal_file=file.path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await sell(studio, "a")
        studio.seals.watch.turn()
        with database_of(studio).transaction() as connection:
            for name in TRIGGER_NAMES["sqlite"]:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql("UPDATE log SET actor = 'nobody:x' WHERE position = 3")
        studio.seals.watch.turn()
        found = studio.seals.watch.standing().problems
        assert found
        assert found[0].startswith("position 3, ")
    assert len(file.all()) == 1
    assert "the log is damaged: position 3, " in caplog.text


async def test_a_watch_that_is_to_end_does_not_read_on(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        kept: list[object] = []
        watch = LogWatch(studio.audit.reader, list, kept.append, studio.seals.book)
        watch.end()
        watch.turn()
    assert kept == []


class Noticed(SqlReader):
    """Says after which positions it was read."""

    after: ClassVar[list[int]] = []

    def read(self, after: int, limit: int, filter: LogFilter = EVERYTHING) -> list[Positioned]:
        self.after.append(after)
        return super().read(after, limit, filter)


async def test_one_process_reads_at_a_time_and_the_next_goes_on_from_there(database_url: str, tmp_path: Path) -> None:
    clock = Clock(utc("2026-04-10T12:00"))
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await sell(studio, "a")
        database, kept = database_of(studio), list[Seal]()
        books = [SqlWatchBook(database, owner, clock) for owner in ("one", "another", "a third")]
        first, second, third = (LogWatch(Noticed(database), list, kept.append, book) for book in books)

        assert books[0].take(0)
        second.turn()
        assert (kept, first.standing().owner) == ([], "one")
        first.end()
        first.turn()
        assert (kept, second.standing().owner, second.standing().position) == ([], "", studio.log.reader.end())
        assert books[2].take(3600)
        clock.now += LEASE + 1
        Noticed.after.clear()
        second.turn(3600)
        assert (kept[0].position, min(Noticed.after)) == (studio.log.reader.end(), studio.log.reader.end())
        assert third.standing() == WatchStanding(kept[0].position, kept[0].position, (), "", clock.now)
        assert not books[2].note(3, None), "whoever lost the turn says nothing more"

        third.turn(3600)
        assert len(kept) == 1
        clock.now += LEASE + 3600 * 1_000_000
        Noticed.after.clear()
        third.turn(3600)
        assert (len(kept), min(Noticed.after)) == (2, -1)


async def test_a_seal_is_sent_and_who_does_not_take_it_is_only_told_of(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = SealFile(tmp_path / "seals")
    with receiving(200, 500) as receiver:
        async with studio_on(sqlite_url, tmp_path, seal_file=file.path, seal_url=receiver.url) as studio:
            await studio.accounts.open("acme", plan="pro")
            signed: list[SignedSeal] = [studio.seals.take(), studio.seals.take()]
        assert [read_signed(json.loads(body)) for body in receiver.bodies] == signed
    assert len(file.all()) == 2
    assert "was not taken by its receiver" in caplog.text
