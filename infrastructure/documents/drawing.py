"""A statement in a format, as bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.advice import Advice
from domain.errors import InvalidInput
from domain.value import value
from infrastructure.documents.cells import statement_rows
from infrastructure.documents.paper import paper_of
from infrastructure.documents.web import html_of
from infrastructure.showing.statements import statement_document

if TYPE_CHECKING:
    from application.keeping.statements import StatementView


@value
class Letterhead:
    """Lines about who issues and who pays, which are no part of a statement's content, and fonts to fall back to."""

    issuer: Sequence[str] = ()
    customer: Sequence[str] = ()
    fonts: Sequence[Path] = ()


def written_as(one: StatementView, format: str, head: Letterhead) -> bytes:
    """The statement in a format. Raises InvalidInput for an unknown one, or if an extra is not installed."""
    if format not in FORMATS:
        raise InvalidInput("format", f"{format!r} is none", hint=f"choose one of: {', '.join(FORMATS)}")
    return FORMATS[format][1](one, head)


def _json(one: StatementView, _head: Letterhead) -> bytes:
    return f"{json.dumps(statement_document(one), indent=2, ensure_ascii=False)}\n".encode()


def _csv(one: StatementView, _head: Letterhead) -> bytes:
    with io.StringIO(newline="") as stream:
        csv.writer(stream).writerows(statement_rows(one))
        return stream.getvalue().encode()


def _html(one: StatementView, head: Letterhead) -> bytes:
    return html_of(paper_of(one, head.issuer, head.customer)).encode()


def _pdf(one: StatementView, head: Letterhead) -> bytes:
    try:
        from infrastructure.documents.pdf import pdf_of
    except ImportError as error:
        hint = Advice("documents.install")
        raise InvalidInput("format", "pdf needs the extra 'documents'", hint=hint) from error
    return pdf_of(paper_of(one, head.issuer, head.customer), head.fonts)


FORMATS: Final[Mapping[str, tuple[str, Callable[[StatementView, Letterhead], bytes]]]] = {
    "json": ("application/json", _json),
    "csv": ("text/csv; charset=utf-8", _csv),
    "html": ("text/html; charset=utf-8", _html),
    "pdf": ("application/pdf", _pdf),
}
"""Each format's media type, and how it is made."""
