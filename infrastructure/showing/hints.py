"""An error's advice as a sentence of the shell, of HTTP or of tools; Python's own are in `domain/advice.py`.

Over HTTP a customer asks, and does not run the ledger: what only its operator can do is said to be the operator's. An
agent is told the same, and which tool to call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from domain.advice import Hint, worded
from domain.errors import ImageStudioError, StoreError

OPEN_ONE: Final = "imagestudio account open acme --plan free"
LIST: Final = "list them with 'imagestudio operations'"
OPERATOR: Final = "tell whoever runs this service"

SHELL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account.allow": "allow it: imagestudio account allow {model_class}",
        "account.change": "show it with 'imagestudio account show', change it with 'account plan' or 'account limit'",
        "account.credit": "pay in: imagestudio account top-up AMOUNT",
        "account.limit": "wait until it begins anew, or change plan or limits: imagestudio account plan|limit",
        "account.outlived": "it never begins anew: change plan or limits: imagestudio account plan|limit",
        "account.open": "open it with: imagestudio account open {account} --plan free",
        "account.prepay": "open one with --prepaid to carry a balance",
        "account.resume": "resume it: imagestudio account resume",
        "account.unpriced": "allow unknown prices up to a cap: imagestudio account limit unpriced AMOUNT",
        "agents.install": "install it: pip install 'image-studio[mcp]'",
        "asset.list": "list them with 'imagestudio assets list'",
        "class.allow": "allow it: --allow {model_class}, or imagestudio account allow {model_class}",
        "clock.compare": "set the one that is wrong; IMAGESTUDIO_CLOCK_SECONDS is how far they may be apart",
        "clock.day": "set the clock; if it is right, say which day it is, once: IMAGESTUDIO_TODAY={day}",
        "clock.restart": "set it back; if it was wrong before and is right now, start this program again",
        "database.choose": "choose a database of the studio's own with --db",
        "database.create": "create the database, and its schema with: imagestudio db upgrade",
        "database.file": "the file is not a SQLite database; choose another with --db",
        "database.find": "name the right one with --db, IMAGESTUDIO_DATABASE_URL or IMAGESTUDIO_HOME (a copy needs the"
        " -wal beside it); opening an account makes a new one: " + OPEN_ONE,
        "database.folder": "does the directory exist, and may you write there? Choose another file with --db",
        "database.make": "make it with: imagestudio db upgrade --db {database}",
        "database.tables": "create the schema with: imagestudio db upgrade, unless search_path in the URL's options"
        " names a wrong one; a program that ran meanwhile must be started again",
        "database.upgrade": "back it up, then: imagestudio db upgrade --db {database}",
        "database.write": "make the file and its directory writable, or choose another with --db",
        "documents.install": "install it: pip install 'image-studio[documents]'",
        "files.adopt": "{otherwise}: imagestudio db adopt",
        "files.install": "install it: pip install 'image-studio[s3]'",
        "cost.correct": "correct them: imagestudio reconcile PROVIDER --correct, or imagestudio correct-cost",
        "invoice.list": "list them with: imagestudio invoices list {provider}",
        "invoice.void": "if it was recorded wrongly: imagestudio invoices void {provider} {number}",
        "key.in_client": "approve it with: imagestudio approve; or let the key: imagestudio keys change"
        " --approve-in-client",
        "key.list": "list them with: imagestudio keys list {account}",
        "key.renew": "issue another: imagestudio keys issue",
        "key.revoke": "revoke it instead: imagestudio keys revoke",
        "key.scope": "issue a key with this scope: imagestudio keys issue --scope {scope}",
        "key.send": "give the secret that 'imagestudio keys issue' printed",
        "key.studio": "use a key of the studio's own: imagestudio keys issue @studio --scope admin",
        "key.users": "issue a key that may name users: imagestudio keys issue --forwards",
        "language.list": "all of them: imagestudio video languages",
        "limit.none": "0 allows nothing; for no limit: imagestudio account limit {measure} unlimited",
        "archive.restore": "bring it back from a copy of the archive's folder; read all: imagestudio archive verify",
        "log.audit": "run: imagestudio audit",
        "log.seal": "give one that 'imagestudio audit' printed",
        "model.choose": "name one of: {names}; all of them: imagestudio models {kind}",
        "model.install": "install models that run on this machine: pip install 'image-studio[local]'",
        "model.list": "all of them: imagestudio models",
        "model.such": "such as 'imagestudio models' lists",
        "operation.choose": "name one operation of a batch; " + LIST,
        "operation.facts": "its facts: imagestudio operation {operation}",
        "operation.failed": "nothing was charged; its facts: imagestudio operation {operation}",
        "operation.kept": "nothing was recorded; what was begun stays open with its hold, for: imagestudio recover",
        "operation.list": LIST,
        "operation.look": "it is settled as soon as the truth is known; to look now: imagestudio recover",
        "operation.refund": "what was charged can be given back: imagestudio refund",
        "operation.release": "to release it: imagestudio recover",
        "operation.settle": "to settle it: imagestudio recover",
        "period.carry": "wait until they are settled, or bill them then: imagestudio period close {period} --carry",
        "period.close": "close it first: imagestudio period close {period}",
        "period.list": "list them with: imagestudio period list --account {account}",
        "provider.check": "try again later, or check the key: imagestudio providers check",
        "provider.mend": "fix the provider (see the service's log), then run: imagestudio recover",
        "provider.ready": "make it ready: {lacks}",
        "quote.approve": "approve it: imagestudio approve {quote}",
        "service.install": "install it: pip install 'image-studio[service]'",
        "shards.add": "add a shard: imagestudio shard add",
        "shards.open": "set IMAGESTUDIO_SHARDS to the directory, and leave --db out; with --db a shard is only read",
        "shards.list": "see: imagestudio shard list",
        "shards.moved": "take another name; if that shard has another address now: imagestudio shard address",
        "shards.marked": "name another database, or another schema; if that directory is lost: --take-over",
        "shards.one": "name an account, or one shard's own database with --db; see: imagestudio shard list",
        "setting.change": "change {setting}, then: imagestudio recover",
        "statement.list": "list them with: imagestudio statement list --account {account}",
        "tables.choose": "there are: {tables}; views are rebuilt by: imagestudio projections rebuild",
        "telemetry.install": "install it: pip install 'image-studio[telemetry]'",
        "webhook.list": "list them with: imagestudio webhooks list {account}",
        "views.rebuild": "see: imagestudio projections status; to make them anew: imagestudio projections rebuild",
    }
)

HTTP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account.allow": "the account has to allow models of class {model_class}",
        "account.change": "compare it with the account as it is, and change its plan or limits instead",
        "account.credit": "pay into the account, then send the request again",
        "account.limit": "wait until it begins anew, or have the plan or the limits changed",
        "account.outlived": "it never begins anew: have the plan or the limits changed",
        "account.open": "open account {account} first",
        "account.prepay": "open a prepaid account to carry a balance",
        "account.resume": "the account has to be resumed first",
        "account.unpriced": "choose a model of known price, or have a cap set for unknown prices",
        "agents.install": OPERATOR,
        "asset.list": "look it up in the list of assets",
        "class.allow": "allow models of class {model_class} in the request, or for the account",
        "clock.compare": OPERATOR,
        "clock.day": OPERATOR,
        "clock.restart": OPERATOR,
        "database.choose": OPERATOR,
        "database.create": OPERATOR,
        "database.file": OPERATOR,
        "database.find": OPERATOR,
        "database.folder": OPERATOR,
        "database.make": OPERATOR,
        "database.tables": OPERATOR,
        "database.upgrade": OPERATOR,
        "database.write": OPERATOR,
        "documents.install": OPERATOR,
        "files.adopt": OPERATOR,
        "files.install": OPERATOR,
        "cost.correct": "have the costs corrected first",
        "invoice.list": "list them with GET /v1/providers/{provider}/invoices",
        "invoice.void": "if it was recorded wrongly, void it first",
        "key.in_client": "have a person approve it, or another key",
        "key.list": "look it up in the list of keys",
        "key.renew": "use another key, or have one issued",
        "key.revoke": "revoke the key instead",
        "key.scope": "use a key with the scope {scope}",
        "key.send": "send an API key as a bearer token",
        "key.studio": OPERATOR,
        "key.users": "leave the user out, or use a key that forwards users",
        "language.list": "take one from the list of languages",
        "limit.none": "0 allows nothing; null is no limit",
        "archive.restore": OPERATOR,
        "log.audit": OPERATOR,
        "log.seal": "give one that was taken of this log",
        "model.choose": "name one of: {names}; the list of models for {kind} has them all",
        "model.install": OPERATOR,
        "model.list": "the list of models has them all",
        "model.such": "take one from the list of models",
        "operation.choose": "name one operation of a batch, by its own id",
        "operation.facts": "look at the facts of operation {operation}",
        "operation.failed": "nothing was charged; look at the facts of operation {operation}",
        "operation.kept": "nothing was recorded; what was begun is settled by recovery",
        "operation.list": "look it up in the list of operations",
        "operation.look": "it is settled as soon as the truth is known; ask for it again later",
        "operation.refund": "what was charged can be refunded",
        "operation.release": "it is released by recovery",
        "operation.settle": "ask for it again later",
        "period.carry": "wait until they are settled, or close it with carry, and they are billed then",
        "period.close": "it has to be closed first",
        "period.list": "list them with GET /v1/statements/periods",
        "provider.check": "try again later, or have the provider's key checked",
        "provider.mend": "ask for it again once the provider is fixed",
        "provider.ready": OPERATOR,
        "quote.approve": "have a person approve quote {quote}, then send the same request again, naming it as quote",
        "service.install": OPERATOR,
        "shards.add": OPERATOR,
        "shards.open": OPERATOR,
        "shards.list": OPERATOR,
        "shards.moved": OPERATOR,
        "shards.marked": OPERATOR,
        "shards.one": "name an account",
        "setting.change": OPERATOR,
        "statement.list": "list them with GET /v1/statements",
        "tables.choose": "there are: {tables}",
        "telemetry.install": OPERATOR,
        "webhook.list": "look it up in the list of webhooks",
        "views.rebuild": OPERATOR,
    }
)

TOOLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **HTTP,
        "account.unpriced": "choose a model of known price with the tool 'models'",
        "asset.list": "look it up with the tool 'assets'",
        "class.allow": "name {model_class} in 'allow', if whoever you work for agrees",
        "key.renew": "tell whoever gave you the key: it opens nothing any more",
        "key.send": "tell whoever gave you the key",
        "model.choose": "name one of: {names}; the tool 'models' with kind {kind} has them all",
        "model.list": "the tool 'models' has them all",
        "model.such": "take one from the tool 'models'",
        "operation.facts": "look at operation {operation} with the tool 'operation'",
        "operation.failed": "nothing was charged; look at operation {operation} with the tool 'operation'",
        "operation.list": "look it up with the tool 'operations'",
        "operation.look": "its hold stands; look at it again later with the tool 'operation', and do not ask anew",
        "quote.approve": "tell the person you work for: they, or another key, have to approve quote {quote}; then call"
        " this again with the same arguments, and quote={quote}",
    }
)


def in_shell(hint: Hint) -> str:
    """The hint for a person who typed a command."""
    return worded(hint, SHELL)


def outside(error: ImageStudioError, words: Callable[[Hint], str]) -> tuple[str, str]:
    """The message and the hint for whoever does not run the studio: without a driver's words."""
    if isinstance(error, StoreError) and error.inner:
        return error.outer, OPERATOR
    return error.message, words(error.advice)


def over_http(hint: Hint) -> str:
    """The hint for a program that sent a request."""
    return worded(hint, HTTP)


def for_tools(hint: Hint) -> str:
    """The hint for a model that called a tool."""
    return worded(hint, TOOLS)
