"""Events pushed to a meter over HTTP: taken once each, whatever becomes of answers, refused as OpenMeter refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from application.keeping.books import BookQuery
from domain.errors import InvalidInput, ProviderUnavailable
from infrastructure.exporting.pushing import BATCH_TYPE, PAUSES, Checkpoint, MeterDoor, Pushed, push
from tests.infrastructure.exporting.shelf import Shelf

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
REQUIRED = ("id", "source", "specversion", "type", "subject")


class OpenMeter:
    """A meter on loopback that counts events by source and id, and refuses what OpenMeter does."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], dict[str, Any]] = {}
        self.requests, self.told = 0, list[tuple[int, bool]]()
        """Statuses to be answered next, and whether the batch is taken all the same."""
        self.token = ""

    def answer(self, content_type: str, authorization: str, body: bytes) -> tuple[int, str]:
        self.requests += 1
        if self.token and authorization != f"Bearer {self.token}":
            return 401, "Unauthorized"
        if content_type != BATCH_TYPE:
            return 415, f"unsupported content type {content_type}"
        events = json.loads(body)
        wrong = [why for event in events if (why := refused(event))]
        if wrong:
            return 400, wrong[0]
        status, taken = self.told.pop(0) if self.told else (204, True)
        if taken:
            self.events |= {(event["source"], event["id"]): event for event in events}
        return status, "" if status == 204 else "not now"


def refused(event: Any) -> str:
    """Why an event is none, as the meter's schema has it; empty if it is one."""
    if not isinstance(event, dict) or any(not isinstance(event.get(name), str) or not event[name] for name in REQUIRED):
        return "a required field is missing"
    if event["specversion"] != "1.0" or not isinstance(event.get("data", {}), dict):
        return "not a CloudEvent of version 1.0 with an object as its data"
    if "time" in event and not INSTANT.fullmatch(event["time"]):
        return "time is not as RFC 3339 has it"
    return "" if event.get("datacontenttype", "application/json") == "application/json" else "data is not JSON"


@contextmanager
def served(meter: OpenMeter) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked = (self.headers["content-type"], self.headers.get("authorization", ""))
            status, words = meter.answer(*asked, body)
            if status == 0:  # the answer is lost
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-length", str(len(words)))
            if status == 429:
                self.send_header("retry-after", "3")
            self.end_headers()
            self.wfile.write(words.encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1/events"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def meter() -> OpenMeter:
    return OpenMeter()


@pytest.fixture
def url(meter: OpenMeter) -> Iterator[str]:
    with served(meter) as url:
        yield url


def pushed(shelf: Shelf, url: str, file: Path, waited: list[float] | None = None, **more: Any) -> Pushed:
    mark = Checkpoint.read(file, "ledger-1", url)
    upto = more.pop("upto", shelf.end)
    booked = shelf.books.read(BookQuery(), mark.position, upto)
    pause = waited.append if waited is not None else lambda _: None
    return push(booked, mark, MeterDoor(url, more.pop("token", ""), pause), upto=upto, batch=more.pop("batch", 50))


def exported(shelf: Shelf) -> list[Any]:
    return [json.loads(line) for line in shelf.export("cloudevents")[0].splitlines()]


def told(meter: OpenMeter) -> Sequence[Any]:
    return sorted(meter.events.values(), key=lambda event: int(event["data"]["position"]))


def test_all_that_is_exported_is_pushed_once(shelf: Shelf, meter: OpenMeter, url: str, tmp_path: Path) -> None:
    file = tmp_path / "mark.json"
    first = pushed(shelf, url, file, upto=shelf.end // 2)
    assert first.position == shelf.end // 2
    second = pushed(shelf, url, file)
    assert told(meter) == exported(shelf)
    assert first.events + second.events == len(meter.events) > 100
    assert meter.requests == first.batches + second.batches
    assert pushed(shelf, url, file).events == 0


@pytest.mark.parametrize("lost", [(0, True), (0, False), (503, False), (502, True), (429, False)])
def test_what_is_not_answered_is_sent_again_and_counted_once(
    shelf: Shelf, meter: OpenMeter, url: str, tmp_path: Path, lost: tuple[int, bool]
) -> None:
    meter.told, waited = [(204, True), lost, lost], list[float]()
    done = pushed(shelf, url, tmp_path / "mark.json", waited)
    assert told(meter) == exported(shelf)
    assert done.repeats == 2
    assert waited == ([3.0, 3.0] if lost[0] == 429 else [*PAUSES[:2]])


def test_a_meter_that_takes_nothing_leaves_the_checkpoint_where_it_was(
    shelf: Shelf, meter: OpenMeter, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "mark.json"
    meter.told = [(204, True), *[(503, False)] * (len(PAUSES) + 1)]
    with pytest.raises(ProviderUnavailable, match="503"):
        pushed(shelf, url, file)
    kept = Checkpoint.read(file, "ledger-1", url).position
    assert 0 < kept < shelf.end
    assert len(meter.events) == 50
    pushed(shelf, url, file)
    assert told(meter) == exported(shelf)


def test_what_a_meter_refuses_is_said_and_stops_before_it(
    shelf: Shelf, meter: OpenMeter, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "mark.json"
    meter.token = "secret"
    with pytest.raises(InvalidInput, match="401 Unauthorized"):
        pushed(shelf, url, file, token="wrong")
    assert not file.exists()
    assert pushed(shelf, url, file, token="secret").events == len(exported(shelf))


def test_a_checkpoint_is_of_one_ledger_and_one_meter(tmp_path: Path) -> None:
    file = tmp_path / "mark.json"
    Checkpoint(file, "ledger-1", "http://one").moved(7)
    assert Checkpoint.read(file, "ledger-1", "http://one").position == 7
    for ledger, url in (("ledger-2", "http://one"), ("ledger-1", "http://two")):
        with pytest.raises(InvalidInput, match="is of ledger"):
            Checkpoint.read(file, ledger, url)
    for wrong in ("", "[]", "{}", '{"ledger": "ledger-1", "url": "http://one", "position": "7"}'):
        file.write_text(wrong)
        with pytest.raises(InvalidInput):
            Checkpoint.read(file, "ledger-1", "http://one")
