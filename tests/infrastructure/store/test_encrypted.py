"""A database that is reached by TLS, at a PgBouncer that takes nothing else: all works, or one error says why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trustme
from sqlalchemy import text
from sqlalchemy.engine import make_url

from domain.errors import StoreUnavailable
from infrastructure.store.database import Database
from infrastructure.store.opening import check_opening
from tests.application.studios import SYNC, studio_on
from tests.pgbouncer import pooled

NAME = "localhost"
AUTHORITY = trustme.CA()


@contextmanager
def encrypting(url: str, name: str = NAME) -> Iterator[str]:
    """The database's URL under the name localhost; who answers there says to be `name`, and takes TLS alone."""
    certificate = AUTHORITY.issue_cert(name)
    files = {
        "client_tls_cert_file": certificate.cert_chain_pems[0].bytes(),
        "client_tls_key_file": certificate.private_key_pem.bytes(),
    }
    with pooled(url, "session", size=20, files=files, client_tls_sslmode="require") as through:
        yield make_url(through).set(host=NAME).render_as_string(hide_password=False)


def asking(url: str, **options: object) -> str:
    """The URL with options of libpq."""
    query = {name: str(value) for name, value in options.items()}
    return make_url(url).update_query_dict(query).render_as_string(hide_password=False)


def trusted(folder: Path, authority: trustme.CA = AUTHORITY) -> Path:
    """The file of an authority's certificate."""
    file = folder / "authority.crt"
    authority.cert_pem.write_to_path(file)
    return file


def refused(url: str) -> str:
    with pytest.raises(StoreUnavailable) as caught, closing(Database(url)) as database:
        check_opening(database)
    return f"{caught.value.message}; {caught.value.hint}"


async def test_a_studio_works_over_a_verified_connection(postgres_url: str, tmp_path: Path) -> None:
    with encrypting(postgres_url) as url:
        verified = asking(url, sslmode="verify-full", sslrootcert=trusted(tmp_path))
        with closing(Database(verified)) as database, database.connect() as connection:
            wire = connection.connection.driver_connection
            assert wire is not None
            assert wire.info.ssl_in_use
            assert connection.execute(text("SELECT 1")).scalar() == 1
        async with studio_on(verified, tmp_path / "studio") as studio:
            await studio.accounts.open("acme", plan="pro")
            done = await studio.operations.generate("a pond", account="acme", model=SYNC)
            assert (await studio.operations.wait(done.operation, account="acme")).status == "charged"
            assert list(studio.audit.verify()) == []


def test_who_does_not_encrypt_is_told_to(postgres_url: str) -> None:
    with encrypting(postgres_url) as url:
        told = refused(asking(url, sslmode="disable"))
    assert told.startswith("the server takes encrypted connections only: ")
    assert told.endswith("; add sslmode=require to the database URL")


@pytest.mark.parametrize(("name", "authority"), [("db.example.com", AUTHORITY), (NAME, trustme.CA())])
def test_a_server_of_another_name_or_authority_is_not_trusted(
    postgres_url: str, tmp_path: Path, name: str, authority: trustme.CA
) -> None:
    with encrypting(postgres_url, name) as url:
        told = refused(asking(url, sslmode="verify-full", sslrootcert=trusted(tmp_path, authority)))
    assert told.startswith("the encrypted connection cannot be trusted: ")
    assert told.endswith("; check sslmode, sslrootcert and the server's name in the database URL")


def test_a_server_that_does_not_encrypt_is_not_used_by_who_insists(postgres_url: str) -> None:
    assert refused(asking(postgres_url, sslmode="require")).startswith("the server does not encrypt its connections: ")
