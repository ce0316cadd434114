"""Every error a caller can meet, in one tree; each says what happened, why, and what to do.

ImageStudioError
├── InvalidRequest            the request itself is wrong; nothing was recorded
│   ├── UnknownAccount, UnknownModel, UnknownKind, UnknownOperation, UnknownAsset, UnknownCollection, UnknownPlan,
│   │   UnknownApiKey, UnknownWebhook     there is no such thing, or it is another account's
│   ├── UnknownQuote, ApprovalNeeded in `domain.approvals`, UnknownPeriod, UnknownStatement in `domain.billing`
│   ├── InvalidInput          a field, its value and the limit it breaks
│   │   └── NoMedia           nothing, or a mere text, in place of a file
│   ├── InvalidMoney, CurrencyMismatch, InvalidPeriod, AccountExists
│   ├── KeyReused             same idempotency key, another request
│   ├── Unverified            a callback that is not the provider's
│   ├── Unauthenticated       no API key, or one that opens nothing
│   ├── Forbidden             the API key does not allow this
│   │   └── ApprovalNeeded    or not by itself: a person has to agree; nothing is held
│   └── IllegalTransition     the operation is not in a state that allows this
├── CatalogueError, PluginError  a catalogue file is wrong, or a provider from elsewhere cannot be used; names which
├── OperationError            the outcome is recorded as facts, and names its operation
│   ├── OperationRefused, OperationFailed
│   └── OperationPending      the provider's answer is not known yet; the hold stands
├── ProviderUnavailable       a provider does not answer, or not to this key; nothing was sent that costs
├── StoreError                the database did not do its part
│   ├── StoreUnavailable      locked, read-only, full, gone: nothing was recorded, or recovery settles it
│   │   └── ClockAhead        this machine's clock cannot be believed: nothing is recorded until it can
│   ├── StoreRefused          the database will never take what was decided: nothing was recorded
│   ├── NoLedger, SchemaMismatch  there is no database there, none with a ledger in it, or one of another schema
│   ├── ForeignFiles          the folder of files belongs to another ledger, or may
│   │   └── FilesMoved        the ledger's files are in another place now
│   ├── FactsLost             the log ends before facts that it once had
│   ├── FilesAtRisk           what is to be deleted may be needed by facts that are not in the log
│   ├── LogCorrupted          a stored fact is not what was written
│   ├── AssetMissing, AssetDamaged  a file's content was erased or lost, or is not what was written
│   ├── ViewStopped           a view cannot take in a fact; the others go on
│   └── RebuildLost           another rebuild of the same view took over
└── Overloaded, ShuttingDown  too many requests are waiting, or the studio closes; nothing was recorded

Each class has a kind, and an exit code or a status follows from that alone: see `infrastructure/showing/codes.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from domain.advice import PYTHON, Advice, Hint, worded
from domain.meaning import Kind
from domain.refusals import Refusal


class ImageStudioError(Exception):
    """Base of all errors; `code` is stable, `kind` tells a door its answer, and `hint` says in Python what to do."""

    code = "error"
    kind: ClassVar[Kind] = Kind.BROKEN

    def __init__(self, message: str, *, hint: Hint = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = hint

    @property
    def hint(self) -> str:
        return worded(self.advice, PYTHON)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, whatever its class is built from."""
        return type(self).__new__, (type(self), *self.args), vars(self)


class InvalidRequest(ImageStudioError):
    """The request is wrong as it stands; nothing was recorded."""

    code = "invalid_request"
    kind = Kind.INVALID


class UnknownAccount(InvalidRequest):
    """No such account was ever opened."""

    code = "unknown_account"
    kind = Kind.NOT_FOUND


class UnknownModel(InvalidRequest):
    """The catalogue has no such model, or it cannot be used."""

    code = "unknown_model"
    kind = Kind.NOT_FOUND


class UnknownKind(InvalidRequest):
    """There is no such kind of operation, or the model does not do it."""

    code = "unknown_kind"
    kind = Kind.NOT_FOUND


class UnknownOperation(InvalidRequest):
    """No operation has this id."""

    code = "unknown_operation"
    kind = Kind.NOT_FOUND

    @classmethod
    def of(cls, id: str) -> UnknownOperation:
        """In the same words wherever it is looked for: whether it is another account's is not told."""
        return cls(f"no operation {id!r}", hint=Advice("operation.list"))


class UnknownAsset(InvalidRequest):
    """The account has no asset of this id."""

    code = "unknown_asset"
    kind = Kind.NOT_FOUND


class UnknownCollection(InvalidRequest):
    """The account has no collection of this name."""

    code = "unknown_collection"
    kind = Kind.NOT_FOUND


class UnknownPlan(InvalidRequest):
    """No plan has this id."""

    code = "unknown_plan"
    kind = Kind.NOT_FOUND


class UnknownApiKey(InvalidRequest):
    """The account has no API key of this id."""

    code = "unknown_api_key"
    kind = Kind.NOT_FOUND


class UnknownWebhook(InvalidRequest):
    """The account has no webhook of this id, or no message of this one to it."""

    code = "unknown_webhook"
    kind = Kind.NOT_FOUND


class AccountExists(InvalidRequest):
    """The account was opened before, with other terms."""

    code = "account_exists"
    kind = Kind.CONFLICT


class InvalidInput(InvalidRequest):
    """An input breaks a declared limit."""

    code = "invalid_input"

    def __init__(self, field: str, message: str, *, hint: Hint = "") -> None:
        super().__init__(f"{field}: {message}", hint=hint)
        self.field = field


class NoMedia(InvalidInput):
    """The file is empty, or a text such as an error page, and not a picture, film, sound or model."""


class OtherMode(InvalidInput):
    """A model works in another way than is wanted: of several objections the least telling."""


class BeyondLimit(InvalidInput):
    """It is larger than a setting of ours accepts."""

    def __init__(self, field: str, message: str, *, setting: str, hint: Hint = "") -> None:
        super().__init__(field, message, hint=hint)
        self.setting = setting


class InvalidMoney(InvalidRequest):
    """Not an exact amount in a known currency."""

    code = "invalid_money"


class CurrencyMismatch(InvalidMoney):
    """An account has one currency; nothing is ever converted."""

    code = "currency_mismatch"


class InvalidPeriod(InvalidRequest):
    """Not a billing cycle or time zone that can tile time."""

    code = "invalid_period"


class KeyReused(InvalidRequest):
    """The idempotency key belongs to a different request."""

    code = "key_reused"
    kind = Kind.CONFLICT


class Unverified(InvalidRequest):
    """A callback does not prove that it is the provider's, or a link that it is ours, and was not looked at."""

    code = "unverified"
    kind = Kind.UNVERIFIED


class Unauthenticated(InvalidRequest):
    """No API key was shown, or one that opens nothing: unknown, revoked or expired."""

    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED


class Forbidden(InvalidRequest):
    """The API key that was shown does not allow this."""

    code = "forbidden"
    kind = Kind.FORBIDDEN


class IllegalTransition(InvalidRequest):
    """The operation's recorded facts do not allow this."""

    code = "illegal_transition"
    kind = Kind.CONFLICT


class CatalogueError(ImageStudioError):
    """A catalogue file cannot be used."""

    code = "catalogue"
    kind = Kind.INVALID


class PluginError(ImageStudioError):
    """A plug-in is not installed, or what it offers cannot be used."""

    code = "plugin"
    kind = Kind.INVALID


class OperationError(ImageStudioError):
    """The operation ended without a result; the facts say why."""

    code = "operation"

    def __init__(self, operation: str, message: str, *, hint: Hint = "") -> None:
        super().__init__(message, hint=hint)
        self.operation = operation


class OperationRefused(OperationError):
    """A plan, limit or price rule refused the operation; the refusal is recorded, and `refusal` has its figures."""

    code = "refused"
    kind = Kind.REFUSED

    def __init__(self, operation: str, message: str, *, refusal: Refusal, hint: Hint = "") -> None:
        super().__init__(operation, message, hint=hint)
        self.refusal = refusal


class OperationFailed(OperationError):
    """The provider failed; the hold is released."""

    code = "failed"
    kind = Kind.FAILED


class OperationPending(OperationError):
    """Whether the provider did the work is unknown; the hold stands until recovery learns it."""

    code = "pending"
    kind = Kind.PENDING


class ProviderUnavailable(ImageStudioError):
    """A provider does not answer a question that costs nothing, or not to this key."""

    code = "provider_unavailable"
    kind = Kind.FAILED


class StoreError(ImageStudioError):
    """The database did not do its part; `inner` are its driver's words, for whoever runs the studio alone."""

    code = "store"

    def __init__(self, message: str, *, hint: Hint = "", inner: str = "") -> None:
        super().__init__(f"{message}: {inner}" if inner else message, hint=hint)
        self.outer, self.inner = message, inner


class StoreUnavailable(StoreError):
    """The database is locked, read-only, full or gone."""

    code = "store_unavailable"
    kind = Kind.UNAVAILABLE


class ViewsHeld(StoreUnavailable):
    """A rebuild keeps views if they are: what they say is older than the log."""


class ClockAhead(StoreUnavailable):
    """The clock is ahead of what else knows the time; what was begun waits until it is set."""

    code = "clock_ahead"


class StoreRefused(StoreError):
    """The database will never take what was decided; trying again does not help."""

    code = "store_refused"


class SchemaMismatch(StoreError):
    """The database's schema is not the one this program knows."""

    code = "schema_mismatch"
    kind = Kind.UNAVAILABLE


class NoLedger(StoreError):
    """There is no ledger to read or to go on with; nothing was made."""

    code = "no_ledger"
    kind = Kind.UNAVAILABLE


class ForeignFiles(StoreError):
    """The folder of files belongs to another ledger, or may; nothing in it was touched."""

    code = "foreign_files"


class FilesMoved(ForeignFiles):
    """The ledger's files were moved to another place; nothing is written here any more."""

    code = "files_moved"


class FactsLost(StoreError):
    """The log ends before facts that it once had, or has others in their place."""

    code = "facts_lost"


class FilesAtRisk(StoreError):
    """Files would be deleted that facts may need which this log does not have."""

    code = "files_at_risk"


class LogCorrupted(StoreError):
    """A stored fact is not what was written."""

    code = "log_corrupted"


class AssetMissing(StoreError):
    """The content of an asset was erased or lost; the facts about it stand."""

    code = "asset_missing"
    kind = Kind.GONE


class AssetDamaged(StoreError):
    """The content of an asset does not have its digest any more."""

    code = "asset_damaged"


class ViewStopped(StoreError):
    """A view cannot take in a fact; its rows stand as they were before it."""

    code = "view_stopped"


class RebuildLost(StoreError):
    """Another rebuild of the same view began; this one's rows were dropped."""

    code = "rebuild_lost"


class Overloaded(ImageStudioError):
    """Too many requests are waiting to be recorded."""

    code = "overloaded"
    kind = Kind.OVERLOADED


class ShuttingDown(ImageStudioError):
    """The studio is closing and takes no new work."""

    code = "shutting_down"
    kind = Kind.OVERLOADED
