"""A failover to a real standby under load: nothing acknowledged is lost, and nothing is charged twice."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from domain.errors import StoreUnavailable
from domain.operation import Charged, Requested
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema
from infrastructure.store.opening import check_opening
from tests.application.support import Office, accepting, asking, completing, desk, opening
from tests.infrastructure.cli.workspaces import call, settle
from tests.standby import Pair, replicated
from tests.wire.proxy import Proxy, proxied

CALLERS = 8
BEFORE, AFTER = 15, 40
"""Operations that were answered before the failover, and in all."""


@pytest.fixture
def pair() -> Iterator[Pair]:
    with replicated() as servers:
        upgrade_schema(servers.primary)
        yield servers


def persistently(office: Office, number: int) -> None:
    """As a careful client: what was not answered is repeated under its key, then settled."""
    for attempt in range(600):
        try:
            [told] = office.do(accepting(asking(f"op-{number}-{attempt}", key=f"order-{number}")))
        except StoreUnavailable:
            time.sleep(0.05)
            continue
        operation = told.known.reference if told.known is not None else f"op-{number}-{attempt}"
        office.do(completing(operation))
        return
    raise AssertionError("the ledger did not come back")


def under_load(office: Office, failover: threading.Thread) -> None:
    """Operations from many callers; the failover begins when some are done."""
    office.do(opening())
    with ThreadPoolExecutor(CALLERS) as pool:
        first = [pool.submit(persistently, office, number) for number in range(BEFORE)]
        for done in first:
            done.result()
        rest = [pool.submit(persistently, office, number) for number in range(BEFORE, AFTER)]
        failover.start()
        for done in rest:
            done.result()
    failover.join()


def is_whole(url: str) -> None:
    """Every operation is there once, charged once, in one order."""
    with desk(url) as office:
        facts = office.facts()
        positions = [entry.position for entry in office.reader.read(0, 10_000)]
    requested = Counter(fact.operation.id.split("-")[1] for fact in facts if isinstance(fact, Requested))
    charged = Counter(fact.operation.id.split("-")[1] for fact in facts if isinstance(fact, Charged))
    assert requested == charged == Counter({str(number): 1 for number in range(AFTER)})
    assert positions == sorted(set(positions))


def switch(pair: Pair, proxy: Proxy) -> None:
    pair.demote()
    pair.promote()
    proxy.lead_to(pair.addresses[1])


def test_who_is_connected_to_the_old_primary_moves_to_the_new_one(pair: Pair) -> None:
    """The address moves, and no connection is closed: only the old server's refusals tell."""
    with proxied(*pair.addresses[0]) as proxy:
        through = make_url(pair.primary).set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        with desk(through) as office:
            under_load(office, threading.Thread(target=switch, args=(pair, proxy)))
        is_whole(pair.standby)


def test_a_url_of_two_servers_finds_the_one_that_may_be_written(pair: Pair) -> None:
    url = make_url(pair.primary).set(host=None, port=None)
    both = url.update_query_dict({"host": tuple(f"{host}:{port}" for host, port in reversed(pair.addresses))})
    named = both.render_as_string(hide_password=False)

    def failover() -> None:
        pair.demote()
        pair.promote()

    with closing(Database(named)) as database:
        check_opening(database)
    with desk(named) as office:
        under_load(office, threading.Thread(target=failover))
    is_whole(pair.standby)


def test_a_server_that_dies_is_replaced_by_its_standby(pair: Pair) -> None:
    with ExitStack() as stack:
        proxy = stack.enter_context(proxied(*pair.addresses[0]))
        through = (
            make_url(pair.primary).set(host="127.0.0.1", port=proxy.port).update_query_dict({"connect_timeout": "2"})
        )
        office = stack.enter_context(desk(through.render_as_string(hide_password=False), statement_seconds=0.5))

        def failover() -> None:
            proxy.freeze()  # as a machine whose power is cut: nothing is closed, and nothing answers
            pair.promote()
            proxy.lead_to(pair.addresses[1])
            proxy.drop()
            proxy.thaw()

        under_load(office, threading.Thread(target=failover))
        is_whole(pair.standby)


def test_a_standby_is_opened_with_a_warning_and_read_as_of_a_position(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with desk(pair.primary) as office:
        office.do(opening())
    with desk(pair.standby) as office:
        check_opening(office.database)
        assert "may only be read" in caplog.text
        with pytest.raises(StoreUnavailable, match="may only be read"):
            office.do(accepting(asking("op-1")))
    settle(monkeypatch, tmp_path)
    assert call("account", "open", "beta", "--plan", "pro", "--db", pair.primary).code == 0
    assert call("generate", "x", "--account", "beta", "--model", "scripted-image", "--db", pair.primary).code == 0
    usage = ("usage", "--account", "beta", "--json", "--db")
    behind = call(*usage, pair.standby)
    assert (behind.code, behind.document["usage"]) == (0, [])
    assert re.search(r"\b[1-9]\d* positions behind the log", behind.err)
    assert "as of position 0 of the log" in behind.err
    told = call(*usage, pair.primary)
    assert "standby" not in told.err
    now = call(*usage, pair.standby)
    assert now.document == told.document != behind.document
    assert re.search(r"this is a standby, and all is as of position [1-9]\d* of the log", now.err)
    for word in (("serve", "--port", "0"), ("worker", "--drain")):
        refused = call(*word, "--db", pair.standby, "--json")
        assert refused.code == 6, word
        assert "this server may only be read: cannot execute" in refused.err
