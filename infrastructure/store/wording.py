"""The words about assets in their tables, and the index over them: FTS5 on SQLite, a tsvector on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Table,
    bindparam,
    column,
    delete,
    func,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from application.library.answers import AssetWords
from application.library.searching import as_fts5, as_tsquery, as_tsvector, searched, words_of
from application.library.words import AssetCollection
from domain.errors import InvalidInput
from infrastructure.store.database import Database
from infrastructure.store.schema import (
    ASSET_COLLECTIONS,
    ASSET_TAGS,
    ASSET_WORDS,
    COLLECTED_ASSETS,
    CONTENTS,
    SEARCH_MARK,
)
from infrastructure.store.scrubbing import scrub
from infrastructure.store.tables import small_write

FIELDS = ("title", "description", "tags", "prompt")
AT_A_TIME = 500
UNINDEX = text("DELETE FROM asset_search WHERE rowid = :row")
INDEX = text(
    "INSERT INTO asset_search (rowid, title, description, tags, prompt)"
    " VALUES (:row, :title, :description, :tags, :prompt)"
)
PUT = text(
    "INSERT INTO asset_search (row, words) VALUES (:row, CAST(:words AS tsvector))"
    " ON CONFLICT (row) DO UPDATE SET words = excluded.words"
)
DROP = text("DELETE FROM asset_search WHERE row = :row")


class SqlWords:
    """Implements WordStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, account: str, assets: Collection[str]) -> Mapping[str, AssetWords]:
        wanted = list(assets)
        words = {row.asset: row for row in self._rows(ASSET_WORDS, account, wanted)}
        tags, collections = dict[str, list[str]](), dict[str, list[str]]()
        for row in self._rows(ASSET_TAGS, account, wanted):
            tags.setdefault(row.asset, []).append(row.tag)
        for row in self._rows(COLLECTED_ASSETS, account, wanted):
            collections.setdefault(row.asset, []).append(row.collection)
        return {
            id: AssetWords(
                words[id].title if id in words else "",
                words[id].description if id in words else "",
                tuple(sorted(tags.get(id, ()))),
                bool(id in words and words[id].favourite),
                tuple(sorted(collections.get(id, ()))),
            )
            for id in {*words, *tags, *collections}
        }

    def describe(self, account: str, asset: str, changes: Mapping[str, str | bool]) -> None:
        values = {name: int(one) if isinstance(one, bool) else one for name, one in changes.items()}
        with small_write(self._database) as connection:
            row = _row(connection, account, asset)
            connection.execute(update(ASSET_WORDS).where(ASSET_WORDS.c.row == row).values(**values))
            _reindex(connection, [row])

    def tag(self, account: str, asset: str, add: Collection[str], remove: Collection[str]) -> None:
        with small_write(self._database) as connection:
            row = _row(connection, account, asset)
            here = (ASSET_TAGS.c.account == account) & (ASSET_TAGS.c.asset == asset)
            connection.execute(delete(ASSET_TAGS).where(here, ASSET_TAGS.c.tag.in_(list(remove))))
            for tag in dict.fromkeys(add):
                _put(connection, ASSET_TAGS, {"account": account, "asset": asset, "tag": tag})
            _reindex(connection, [row])

    def put_collection(self, account: str, name: str, description: str | None, at: int) -> None:
        with small_write(self._database) as connection:
            row = {"account": account, "name": name, "description": description or "", "made_at": at}
            _put(connection, ASSET_COLLECTIONS, row)
            if description is not None:
                here = (ASSET_COLLECTIONS.c.account == account) & (ASSET_COLLECTIONS.c.name == name)
                connection.execute(update(ASSET_COLLECTIONS).where(here).values(description=description))

    def rename_collection(self, account: str, name: str, new: str) -> bool:
        with small_write(self._database) as connection:
            if not _has_collection(connection, account, name):
                return False
            if new != name and _has_collection(connection, account, new):
                raise InvalidInput("name", f"there is a collection {new!r} already", hint="take another name")
            for held, named in ((COLLECTED_ASSETS, "collection"), (ASSET_COLLECTIONS, "name")):
                here = (held.c.account == account) & (held.c[named] == name)
                connection.execute(update(held).where(here).values({named: new}))
        return True

    def collections(self, account: str) -> Sequence[AssetCollection]:
        inside = (COLLECTED_ASSETS.c.account == ASSET_COLLECTIONS.c.account) & (
            COLLECTED_ASSETS.c.collection == ASSET_COLLECTIONS.c.name
        )
        count = select(func.count()).select_from(COLLECTED_ASSETS).where(inside).scalar_subquery()
        found = select(ASSET_COLLECTIONS.c.name, ASSET_COLLECTIONS.c.description, count)
        rows = self._database.rows(
            found.where(ASSET_COLLECTIONS.c.account == account).order_by(ASSET_COLLECTIONS.c.name)
        )
        return [AssetCollection(*row) for row in rows]

    def collect(self, account: str, name: str, add: Collection[str], remove: Collection[str]) -> bool:
        here = (COLLECTED_ASSETS.c.account == account) & (COLLECTED_ASSETS.c.collection == name)
        with small_write(self._database) as connection:
            if not _has_collection(connection, account, name):
                return False
            connection.execute(delete(COLLECTED_ASSETS).where(here, COLLECTED_ASSETS.c.asset.in_(list(remove))))
            for asset in dict.fromkeys(add):
                _put(connection, COLLECTED_ASSETS, {"account": account, "collection": name, "asset": asset})
        return True

    def drop_collection(self, account: str, name: str) -> bool:
        with small_write(self._database) as connection:
            if not _has_collection(connection, account, name):
                return False
            for held, named in ((COLLECTED_ASSETS, "collection"), (ASSET_COLLECTIONS, "name")):
                connection.execute(delete(held).where(held.c.account == account, held.c[named] == name))
        scrub(self._database)
        return True

    def forget(self, account: str, assets: Collection[str]) -> None:
        wanted = list(assets)
        with small_write(self._database) as connection:
            here = (ASSET_WORDS.c.account == account) & ASSET_WORDS.c.asset.in_(wanted)
            rows = connection.execute(select(ASSET_WORDS.c.row).where(here)).scalars().all()
            for row in rows:
                connection.execute(_unindex(connection), {"row": row})
            for held in (ASSET_WORDS, ASSET_TAGS, COLLECTED_ASSETS):
                connection.execute(delete(held).where(held.c.account == account, held.c.asset.in_(wanted)))
        scrub(self._database, index=bool(rows))

    def forget_prompts(self, account: str, assets: Collection[str]) -> None:
        with small_write(self._database) as connection:
            here = (ASSET_WORDS.c.account == account) & ASSET_WORDS.c.asset.in_(list(assets))
            here &= ASSET_WORDS.c.prompt != ""
            rows = connection.execute(select(ASSET_WORDS.c.row).where(here)).scalars().all()
            connection.execute(update(ASSET_WORDS).where(here).values(prompt=""))
            _reindex(connection, rows)
        scrub(self._database, index=bool(rows))

    def indexed_to(self) -> int:
        rows = self._database.rows(select(SEARCH_MARK.c.position))
        return int(rows[0][0]) if rows else 0

    def index(
        self, made: Sequence[tuple[str, str, str]], prompt_of: Callable[[str], str], before: int, after: int
    ) -> None:
        """Content is read in the transaction that indexes it: one that is erased meanwhile is not indexed after all."""
        with small_write(self._database) as connection:
            _put(connection, SEARCH_MARK, {"one": 1, "position": 0})
            moved = update(SEARCH_MARK).where(SEARCH_MARK.c.position == before).values(position=after)
            if not connection.execute(moved).rowcount:
                return  # another process was faster
            prompts = _prompts(connection, {batch for _, _, batch in made}, prompt_of)
            for account, asset, batch in made:
                if batch in prompts:
                    row = _row(connection, account, asset)
                    here = (ASSET_WORDS.c.row == row) & (ASSET_WORDS.c.prompt == "")
                    if connection.execute(update(ASSET_WORDS).where(here).values(prompt=prompts[batch])).rowcount:
                        _reindex(connection, [row])

    def _rows(self, held: Table, account: str, assets: Sequence[str]) -> Sequence[Any]:
        return self._database.rows(select(held).where(held.c.account == account, held.c.asset.in_(assets)))


def matching(database: Database, account: str, wanted: str) -> Select[tuple[str]]:
    """The ids of the account's assets whose words are as looked for. Raises InvalidInput."""
    found = select(ASSET_WORDS.c.asset).where(ASSET_WORDS.c.account == account)
    look = searched(wanted)
    if database.is_sqlite:
        index = table("asset_search", column("rowid"))
        match = text("asset_search MATCH :looked_for").bindparams(bindparam("looked_for", as_fts5(look)))
        return found.where(ASSET_WORDS.c.row.in_(select(index.c.rowid).where(match)))
    index = table("asset_search", column("row"))
    match = text("words @@ CAST(:looked_for AS tsquery)").bindparams(bindparam("looked_for", as_tsquery(look)))
    return found.where(ASSET_WORDS.c.row.in_(select(index.c.row).where(match)))


def title_of_asset(account: str, id: ColumnElement[str]) -> ScalarSelect[str]:
    """The title of the asset whose id an expression says; null if it has none."""
    here = (ASSET_WORDS.c.account == account) & (ASSET_WORDS.c.asset == id)
    return select(ASSET_WORDS.c.title).where(here).scalar_subquery()


def tagged(account: str, tag: str) -> Select[tuple[str]]:
    """The ids of the account's assets with a tag."""
    return select(ASSET_TAGS.c.asset).where(ASSET_TAGS.c.account == account, ASSET_TAGS.c.tag == tag)


def collected(account: str, name: str) -> Select[tuple[str]]:
    """The ids of the assets in a collection of the account."""
    here = (COLLECTED_ASSETS.c.account == account) & (COLLECTED_ASSETS.c.collection == name)
    return select(COLLECTED_ASSETS.c.asset).where(here)


def favourites(account: str) -> Select[tuple[str]]:
    """The ids of the account's favourite assets."""
    return select(ASSET_WORDS.c.asset).where(ASSET_WORDS.c.account == account, ASSET_WORDS.c.favourite == 1)


def _put(connection: Connection, held: Table, row: Mapping[str, Any]) -> None:
    """Insert a row unless it is there."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(held).values(**row).on_conflict_do_nothing())


def _row(connection: Connection, account: str, asset: str) -> int:
    """The number of the asset's words, made if there are none yet."""
    empty = {"account": account, "asset": asset, "title": "", "description": "", "favourite": 0, "prompt": ""}
    _put(connection, ASSET_WORDS, empty)
    here = (ASSET_WORDS.c.account == account) & (ASSET_WORDS.c.asset == asset)
    return int(connection.execute(select(ASSET_WORDS.c.row).where(here)).scalar_one())


def _has_collection(connection: Connection, account: str, name: str) -> bool:
    here = (ASSET_COLLECTIONS.c.account == account) & (ASSET_COLLECTIONS.c.name == name)
    return connection.execute(select(ASSET_COLLECTIONS.c.name).where(here).with_for_update()).first() is not None


def _prompts(connection: Connection, batches: Iterable[str], prompt_of: Callable[[str], str]) -> dict[str, str]:
    """The prompts of batches whose content is kept; it is held until the transaction ends."""
    kept = select(CONTENTS.c.batch, CONTENTS.c.body).where(CONTENTS.c.batch.in_(sorted(batches)))
    rows = connection.execute(kept.order_by(CONTENTS.c.batch).with_for_update(read=True))
    return {row.batch: prompt for row in rows if (prompt := " ".join(words_of(prompt_of(row.body))))}


def _reindex(connection: Connection, rows: Sequence[int]) -> None:
    for row in connection.execute(select(ASSET_WORDS).where(ASSET_WORDS.c.row.in_(rows))).all():
        here = (ASSET_TAGS.c.account == row.account) & (ASSET_TAGS.c.asset == row.asset)
        tags = connection.execute(select(ASSET_TAGS.c.tag).where(here).order_by(ASSET_TAGS.c.tag)).scalars().all()
        texts = [words_of(one) for one in (row.title, row.description, " . ".join(tags), row.prompt)]
        if connection.dialect.name == "sqlite":
            connection.execute(UNINDEX, {"row": row.row})
            named = {name: " ".join(words) for name, words in zip(FIELDS, texts, strict=True)}
            connection.execute(INDEX, {"row": row.row, **named})
        else:
            connection.execute(PUT, {"row": row.row, "words": as_tsvector(texts)})


def reindex_words(connection: Connection, account: str | None = None) -> None:
    """Make the index over words anew from them, of all accounts or one, after they were copied from elsewhere."""
    rows = (
        select(ASSET_WORDS.c.row)
        if account is None
        else select(ASSET_WORDS.c.row).where(ASSET_WORDS.c.account == account)
    )
    known = connection.execute(rows).scalars().all()
    for start in range(0, len(known), AT_A_TIME):
        _reindex(connection, known[start : start + AT_A_TIME])


def _unindex(connection: Connection) -> Any:
    return UNINDEX if connection.dialect.name == "sqlite" else DROP
