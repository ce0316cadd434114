"""An S3-compatible store: how it is reached, and what its answers mean in one clear error each.

The library is loaded when a bucket is opened, not before: it comes with the extra `s3`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from domain.advice import Advice, Hint
from domain.errors import InvalidInput, StoreUnavailable

if TYPE_CHECKING:
    from obstore.store import S3Store

    from infrastructure.settings import Settings

S3: Final = "s3://"
_TRIES: Final = 4
_WHOLE_FILE: Final = timedelta(hours=6)
"""In which a file has to be read or written, however large; what stands still is given up far sooner."""

_ADDRESS: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!.*'()-]+)*")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3})")

_KEYS: Final = "check IMAGESTUDIO_S3_KEY and IMAGESTUDIO_S3_SECRET, and what this key may do in the bucket"
_LATER: Final = "nothing is lost: try again when it does; what was begun is settled by recovery"
_WORDS: Final[tuple[tuple[re.Pattern[str], str, Hint], ...]] = tuple(
    (re.compile(pattern), what, hint)
    for pattern, what, hint in (
        ("NoSuchBucket", "there is no such bucket", "make it, or name another with IMAGESTUDIO_ASSETS"),
        ("RequestTimeTooSkewed|RequestExpired", "its clock and this machine's differ too much", "set the clocks"),
        ("Quota|InsufficientStorage|StorageFull|^507", "it is full", "make room there, or raise its quota"),
        ("SlowDown|^503|^429", "it takes no more requests now", _LATER),
        ("AccessDenied|Signature|InvalidAccessKey|Token|PermissionDenied|Unauth|^40[13]", "it refuses this key", _KEYS),
        ("Digest|Checksum|SHA256Mismatch", "what arrived there is not what was sent", _LATER),
        ("Timeout|timed out", "it does not answer in time", _LATER),
        ("Connect|dns error|error sending request", "it cannot be reached", _LATER),
        ("^5", "it failed", _LATER),
    )
)


def checked_address(where: str) -> str:
    """The address of a bucket, with a prefix or without. Raises ValueError."""
    address = where.rstrip("/")
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{where!r} is not an address such as s3://bucket or s3://bucket/prefix")
    return address


@dataclass(frozen=True, slots=True)
class S3Access:
    """Who may use the store, and where it is; what is empty is the machine's own, such as the role it runs under.

    `seconds` is how long a request may stand still.
    """

    endpoint: str
    region: str
    key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    seconds: int

    @classmethod
    def of(cls, settings: Settings) -> S3Access:
        from infrastructure.settings import revealed

        secret, token = revealed(settings.s3_secret), revealed(settings.s3_token)
        return cls(settings.s3_endpoint, settings.s3_region, settings.s3_key, secret, token, settings.s3_seconds)

    @property
    def said(self) -> dict[str, Any]:
        """Each that is not empty, in the library's names."""
        names = {
            "endpoint": self.endpoint,
            "region": self.region,
            "access_key_id": self.key,
            "secret_access_key": self.secret,
            "session_token": self.token,
        }
        return {name: value for name, value in names.items() if value}


def open_store(where: str, access: S3Access) -> S3Store:
    """The bucket and prefix that an address names. Raises InvalidInput if the library is missing; asks nobody."""
    try:
        from obstore.store import S3Store
    except ImportError as error:
        raise InvalidInput(
            "IMAGESTUDIO_ASSETS", f"{where} needs a library that is not installed", hint=Advice("files.install")
        ) from error

    bucket, _, prefix = where.removeprefix(S3).partition("/")
    standing = timedelta(seconds=access.seconds)
    options: Any = {
        "allow_http": access.endpoint.startswith("http://"),
        "connect_timeout": min(standing, timedelta(seconds=10)),
        "read_timeout": standing,
        "timeout": _WHOLE_FILE,
    }
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options=options,
        retry_config={"max_retries": _TRIES - 1, "retry_timeout": standing},
        checksum_algorithm="SHA256",
        disable_bulk_delete=True,
        **access.said,
    )


@contextmanager
def telling(where: str) -> Iterator[None]:
    """Turn all that the library raises into StoreUnavailable; FileNotFoundError if the file is not there.

    Nothing of its own text is passed on: that has headers and addresses in it.
    """
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        told = store_error(where, str(error)) if "NoSuchBucket" in str(error) else FileNotFoundError()
    except BaseError as error:
        told = store_error(where, f"{type(error).__name__} {error}")
    else:
        return
    raise told from None


def store_error(where: str, text: str) -> StoreUnavailable:
    """The error that an answer of the store means."""
    code, status = _CODE.search(text), _STATUS.search(text)
    answer = " ".join(found[1] for found in (status, code) if found)
    words = ((what, hint) for pattern, what, hint in _WORDS if pattern.search(answer or text))
    what, hint = next(words, ("it does not do what was asked", _LATER))
    return StoreUnavailable(f"the files in {where} cannot be used: {what}{f' ({answer})' if answer else ''}", hint=hint)
