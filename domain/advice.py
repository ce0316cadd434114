"""Advice about an error: an action with its fields, which each door says in its own words.

    Advice("account.open", account="acme") ─┬─ Python   open it first: studio.accounts.open('acme', plan='free')
                                            ├─ shell    open it with: imagestudio account open acme --plan free
                                            └─ HTTP     the account has to be opened first

An error speaks Python itself, by the table below; the other doors' tables are in `infrastructure/showing/hints.py`. A
hint that every door may say alike is a plain text and needs no action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

Hint: TypeAlias = "str | Advice | tuple[Hint, ...]"
"""A text for every door, an advice, or several of these of which one is enough."""

OR: Final = "; or "


@dataclass(frozen=True, slots=True, init=False)
class Advice:
    """An action that a door's table has a sentence for, and what the sentence names."""

    action: str
    fields: Mapping[str, object]

    def __init__(self, action: str, **fields: object) -> None:
        object.__setattr__(self, "action", action)
        object.__setattr__(self, "fields", MappingProxyType(fields))

    def __str__(self) -> str:
        return worded(self, PYTHON)

    def __reduce__(self) -> tuple[Callable[[], Advice], tuple[()]]:
        """For another process, where its fields are as fixed as here."""
        return partial(Advice, self.action, **self.fields), ()


def worded(hint: object, words: Mapping[str, str]) -> str:
    """A hint in the words of a door's table; a plain text stays as it is."""
    match hint:
        case Advice(action=action, fields=fields):
            return words[action].format_map({name: worded(field, words) for name, field in fields.items()})
        case tuple():
            return OR.join(dict.fromkeys(worded(each, words) for each in hint))
    return str(hint)


RECOVER: Final = "studio.upkeep.recover()"
LIST: Final = "list them with studio.views.rows(OPERATIONS)"
UPGRADE: Final = "the command line's db upgrade"

PYTHON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account.allow": "allow it: studio.accounts.allow(account, {model_class!r})",
        "account.change": "show it with studio.accounts.show(), change it with change_plan() or change_limit()",
        "account.credit": "pay in: studio.accounts.add_credit()",
        "account.limit": "wait until it begins anew, or change plan or limits: studio.accounts.change_plan() or"
        " change_limit()",
        "account.outlived": "it never begins anew: change plan or limits: studio.accounts.change_plan() or"
        " change_limit()",
        "account.open": "open it first: studio.accounts.open({account!r}, plan='free')",
        "account.prepay": "open one with prepaid=True to carry a balance",
        "account.resume": "resume it: studio.accounts.resume()",
        "account.unpriced": "allow unknown prices up to a cap: studio.accounts.change_limit(account, 'unpriced', cap)",
        "agents.install": "install it: pip install 'image-studio[mcp]'",
        "asset.list": "list the account's with studio.library.list(account)",
        "class.allow": "allow it: allow={model_class!r} in the request, or studio.accounts.allow(account,"
        " {model_class!r})",
        "clock.compare": "set the one that is wrong; IMAGESTUDIO_CLOCK_SECONDS is how far they may be apart",
        "clock.day": "set the clock; if it is right, say which day it is, once: IMAGESTUDIO_TODAY={day}",
        "clock.restart": "set it back; if it was wrong before and is right now, start this program again",
        "database.choose": "choose a database of the studio's own",
        "database.create": f"create the database, and its schema with {UPGRADE}",
        "database.file": "the file is not a SQLite database; choose another with IMAGESTUDIO_DATABASE_URL",
        "database.find": "name the right one with IMAGESTUDIO_DATABASE_URL or IMAGESTUDIO_HOME (a copy needs the -wal"
        " beside it); a studio that is opened makes a new one",
        "database.folder": "does the directory exist, and may you write there? Choose another file with"
        " IMAGESTUDIO_DATABASE_URL",
        "database.make": f"make it with {UPGRADE}",
        "database.tables": f"create the schema with {UPGRADE}, unless search_path in the URL's options names a wrong"
        " one; a program that ran meanwhile must be started again",
        "database.upgrade": f"back it up, then bring its schema to this program's with {UPGRADE}",
        "database.write": "make the file and its directory writable, or choose another with IMAGESTUDIO_DATABASE_URL",
        "documents.install": "install it: pip install 'image-studio[documents]'",
        "files.adopt": "{otherwise}: the command line's db adopt",
        "files.install": "install it: pip install 'image-studio[s3]'",
        "cost.correct": "correct them: studio.providers.reconcile(), or studio.upkeep.correct_cost()",
        "invoice.list": "list them with studio.invoices.list({provider!r})",
        "invoice.void": "if it was recorded wrongly, void it: studio.invoices.void({provider!r}, {number!r}, reason)",
        "key.in_client": "have another key or a person approve it, or let it: studio.keys.change(account, key,"
        " changes={{'approve_in_client': True}})",
        "key.list": "list them with studio.keys.list({account!r})",
        "key.renew": "issue another: studio.keys.issue()",
        "key.revoke": "revoke it instead: studio.keys.revoke()",
        "key.scope": "issue a key with the scope {scope}: studio.keys.issue()",
        "key.send": "give the secret that studio.keys.issue() returned",
        "key.studio": "use a key of the studio's own account: studio.keys.issue('@studio')",
        "key.users": "issue a key that forwards users, or has this one: studio.keys.issue()",
        "language.list": "all of them: studio.services.video.translate.languages()",
        "limit.none": "0 allows nothing; None is no limit",
        "archive.restore": "bring the file back from a copy of the archive's folder",
        "log.audit": "verify the log: studio.audit.verify()",
        "log.seal": "give one that was taken of this log",
        "model.choose": "name one of: {names}; all of them: studio.catalogue.for_kind({kind!r})",
        "model.install": "install models that run on this machine: pip install 'image-studio[local]'",
        "model.list": "all of them: studio.catalogue.models",
        "model.such": "such as studio.catalogue.models has",
        "operation.choose": f"name one operation of a batch; {LIST}",
        "operation.facts": "its state: studio.views.one(OPERATIONS, {operation!r})",
        "operation.failed": "nothing was charged; its state: studio.views.one(OPERATIONS, {operation!r})",
        "operation.kept": f"nothing was recorded; what was begun stays open with its hold, for {RECOVER}",
        "operation.list": LIST,
        "operation.look": f"it is settled as soon as the truth is known; to look now: {RECOVER}",
        "operation.refund": "what was charged can be given back: studio.upkeep.refund()",
        "operation.release": f"to release it: {RECOVER}",
        "operation.settle": f"to settle it: {RECOVER}",
        "period.carry": "close it with carry=True, and they are billed when they are settled; or wait until they are",
        "period.close": "close it first: studio.statements.close(account, {period!r})",
        "period.list": "list them with studio.statements.periods({account!r})",
        "provider.check": "try again later, or check the key",
        "provider.mend": "the provider has to be mended, by what the log says; to learn then what became of it:"
        f" {RECOVER}",
        "provider.ready": "make it ready: {lacks}",
        "quote.approve": "have it approved: studio.approvals.give(account, {quote!r}), then ask again with it",
        "service.install": "install it: pip install 'image-studio[service]'",
        "shards.add": "the command line's shard add makes one",
        "shards.open": "open the studio of all shards: Settings(shards=…)",
        "shards.list": "see which there are in the list of shards",
        "shards.moved": "take another name, or give that shard its new address",
        "shards.marked": "name another database, or another schema",
        "shards.one": "name an account, or ask the studio of one shard: studio.shards",
        "setting.change": f"change {{setting}}, then: {RECOVER}",
        "statement.list": "list them with studio.statements.list({account!r})",
        "tables.choose": "there are: {tables}; views are rebuilt by studio.audit.rebuild()",
        "telemetry.install": "install it: pip install 'image-studio[telemetry]'",
        "webhook.list": "list them with studio.webhooks.list({account!r})",
        "views.rebuild": "look at studio.views.status(); to make them anew: studio.audit.rebuild()",
    }
)
