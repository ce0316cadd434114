"""What is not known is never shown as zero: each amount says how it is known, on pages and in JSON."""

from __future__ import annotations

from tests.infrastructure.cli.workspaces import Workspace, call, stuck

UNPRICED = ("run", "text-to-image", "-i", "prompt=x", "-m", "scripted-unpriced")
ESTIMATE = ("estimate", *UNPRICED[1:])


def capped(amount: str = "0.50") -> None:
    assert call("account", "limit", "unpriced", amount).code == 0


def test_an_estimate_of_an_unknown_price_is_refused_first_where_no_cap_is_set(workspace: Workspace) -> None:
    shown, document = call(*ESTIMATE), call(*ESTIMATE, "--json")
    assert (shown.code, document.code) == (3, 3)
    assert "It would be refused: the price is not known" in shown.out
    assert "imagestudio account limit unpriced AMOUNT" in shown.out
    assert "0.00" not in shown.out
    found = document.document
    assert (found["price"], found["cost"], found["held"], found["refused"]) == (None, None, None, "unpriced")


def test_an_estimate_of_an_unknown_price_says_at_most_the_cap(workspace: Workspace) -> None:
    capped()
    shown, document = call(*ESTIMATE), call(*ESTIMATE, "--json")
    assert (shown.code, document.code) == (0, 0)
    assert "The price is not known; at most 0.50 USD would be held" in shown.out
    assert "0.00" not in shown.out.split("left")[0]
    found = document.document
    assert (found["price"], found["cost"], found["held"]["amount"]) == (None, None, "0.50")
    assert (found["price_source"], found["cost_source"]) == ("unknown", "unknown")


def test_a_cost_that_nobody_knows_is_null_and_its_total_is_partial(workspace: Workspace) -> None:
    capped()
    done = call(*UNPRICED, "--json").document
    assert (done["cost"], done["cost_source"], done["cost_partial"]) == (None, "unknown", True)
    assert (done["price"]["amount"], done["price_source"]) == ("0.50", "capped")

    rows = call("operations", "--flag", "unknown", "--json").document["operations"]
    assert [(row["id"], row["cost"], row["cost_unknown"]) for row in rows] == [(done["operation"], None, 1)]
    [cost] = [row for row in call("costs", "--json").document["costs"] if row["model"] == "scripted-unpriced"]
    assert (cost["cost"], cost["cost_unknown"]) == (None, 1)
    [total] = call("usage", "--json").document["total"]
    assert total["cost_unknown"] == 1
    assert "at least" in call("usage").out

    story = call("operation", done["operation"])
    assert "0.50 USD price (capped), cost unknown" in story.out
    assert "unknown; price book" in story.out


def test_a_result_says_how_each_amount_is_known(workspace: Workspace) -> None:
    shown = call("generate", "x", "-m", "scripted-image")
    assert "price" in shown.out
    assert "(quoted)" in shown.out
    document = call("generate", "x", "-m", "scripted-image", "--json").document
    assert document["price_source"] == "quoted"
    assert (document["asked"], document["delivered"], document["lost"]) == (1, 1, 0)


def test_what_has_not_ended_has_no_cost_yet(workspace: Workspace) -> None:
    operation = stuck()
    [row] = [one for one in call("operations", "--json").document["operations"] if one["id"] == operation]
    assert (row["cost"], row["held"]["amount"], row["settled_at"]) == (None, "0.04", None)
    story = call("operation", operation)
    assert "submitted: 0.04 USD held, cost unknown" in story.out
    assert call("operation", operation, "--json").document["cost"] is None
    call("cancel", operation)
    assert call("operation", operation, "--json").document["cost"]["micros"] == 0
