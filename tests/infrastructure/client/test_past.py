"""The past through a client: what the library answers of a moment, and nothing of another's."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from application.ledger.reader import LogFilter
from application.library.records import AssetQuery
from domain.errors import UnknownAsset, UnknownOperation
from imagestudio import Client, ImageStudioError, QuarterFilter, SumQuestion
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.periods import PERIODS, PeriodFilter
from projections.views.spend import SPEND, SpendFilter
from projections.views.usage import USAGE, UsageFilter
from tests.infrastructure.client.both import ACCOUNT
from tests.infrastructure.gateway.gateways import Gateway

VIEWS: list[tuple[Any, Any]] = [
    (USAGE, UsageFilter),
    (PERIODS, PeriodFilter),
    (SPEND, SpendFilter),
    (OPERATIONS, OperationFilter),
]


@pytest.fixture(scope="module")
def positions(gateway: Gateway, remote: Client) -> list[int]:
    """Positions around what was done."""
    found = []
    for _ in range(2):
        found.append(gateway.studio.log.reader.end())
        remote.operations.generate("a lake", model="scripted-image", account=ACCOUNT)
    return [*found, gateway.studio.log.reader.end()]


@pytest.fixture(scope="module")
def operator(gateway: Gateway) -> Any:
    with Client(gateway.url, key=gateway.administrator()) as studio:
        yield studio


def test_a_client_is_told_what_the_library_tells(gateway: Gateway, operator: Client, positions: list[int]) -> None:
    past = gateway.studio.past
    for position in positions:
        assert operator.past.account(ACCOUNT, position) == gateway.run(past.account(ACCOUNT, position))
        assert operator.past.limits(ACCOUNT, position) == gateway.run(past.limits(ACCOUNT, position))
        for view, filter in VIEWS:
            wanted = filter(account=ACCOUNT)
            assert operator.past.rows(view, wanted, position) == gateway.run(past.rows(view, wanted, position))
        assert operator.past.holds(ACCOUNT, position) == gateway.run(past.holds(ACCOUNT, position)) == []
        query = AssetQuery()
        assert operator.past.assets(ACCOUNT, query, position) == gateway.run(past.assets(ACCOUNT, query, position))
        with pytest.raises(ImageStudioError, match="people's words"):
            operator.past.assets(ACCOUNT, AssetQuery(text="lake"), position)
        totals = operator.past.statistics(ACCOUNT, query, position)
        assert totals == gateway.run(past.statistics(ACCOUNT, query, position))
        assert totals.favourites is None
        asked = SumQuestion(by=("model",), wanted=QuarterFilter(account=ACCOUNT))
        assert operator.past.sum_up(asked, position) == gateway.run(past.sum_up(asked, position))
        with pytest.raises(ImageStudioError, match="tags have no past"):
            operator.past.sum_up(replace(asked, tag=("team", "red")), position)
        told = operator.past.balance(position, ACCOUNT)
        assert told["as_of"]["position"] == position
    counts = [len(operator.past.rows(OPERATIONS, OperationFilter(account=ACCOUNT), one)) for one in positions]
    assert counts[1:] == [counts[0] + 1, counts[0] + 2]


def test_an_operation_and_its_asset_are_told_as_they_were(
    gateway: Gateway, operator: Client, positions: list[int]
) -> None:
    row = operator.past.rows(OPERATIONS, OperationFilter(account=ACCOUNT), positions[-1])[0]
    accepted = gateway.studio.log.reader.read(positions[1], 2, LogFilter(operations=(row.id,)))[-1].position
    now, then = (operator.operations.look(row.id, account=ACCOUNT, as_of=one) for one in (None, accepted))
    assert (now.operations[0].status, then.operations[0].status, then.left) == ("charged", "validated", {})
    [asset, *_] = operator.past.assets(ACCOUNT, AssetQuery(), positions[-1]).assets
    kin = operator.past.lineage(ACCOUNT, asset.id, positions[-1])
    assert kin == gateway.run(gateway.studio.past.lineage(ACCOUNT, asset.id, positions[-1]))
    with pytest.raises(UnknownOperation):
        operator.operations.look(row.id, account=ACCOUNT, as_of=positions[0])
    with pytest.raises(UnknownAsset):
        operator.past.lineage(ACCOUNT, asset.id, positions[0])


def test_an_answer_says_the_moment_that_it_is_of(gateway: Gateway, positions: list[int]) -> None:
    with gateway.client() as client:
        for route in ("usage", "periods", "spend", "operations", "limits", f"accounts/{ACCOUNT}", "holds"):
            told = client.get(f"/v1/{route}", params={"as_of": positions[1]}).json()["as_of"]
            assert told["position"] == positions[1]
            again = client.get(f"/v1/{route}", params={"as_of": told["at"]}).json()["as_of"]
            assert again["position"] <= positions[1]


@pytest.mark.parametrize("as_of", ["x", "999999999", "2100-01-01", ""])
def test_what_is_no_moment_is_a_problem(gateway: Gateway, as_of: str) -> None:
    with gateway.client() as client:
        for route in ("usage", "limits", f"accounts/{ACCOUNT}", "holds"):
            answer = client.get(f"/v1/{route}", params={"as_of": as_of})
            assert answer.status_code == 400, answer.text
            assert re.match("as_of: ", answer.json()["detail"])


def test_a_stranger_sees_no_moment_of_another_account(gateway: Gateway, positions: list[int]) -> None:
    gateway.run(gateway.studio.accounts.open("stranger", plan="pro"))
    end = gateway.studio.log.reader.end()
    with Client(gateway.url, key=gateway.issue("stranger")) as stranger:
        assert stranger.past.rows(USAGE, UsageFilter(), end) == []
        assert stranger.past.account("stranger", end).used["images"] == 0
        for asked in (stranger.past.account, stranger.past.limits):
            with pytest.raises(ImageStudioError):
                asked(ACCOUNT, positions[-1])
        with pytest.raises(ImageStudioError, match="was not there"):
            stranger.past.account("stranger", positions[0])


def test_explanations_are_told_without_what_providers_bill(gateway: Gateway, remote: Client, operator: Client) -> None:
    made = remote.operations.generate("a lake", model="scripted-image", account=ACCOUNT)
    [ours], [theirs] = operator.past.why(made.operation, ACCOUNT), remote.past.why(made.operation)
    assert ours["sentences"] == theirs["sentences"]
    assert any("Our cost is" in one for one in ours["cost"])
    assert "cost" not in theirs
    assert not any("Our cost" in one for one in theirs["sentences"])
    assert remote.past.refusals() == []
    with pytest.raises(ImageStudioError, match="was never used"):
        remote.past.refusals(key="never")
    with Client(gateway.url, key=gateway.issue("stranger")) as stranger, pytest.raises(ImageStudioError):
        stranger.past.why(made.operation)


def test_history_and_difference_are_for_administrators(remote: Client, operator: Client) -> None:
    [opened, *_] = operator.past.history(ACCOUNT)["history"]
    assert opened["type"] == "account.opened"
    assert operator.past.difference(ACCOUNT, 1)["since"]["position"] == 1
    with pytest.raises(ImageStudioError):
        remote.past.history(ACCOUNT)
    with pytest.raises(ImageStudioError):
        remote.past.difference(ACCOUNT, 1)
