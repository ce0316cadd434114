"""Webhooks at the command line: a secret once, and messages that a worker sends, lists and sends again."""

from __future__ import annotations

import pytest

from tests.application.notifying.receivers import TAKEN, Answer, Receiver
from tests.infrastructure.cli.workspaces import SMALL, Workspace, call


def added(shop: Receiver, path: str, *options: str) -> dict[str, str]:
    found: dict[str, str] = call("webhooks", "add", f"{shop.url}{path}", *options, "--json").document
    return found


def test_a_secret_is_printed_once_and_stands_nowhere(workspace: Workspace, shop: Receiver) -> None:
    new = added(shop, "/secret")
    rotated = call("webhooks", "rotate", new["id"], "--reason", "lost", "--json").document
    told = [
        call(*command, *form).out
        for command in (("webhooks", "list"), ("webhooks", "show", new["id"]), ("events",))
        for form in ((), ("--json",))
    ]
    for secret in (new["secret"], rotated["secret"]):
        assert not any(secret in text for text in told)
        assert not any(secret.encode() in file.read_bytes() for file in workspace.home.rglob("*") if file.is_file())
    assert not any(shop.url in text for text in told[4:])  # an address is in no fact
    assert "older secret  number 1 until" in told[2]
    page = call("webhooks", "rotate", new["id"])
    assert "cannot be shown again" in page.out


def test_messages_are_sent_by_a_worker_listed_and_sent_again(workspace: Workspace, shop: Receiver) -> None:
    new = added(shop, "/worker", "--event", "operation.charged")
    shop.answer = lambda _: Answer(500)
    assert call("generate", "a lake", *SMALL).code == 0
    assert call("worker", "--drain").code == 0
    [failed] = call("webhooks", "deliveries", new["id"], "--json").document["deliveries"]
    assert (failed["state"], failed["tries"], failed["status"], failed["said"]) == ("waiting", 1, 500, "it answers 500")
    page = call("webhooks", "deliveries", new["id"]).out
    assert "try 2 at" in page
    assert "1 message waiting, 0 given up" in call("webhooks", "show", new["id"]).out
    shop.answer = lambda _: TAKEN
    assert call("webhooks", "replay", new["id"], failed["id"], "--json").document == {"replayed": 1}
    assert call("worker", "--drain").code == 0
    [taken] = call("webhooks", "deliveries", new["id"], "--state", "delivered", "--json").document["deliveries"]
    assert (taken["id"], taken["due_at"]) == (failed["id"], None)
    for one in shop.of("/worker"):
        one.verify(new["secret"])
    assert call("webhooks", "replay", new["id"], "--since", "2020-01-01", "--json").document["replayed"] > 1
    assert call("audit").code == 0


def test_what_is_said_of_a_webhook_is_changed_and_the_rest_stays(workspace: Workspace, shop: Receiver) -> None:
    new = added(shop, "/first", "--event", "operation.charged")
    changed = call("webhooks", "change", new["id"], "--url", f"{shop.url}/second", "--pause", "--json").document
    assert (changed["url"], changed["events"], changed["paused"]) == (
        f"{shop.url}/second",
        ["operation.charged"],
        "asked",
    )
    shown = call("webhooks", "change", new["id"], "--all", "--resume").out
    assert "all events" in shown
    assert "standing    live" in shown
    shop.answer = lambda _: Answer(404)
    tested = call("webhooks", "test", new["id"])
    shop.answer = lambda _: TAKEN
    assert (tested.code, tested.out) == (1, "Not taken: it answers 404.\n")
    assert [one.type for one in shop.of("/second")] == ["webhook.test"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("add", "http://shop.example/"), "url: it is not an https address"),
        (("add", "https://shop.example/", "-e", "lunch"), "events: 'lunch' is no event"),
        (("show", "hook_0000000000"), "account 'acme' has no webhook 'hook_0000000000'"),
        (("remove", "hook_0000000000"), "account 'acme' has no webhook 'hook_0000000000'"),
        (("replay", "ID"), "replay: say which messages, once"),
        (("replay", "ID", "evt_1"), "webhook ID has no message 'evt_1'"),
        (("replay", "ID", "--since", "lunch"), "since: 'lunch' is no instant"),
        (("deliveries", "ID", "--state", "lost"), "state: 'lost' is none"),
        (("change", "ID", "--all", "-e", "operation.failed"), "event: is named beside all"),
    ],
)
def test_what_cannot_be_is_one_clear_error(
    workspace: Workspace, shop: Receiver, command: tuple[str, ...], message: str
) -> None:
    id = added(shop, "/wrong")["id"]
    done = call("webhooks", *(id if word == "ID" else word for word in command), "--json")
    assert (done.code, done.error["message"]) == (2, message.replace("ID", id))
    assert done.error["hint"]
