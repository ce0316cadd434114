"""The tree of commands: all of them are listed here, and the module of one is loaded when it is called.

`imagestudio --help` therefore loads none. A test holds the words below against those of the commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer import Context, Option
from typer.main import get_group

from infrastructure.cli.commands import NO_VALUE, CommandGroup, OneCommand

PANELS = {
    "Operations": {
        "run": {
            "generate": "Make an image from words.",
            "run": "Do any kind of operation, given its inputs and files.",
            "cancel": "Stop an operation, or all of a batch, at its provider.",
            "estimate": "Say what an operation would cost; nothing is recorded.",
        },
        "tagging": {
            "tag": "Give an operation, or all of a batch, tags: words of your own, beside the log.",
            "untag": "Take tags away from an operation, or all of a batch.",
        },
        "models": {"models": "List models and prices, or show all about one."},
    },
    "Services": {
        "create": {"create": "Make pictures from words, by a template, in a style, at a quality."},
        "compare": {
            "compare": "Make variants side by side, and say what each costs.",
            "judge": "Say what an accepted picture of a comparison costs.",
        },
        "finishing": {
            "social": "Bring a picture to the sizes of many platforms at once.",
            "compress": "Make pictures smaller in bytes: by a preset, a quality, or to a number of bytes.",
            "convert": "Write pictures in another format or colour space; without --to in the one that is advised.",
            "resize": "Bring pictures to another number of pixels, or to the size of a print.",
            "watermark": "Mark pictures as somebody's: by a brand kit, a logo or a text.",
            "formats": "List the formats of platforms, for 'social': pixels, bytes, safe part, and where it was read.",
        },
        "retouch": {
            "edit": "Change a picture: as the words say, or in any other way there is.",
            "fields": "List what a kind of operation can be given, for whoever draws a form.",
            "upscale": "Give a picture more pixels, as many as it is wanted for.",
            "control": "Make a picture from words and from what is kept of another.",
            "face-swap": "Put a face, a head or several faces into a picture.",
            "background": "Take a background away, replace it, or light it anew.",
        },
        "solids": {"model-3d": "Make a 3D model of pictures or words; turn a GLB file before a camera, or print it."},
        "batch": {"batch": "Do one thing, or the steps of a recipe, to every item of a list."},
    },
    "What happened": {
        "views": {
            "usage": "Sum up who did what, and what it cost.",
            "periods": "List billing periods with their totals.",
            "spend": "List what was spent on each day at each model, or draw it.",
            "costs": "List what each model brought in and what it cost us.",
            "operations": "List operations, the newest first.",
        },
        "report": {
            "report": "Report a billing period: what was made, by day, model, user and project, and what it came to."
        },
        "books": {"books": "Show the trial balance, or the postings of one ledger account."},
        "exporting": {"export": "Write the books for other programs: beancount, hledger, CSV, FOCUS, events."},
        "pushing": {"push": "Push what was booked to OpenMeter, as CloudEvents."},
        "limits": {
            "limits": "List every limit, with what is left of it and when it begins anew.",
            "holds": "List what open operations hold, of whichever period, the newest first.",
        },
        "why": {"why": "Say why an operation came out as it did, or why a request was refused."},
        "log": {
            "operation": "Tell an operation's story, each fact with its money.",
            "events": "Print the log, or a part of it, in its one order.",
        },
    },
    "Operators": {
        "mcp": {"mcp": "Serve the studio to an agent, by the Model Context Protocol over stdin and stdout."},
        "serve": {"serve": "Serve the studio over HTTP, until it is stopped."},
        "backup": {
            "backup": "Copy the whole ledger into a folder, database and files, while others go on.",
            "restore": "Bring a backup back into an empty database and an empty place for files, and verify all of it.",
        },
        "carrying": {
            "export-account": "Write one account's whole log into a file, to be taken into another ledger.",
            "import-account": "Take an account in from its export, all of it or nothing.",
        },
        "audit": {
            "audit": "Verify the log, replay it, and compare all tables.",
            "seal": "Print the log's seal, to be kept elsewhere.",
            "rebuild": "Rebuild the tables beside the log from it, if they differ.",
        },
        "queues": {"queues": "Show what waits for providers and what is worked on: of all accounts, or of one."},
        "worker": {"worker": "Perform what waits in the queue, whichever process accepted it."},
        "relay": {"relay": "Tell the books to a stream of NATS or a topic of Kafka, each fact once."},
        "storecheck": {"storecheck": "Try whether a database keeps what the ledger rests on."},
        "reconcile": {"reconcile": "Hold the costs we recorded against a provider's bills."},
        "reprice": {"reprice": "Price charges again by another price book, and give back what was too much."},
        "probe": {"probe": "Buy, repeat, fail and add up, for ever, and tell every difference."},
        "faults": {"simulate-faults": "Try the ledger in simulated worlds in which everything fails."},
        "simulate": {"simulate": "Compare what was charged with what it would have been."},
        "approve": {
            "approve": "Approve what an API key may not spend by itself.",
            "approvals": "List what people were asked to approve, the newest first.",
        },
        "upkeep": {
            "refund": "Give back what an operation was charged, or a part of it.",
            "goodwill": "Give an amount back that corrects no single charge, for a period's charges.",
            "correct-cost": "Book what a provider really took for an operation; its price stays.",
            "recover": "Settle what dead processes left open.",
            "sweep": "Delete files that nothing refers to any more.",
        },
        "erasing": {"erase": "Delete prompts and files for ever: of an operation, of a user, or of an account."},
        "config": {
            "config": "List every setting, with its value and where it was set; of a secret only whether it is set.",
        },
    },
}
"""By panel and module, each command's name and what it does."""

GROUPS = {
    "account": ("accounts", "app", "Accounts: open, show, and change plan, limits, zone and credit."),
    "keys": ("keys", "app", "API keys: issue, list, show, change and revoke."),
    "alert": ("alerts", "app", "Alerts: told once use comes to a share of a limit, or to an amount."),
    "webhooks": ("webhooks", "app", "Webhooks: where an account is told what happens."),
    "assets": ("assets", "app", "The asset library: what was made and brought, and what paid for it."),
    "catalogue": ("catalogue", "app", "The catalogue: held against what its providers list now."),
    "period": ("statements", "periods", "Billing periods: listed, and closed for good."),
    "statement": ("statements", "app", "Statements: previewed, issued, shown and voided."),
    "invoices": ("invoices", "app", "Invoices of providers: recorded, and held against the costs we recorded."),
    "providers": ("providers", "app", "Providers: what each lacks here, and whether it answers."),
    "templates": ("templates", "app", "Templates: pictures for platforms and purposes, for 'create'."),
    "video": ("video", "app", "The video studio: films made, changed and brought to platforms."),
    "projections": ("projections", "app", "The views: how far they are, and building them anew."),
    "db": ("db", "app", "The database's schema."),
    "seals": ("seals", "app", "Signed seals: kept outside the database, and checked without it."),
    "shard": ("shard", "app", "Shards: ledgers in several databases, and which accounts are in which."),
    "archive": ("archive", "app", "The archive: facts of closed periods in compressed files."),
    "files": ("moving", "app", "The files beside the log: moving them to another place."),
}
"""By its name, where a group of commands is, and what they are about."""


class Place(NamedTuple):
    """The place of a command, or a group of them, and how it is listed."""

    module: str
    variable: str
    panel: str
    help: str


PLACES = {
    **{
        name: Place(module, "app", panel, help)
        for panel, modules in PANELS.items()
        for module, commands in modules.items()
        for name, help in commands.items()
    },
    **{name: Place(module, variable, "Groups", help) for name, (module, variable, help) in GROUPS.items()},
}


class Commands(Mapping[str, Any]):
    """All commands by name, each made when it is first asked for."""

    def __init__(self, others: Mapping[str, Any]) -> None:
        self._others = others

    def __getitem__(self, name: str) -> Any:
        return self._others[name] if name in self._others else _made(name)

    def __iter__(self) -> Iterator[str]:
        return iter((*PLACES, *self._others))

    def __len__(self) -> int:
        return len(PLACES) + len(self._others)


@cache
def _made(name: str) -> Any:
    """A command of ours, or a group of them. Raises KeyError if there is none of that name."""
    place = PLACES[name]
    part = getattr(import_module(f"{__package__}.{place.module}"), place.variable)
    whole = typer.Typer(rich_markup_mode=None)
    if name in GROUPS:
        whole.add_typer(part, cls=CommandGroup, name=name, help=place.help)
    else:
        whole.add_typer(part)
    return get_group(whole).commands[name]


class Root(CommandGroup):
    """The commands, and those that were registered beside them."""

    def __init__(self, *, commands: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.commands = Commands(commands)  # type: ignore[assignment]  # nobody adds to them

    def list_commands(self, context: Any) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def listed(self, context: Any, name: str) -> Any:
        place = PLACES.get(name)
        if place is None:
            return super().listed(context, name)
        return OneCommand(name, help=place.help, rich_help_panel=place.panel)


app = typer.Typer(
    cls=Root,
    rich_markup_mode=None,  # help is plain: what would colour it takes as long to load as all else
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="A ledger for AI image and video operations: none is lost, charged twice, or let past a limit.",
)


@app.callback(invoke_without_command=True)
def root(
    context: Context, version: Annotated[bool, Option("--version", metavar=NO_VALUE, help="Print the version.")] = False
) -> None:
    if version:
        typer.echo(_version())
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("image-studio")
    except PackageNotFoundError:
        return "not installed: run from its source"
