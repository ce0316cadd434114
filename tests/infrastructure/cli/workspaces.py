"""Commands run in this process on a workspace of their own, and what has happened in it already."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from typer.main import get_command

from application.asking.requests import Request
from domain.actor import Actor, ActorKind
from domain.approvals import ApprovalNeeded
from infrastructure.assembly import Parts
from infrastructure.bootstrap import open_studio
from infrastructure.cli import main
from infrastructure.cli.app import app
from infrastructure.clock import now
from infrastructure.showing.formats import iso
from tests.domain.wall_clocks import DAY
from tests.infrastructure.films import film
from tests.wire.fake.media import wav

ACCOUNT = "acme"
SMALL = ("-i", "width=64", "-i", "height=64")
TAGGED = ("--tag", "team=red", "--tag", "run=7")
FOOTAGE = ("-m", "scripted-footage")
ZONE = "Europe/Berlin"
STORY = {
    "open": ("account", "open", ACCOUNT, "--plan", "pro", "--zone", ZONE),
    "allow": ("account", "allow", "stand-in", "--account", ACCOUNT),
    "lake": ("generate", "a lake at dawn", "--user", "ann", "--key", "k1", *SMALL),
    "batch": ("generate", "a fox", "--user", "bob", "--project", "poster", "-n", "2", *TAGGED, *SMALL),
    "spoilt": ("generate", "x", "--model", "scripted-image", "-i", "outcome=fail-billed", "-i", "cost=0.015"),
    "limit": ("account", "limit", "images", "2", "--user", "bob"),
    "refused": ("generate", "a fox", "--user", "bob", *SMALL),
}

ENDLESS = {("serve",), ("mcp",)}
"""Commands that go on until they are stopped; they are tried as processes, beside what they serve."""

SHARDED = {("shard", word) for word in ("add", "address", "list", "move")}
"""Commands that need a directory of shards; they are tried beside those."""

MONTH = iso(now())[:7]

COMMANDS = [
    ("generate", "a cat", *SMALL),
    ("edit", "PICTURE", "sepia"),
    ("upscale", "PICTURE"),
    ("run", "text-to-image", "-i", "prompt=a cat", *SMALL),
    ("cancel", "STUCK"),
    ("batch", "LIST", "-o", "width=64", "-o", "height=64", "--yes"),
    ("queues",),
    ("estimate", "text-to-image", "-i", "prompt=a cat"),
    ("report",),
    ("create", "a cat", "--size", "64x64"),
    ("compare", "a cat", "-v", "size=64x64", "-v", "size=64x96,style=anime"),
    ("judge", "LAKE", "LAKE_ASSET"),
    ("control", "PICTURE", "a fox", "-m", "scripted-edit"),
    ("face-swap", "PICTURE", "PICTURE", "--estimate"),
    ("background", "PICTURE", "--estimate"),
    ("model-3d", "PICTURE", "--preview", "none"),
    ("fields", "image-edit"),
    ("social", "PICTURE", "--to", "x-header"),
    ("compress", "PICTURE", "--format", "jpg"),
    ("convert", "PICTURE", "--to", "webp"),
    ("resize", "PICTURE", "--percent", "50"),
    ("watermark", "PICTURE", "--brand", "proof"),
    ("formats", "instagram"),
    ("video", "create", "a cat", "--seconds", "1", "-q", "draft", "-i", "fps=4"),
    ("video", "transform", "PICTURE", "--seconds", "1", "-q", "draft", "-i", "fps=4"),
    ("video", "avatar", "PICTURE", "SPEECH", *FOOTAGE),
    ("video", "extend", "FILM", "it rains", "--seconds", "7", *FOOTAGE),
    ("video", "enhance", "FILM", "--target", "720p", *FOOTAGE),
    ("video", "faces", "FILM", "PICTURE", "--estimate", *FOOTAGE),
    ("video", "translate", "FILM", "german", *FOOTAGE),
    ("video", "background", "FILM", "--picture", "PICTURE", *FOOTAGE),
    ("video", "sound", "FILM", "rain", *FOOTAGE),
    ("video", "style", "FILM", "a watercolour", *FOOTAGE),
    ("video", "outpaint", "FILM", *FOOTAGE),
    ("video", "rework", "FILM", "at night", *FOOTAGE),
    ("video", "templates", "story"),
    ("video", "languages", "span"),
    ("video", "edit", "FILM", "--trim", "end", "--seconds", "1", "--text", "Sale"),
    ("video", "convert", "FILM", "--to", "gif", "--seconds", "1"),
    ("video", "compress", "FILM", "--quality", "low"),
    ("video", "social", "FILM", "--to", "x-square", "--no-thumbnails"),
    ("video", "formats", "tiktok"),
    ("templates", "list"),
    ("templates", "search", "product"),
    ("templates", "show", "instagram-post"),
    ("templates", "recommend", "launch of a shoe"),
    ("models",),
    ("usage",),
    ("periods",),
    ("costs",),
    ("spend",),
    ("limits",),
    ("holds",),
    ("why", "LAKE"),
    ("backup", "FOLDER"),
    ("restore", "DUMPED", "--db", "NEW_DB", "--files", "FOLDER"),
    ("export-account", "--out", "ELSEWHERE"),
    ("import-account", "EXPORTED"),
    ("account", "history"),
    ("account", "diff", "3"),
    ("books",),
    ("books", "receivable"),
    ("export", "beancount", "--out", "BOOK"),
    ("push", "METER", "--checkpoint", "MARK"),
    ("operations",),
    ("operation", "LAKE"),
    ("events",),
    ("audit",),
    ("seal",),
    ("archive", "run"),
    ("archive", "list"),
    ("archive", "verify"),
    ("seals", "keys"),
    ("seals", "keep"),
    ("seals", "prove"),
    ("seals", "verify", "SEALS", "--public", "PUBLIC"),
    ("rebuild",),
    ("reconcile", "scripted"),
    ("refund", "LAKE"),
    ("goodwill", "0.01", "--account", "PAST", "--reason", "an outage"),
    ("correct-cost", "LAKE", "0.005", "--reason", "the bill"),
    ("recover",),
    ("simulate", "--from", "2020-01-01", "--to", "2100-01-01", "--plan", "pro", "--routing", "cheapest"),
    ("reprice", "--book", "PRICES", "--from", "2020-01-01", "--to", "2100-01-01", "--reason", "a wrong price"),
    ("period", "list", "--account", "PAST"),
    ("period", "close", "--account", "PAST"),
    ("statement", "preview", "--account", "PAST"),
    ("statement", "issue", "CLOSED", "--account", "PAST"),
    ("statement", "show", "past-0001", "--account", "ISSUED"),
    ("statement", "void", "past-0001", "--account", "ISSUED", "--reason", "a wrong name"),
    ("statement", "list", "--account", "ISSUED"),
    ("statement", "prove", "past-0001", "--account", "ISSUED"),
    ("statement", "verify", "PROVED", "--public", "PUBLIC"),
    ("invoices", "record", "INVOICED", "I-2", "0.00", "--month", MONTH),
    ("invoices", "list", "INVOICED"),
    ("invoices", "months", "INVOICED"),
    ("invoices", "compare", "INVOICED", MONTH),
    ("invoices", "settle", "INVOICED", MONTH, "--reason", "accepted"),
    ("invoices", "void", "INVOICED", "I-1", "--reason", "a slip"),
    ("worker", "--drain"),
    ("tag", "LAKE", "team=red"),
    ("untag", "LAKE", "team"),
    ("erase", "LAKE", "--yes"),
    ("sweep",),
    ("assets", "list"),
    ("assets", "show", "ASSET"),
    ("assets", "lineage", "ASSET"),
    ("assets", "add", "PICTURE"),
    ("assets", "export", "ASSET", "--out", "ZIP"),
    ("assets", "thumbnail", "ASSET", "--out", "FOLDER"),
    ("assets", "link", "ASSET"),
    ("assets", "search", "lake"),
    ("assets", "describe", "ASSET", "--title", "The lake"),
    ("assets", "favourite", "ASSET"),
    ("assets", "tag", "ASSET", "spring"),
    ("assets", "collect", "Campaign", "ASSET"),
    ("assets", "collections"),
    ("assets", "rename-collection", "COLLECTION", "Spring"),
    ("assets", "drop-collection", "COLLECTION"),
    ("assets", "stats"),
    ("assets", "trash", "ASSET"),
    ("assets", "restore", "ASSET"),
    ("assets", "until", "ASSET", "never"),
    ("assets", "erase", "ASSET", "--yes"),
    ("assets", "empty", "--yes"),
    ("assets", "expire"),
    ("account", "open", "globex"),
    ("account", "show"),
    ("account", "plan", "basic"),
    ("account", "limit", "edits", "3"),
    ("account", "top-up", "5.00", "--key", "p1", "--account", "globex"),
    ("account", "grant", "5.00", "--reference", "welcome", "--kind", "images", "--until", "2099-01-01"),
    ("account", "grants"),
    ("account", "revoke", "welcome", "--reason", "abuse", "--account", "globex"),
    ("account", "chargeback", "p1", "5.00", "--reason", "disputed", "--account", "globex"),
    ("account", "zone", "UTC"),
    ("account", "end-period", "--reason", "a wrong clock"),
    ("account", "allow", "stand-in"),
    ("account", "forbid", "stand-in"),
    ("account", "on-limit", "refuse"),
    ("account", "tariff", "plan"),
    ("account", "discount", "12.5", "--until", "2099-01-01"),
    ("account", "suspend", "ACCOUNT", "--reason", "overdue"),
    ("account", "resume", "ACCOUNT", "--reason", "paid"),
    ("account", "close", "ACCOUNT", "--reason", "ended", "--yes"),
    ("keys", "issue"),
    ("keys", "list"),
    ("keys", "show", "KEY"),
    ("keys", "change", "KEY", "--name", "web shop"),
    ("keys", "revoke", "KEY"),
    ("approve", "QUOTE"),
    ("approvals",),
    ("storecheck",),
    ("probe", "--once", "--account", "ACCOUNT", "--model", "scripted-image"),
    ("simulate-faults", "--seed", "5", "--operations", "5"),
    ("relay", "--status"),
    ("alert", "set", "--at", "80%", "--at", "0.05"),
    ("alert", "list"),
    ("alert", "check"),
    ("alert", "history"),
    ("alert", "drift"),
    ("alert", "remove", "ALERT"),
    ("webhooks", "add", "https://shop.example/hooks"),
    ("webhooks", "list"),
    ("webhooks", "show", "WEBHOOK"),
    ("webhooks", "change", "WEBHOOK", "--event", "operation.charged"),
    ("webhooks", "rotate", "WEBHOOK"),
    ("webhooks", "deliveries", "WEBHOOK"),
    ("webhooks", "replay", "WEBHOOK", "--dead"),
    ("webhooks", "test", "WEBHOOK"),
    ("webhooks", "remove", "WEBHOOK"),
    ("providers", "list"),
    ("providers", "check"),
    ("catalogue", "check"),
    ("config",),
    ("config", "check"),
    ("projections", "status"),
    ("projections", "rebuild"),
    ("projections", "retry", "usage_summary"),
    ("db", "upgrade"),
    ("db", "adopt"),
    ("db", "backup", "BACKUP"),
    ("db", "status"),
    ("db", "order"),
    ("files", "move", "--to", "ELSEWHERE"),
]
"""Every command there is, but for ENDLESS and SHARDED; a test holds them against the command line itself."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.err)["error"]
        return found


@dataclass(frozen=True)
class Workspace:
    """Where the studio lives, the ids of what was done there, and the origin of a customer's server."""

    home: Path
    ids: Mapping[str, str] = field(default_factory=dict)
    shop: str = ""

    @property
    def database(self) -> Path:
        return self.home / "ledger.db"

    def prices(self) -> Path:
        """A catalogue file that changes no price."""
        file = self.home.parent / "prices.toml"
        file.write_text('currency = "USD"\n', encoding="utf-8")
        return file

    def picture(self) -> Path:
        """A real image file of the workspace."""
        return next(iter(sorted((self.home / "assets").rglob("*.png"))))


def call(*arguments: object, parts: Parts | None = None) -> Outcome:
    """One command, in this process, in a studio of the usual parts or of others."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments], parts)
    return Outcome(code, out.getvalue(), err.getvalue())


def stuck(*inputs: str) -> str:
    """An operation whose job never ends, and can be stopped."""
    return call("generate", "x", "-m", "scripted-findable", "-i", "outcome=never", *inputs, "--json").error["operation"]


def waiting_quote() -> str:
    """A quote that waits for approval, of a key that may spend nothing by itself."""
    key = call("keys", "issue", ACCOUNT, "--approve-above", "0", "--json").document["id"]
    return asyncio.run(_refused(Actor(ActorKind.KEY, key)))


async def _refused(by: Actor) -> str:
    request = Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, model="scripted-image", by=by)
    async with open_studio(serve=False) as studio:
        with pytest.raises(ApprovalNeeded) as refused:
            await studio.operations.run(request)
    return refused.value.waiting.quote


def carried(command: tuple[str, ...], home: Path) -> dict[str, str]:
    """Copies of ledgers, to be brought back or taken in."""
    known: dict[str, str] = {}
    if "DUMPED" in command:
        known |= {"DUMPED": f"{home}-dumped", "NEW_DB": f"sqlite:///{home}-new.db"}
        call("backup", known["DUMPED"])
    if "EXPORTED" in command:
        known["EXPORTED"] = exported(home.with_name("abroad"))
    return known


def exported(home: Path) -> str:
    """An export of another ledger's account."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("IMAGESTUDIO_HOME", str(home))
        call("account", "open", "traveller")
        call("export-account", "traveller", "--out", home / "traveller.tar")
    return str(home / "traveller.tar")


def settle(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """An environment that knows nothing but this home and the scripted providers, on a terminal of 80 columns."""
    for name in [name for name in os.environ if name.startswith("IMAGESTUDIO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("IMAGESTUDIO_HOME", str(home))
    monkeypatch.setenv("IMAGESTUDIO_PLAN_PRICES", "elsewhere")
    for name in ("SCRIPTED", "BLIND"):
        monkeypatch.setenv(f"IMAGESTUDIO_{name}_ENABLED", "true")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.chdir(home)


def alerted(command: tuple[str, ...]) -> dict[str, str]:
    """The id of an alert, if the command wants one."""
    if "ALERT" not in command:
        return {}
    return {"ALERT": call("alert", "set", "--at", "90%", "--json").document["id"]}


def filled(command: tuple[str, ...], workspace: Workspace) -> list[str]:
    """The command with the workspace's picture and operations in it."""
    known = {
        "PICTURE": str(workspace.picture()),
        "LAKE": workspace.ids["lake"],
        "ACCOUNT": ACCOUNT,
        "PRICES": str(workspace.prices()),
        "BOOK": str(workspace.home.parent / "copy.beancount"),
        "BACKUP": str(workspace.home.parent / "copy.db"),
        "ZIP": str(workspace.home.parent / "copy.zip"),
        "FOLDER": str(workspace.home.parent / "folder"),
        "METER": f"{workspace.shop}/meter",
        "MARK": str(workspace.home.parent / "mark.json"),
        "ELSEWHERE": str(workspace.home.parent / "elsewhere"),
    }
    for word, name, content in (("FILM", "film.mp4", film), ("SPEECH", "speech.wav", wav)):
        if word in command:
            known[word] = str(workspace.home.parent / name)
            Path(known[word]).write_bytes(content())
    if "ASSET" in command:
        known["ASSET"] = call("assets", "list", "--account", ACCOUNT, "--json").document["assets"][0]["id"]
    if "LAKE_ASSET" in command:
        listed = call("assets", "list", "--account", ACCOUNT, "--json").document["assets"]
        known["LAKE_ASSET"] = next(one["id"] for one in listed if one["operation"] == known["LAKE"])
    if "COLLECTION" in command:
        known["COLLECTION"] = "Campaign"
        call("assets", "collect", "Campaign")
    if "LIST" in command:
        prompts = workspace.home.parent / "prompts.txt"
        prompts.write_text("a fox\n", encoding="utf-8")
        known["LIST"] = str(prompts)
    if "KEY" in command:
        known["KEY"] = call("keys", "issue", ACCOUNT, "--json").document["id"]
    if "QUOTE" in command:
        known["QUOTE"] = waiting_quote()
    if "WEBHOOK" in command:
        known["WEBHOOK"] = call("webhooks", "add", f"{workspace.shop}/hooks", "--json").document["id"]
    if "SEALS" in command:
        known["SEALS"] = str(workspace.home.parent / "sealed.json")
        Path(known["SEALS"]).write_text(call("seals", "prove", "--json").out, encoding="utf-8")
        [known["PUBLIC"]] = call("seals", "keys", "--json").document["keys"]
    if "STUCK" in command:
        known["STUCK"] = stuck()
    known |= billed(command) | carried(command, workspace.home) | alerted(command)
    return [known.get(word, word) for word in command]


def billed(command: tuple[str, ...]) -> dict[str, str]:
    """The account that was used three months ago, whose period is closed and billed if the command says so; and a
    provider that has sent an invoice of nothing."""
    if "INVOICED" in command:
        call("invoices", "record", "atelier", "I-1", "0.00", "--month", MONTH)
        return {"INVOICED": "atelier"}
    if not {"PAST", "ISSUED", "PROVED"} & {*command}:
        return {}
    parts, past = Parts(clock=lambda: now() - 90 * DAY), "past"
    call("account", "open", past, "--prepaid", parts=parts)
    call("account", "top-up", "5.00", "--key", "p1", "--account", past, parts=parts)
    call("generate", "a lake", "--account", past, "-m", "scripted-image", parts=parts)
    known = {"PAST": past, "ISSUED": past, "CLOSED": ""}
    if {"CLOSED", "ISSUED", "PROVED"} & {*command}:
        known["CLOSED"] = call("period", "close", "--account", past, "--json").document["name"]
    if {"ISSUED", "PROVED"} & {*command}:
        call("statement", "issue", known["CLOSED"], "--account", past)
    if "PROVED" in command:
        known["PROVED"] = str(Path(mkdtemp()) / "statement.json")
        proved = call("statement", "prove", "past-0001", "--account", past, "--json").out
        Path(known["PROVED"]).write_text(proved, encoding="utf-8")
        [known["PUBLIC"]] = call("seals", "keys", "--json").document["keys"]
    return known


@cache
def leaves() -> dict[tuple[str, ...], Any]:
    """All commands of the tree, by their words; each is made once, which takes as long as a test."""
    return dict(_leaves(get_command(app), ()))


def _leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, one in command.commands.items():
        yield from _leaves(one, (*path, name))
