"""The library: pictures and films found by words and by what made them; one of them with its lineage and its costs.

library ── one asset ── what it is, what people wrote, what it came from, what came of it ── words, trash, collections
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from application.library.answers import Bringing
from application.library.records import ORDERS
from domain.assets import Disposal
from domain.keys import KeyScope
from domain.kinds import KINDS
from infrastructure.dashboard.page import (
    Document,
    FormSent,
    PageFilter,
    Reading,
    TableColumn,
    Visit,
    WebAction,
    WebPage,
)
from infrastructure.gateway.native.assets import only_file, query_of
from infrastructure.showing.assets import lineage_document, page_document, shown_document
from infrastructure.showing.formats import document
from projections.views.assets import TYPES

COLUMNS: Final = (
    TableColumn(name="first_seen", kind="instant"),
    TableColumn(name="id", kind="mono", to="asset"),
    TableColumn(name="kind"),
    TableColumn(name="model"),
    TableColumn(name="price", kind="money"),
)
MAKERS: Final = (TableColumn(name="at", kind="instant"), TableColumn(name="operation", kind="id", to="operation"))
USERS: Final = (*MAKERS, TableColumn(name="field"))
COLLECTIONS: Final = (
    TableColumn(name="name", to="library", by="collection"),
    TableColumn(name="description"),
    TableColumn(name="assets", kind="count"),
)
FILTERS: Final = (
    PageFilter(name="text"),
    PageFilter(name="type", among=TYPES),
    PageFilter(name="kind", among=tuple(KINDS)),
    PageFilter(name="model"),
    PageFilter(name="tag"),
    PageFilter(name="collection"),
    PageFilter(name="favourite", among=("true",)),
    PageFilter(name="user"),
    PageFilter(name="project"),
    PageFilter(name="since", kind="day"),
    PageFilter(name="until", kind="day"),
    PageFilter(name="standing", among=(*map(str, Disposal), "any")),
    PageFilter(name="sort", among=ORDERS),
)


async def _list(visit: Visit) -> Document:
    """The document of `/v1/assets`, with the words that people wrote about each."""
    library, account = visit.studio.library, visit.account
    found = await library.list(account, query_of(visit.params), after=visit.after, limit=visit.limit)
    written = await library.words.of(account, *(one.id for one in found.assets))
    told = page_document(found)
    return {**told, "assets": [{**one, "words": document(written[one["id"]])} for one in told["assets"]]}


async def _reads(visit: Visit) -> Reading:
    """The facts whose prompts were not cut into words yet, if words are looked for."""
    if "text" not in visit.params:
        return Reading(0)
    return Reading(await asyncio.to_thread(_unindexed, visit))


def _unindexed(visit: Visit) -> int:
    ledger = visit.studio.ledger_of(visit.account)
    return ledger.log.reader.end() - ledger.library.words.store.indexed_to()


async def _one(visit: Visit) -> Document:
    """The documents of `/v1/assets/{id}` and `…/lineage`, and the names of the account's collections."""
    library, account, id = visit.studio.library, visit.account, visit.path["id"]
    shown = shown_document(await library.show(account, id))
    lineage = lineage_document(await library.lineage(account, id))
    names = [one.name for one in await library.words.collections(account)]
    return {**shown, "collections": names, **{name: lineage[name] for name in ("whole", "ancestors", "descendants")}}


async def _collections(visit: Visit) -> Document:
    return {"collections": document(list(await visit.studio.library.words.collections(visit.account)))}


async def _add(sent: FormSent) -> str:
    """Bring a file."""
    visit = sent.visit
    holder = visit.caller.holder
    new = Bringing(title=sent.text("title"), by=holder.actor, user=holder.user_for(), project=holder.project_for())
    added = await visit.studio.library.add(visit.account, only_file(sent.files), new=new)
    return visit.link("asset", id=added.asset.id)


async def _describe(sent: FormSent) -> str:
    """Put the words of the form in the place of those that were there; tags stand apart by commas."""
    visit, id = sent.visit, sent.visit.path["id"]
    words = visit.studio.library.words
    await words.describe(visit.account, id, title=sent.text("title"), description=sent.text("description"))
    old = (await words.of(visit.account, id))[id].tags
    new = [one.strip() for one in sent.text("tags").split(",") if one.strip()]
    await words.tag(visit.account, id, add=new, remove=[one for one in old if one not in new])
    return visit.link("asset", id=id)


async def _favourite(sent: FormSent) -> str:
    visit, id = sent.visit, sent.visit.path["id"]
    await visit.studio.library.words.describe(visit.account, id, favourite=sent.text("favourite") == "yes")
    return visit.link("asset", id=id)


async def _collect(sent: FormSent) -> str:
    """Put it into a collection, or take it out of one."""
    visit, id = sent.visit, sent.visit.path["id"]
    name, out = sent.needed("collection"), sent.text("out") == "yes"
    add, remove = ((), [id]) if out else ([id], ())
    await visit.studio.library.words.collect(visit.account, name, add=add, remove=remove)
    return visit.link("asset", id=id)


async def _trash(sent: FormSent) -> str:
    visit, id = sent.visit, sent.visit.path["id"]
    by = visit.caller.holder.actor
    await visit.studio.library.trash(visit.account, id, by=by, reason=sent.text("reason"))
    return visit.link("asset", id=id)


async def _restore(sent: FormSent) -> str:
    visit, id = sent.visit, sent.visit.path["id"]
    by = visit.caller.holder.actor
    await visit.studio.library.restore(visit.account, id, by=by, reason=sent.text("reason"))
    return visit.link("asset", id=id)


async def _erase(sent: FormSent) -> str:
    visit, id = sent.visit, sent.visit.path["id"]
    by = visit.caller.holder.actor
    await visit.studio.library.erase(visit.account, id, by=by, reason=sent.text("reason"))
    return visit.link("asset", id=id)


async def _make_collection(sent: FormSent) -> str:
    visit, words = sent.visit, sent.visit.studio.library.words
    await words.make_collection(visit.account, sent.needed("name"), description=sent.text("description"))
    return visit.link("collections")


async def _drop_collection(sent: FormSent) -> str:
    """Take it away; its assets stay."""
    visit = sent.visit
    await visit.studio.library.words.drop_collection(visit.account, sent.needed("name"))
    return visit.link("collections")


PAGES = (
    WebPage(
        name="library",
        path="/library",
        document=_list,
        reads=_reads,
        template="library.html",
        group="make",
        rows="assets",
        columns=COLUMNS,
        filters=FILTERS,
    ),
    WebPage(
        name="asset",
        path="/library/{id}",
        document=_one,
        template="asset.html",
        under="library",
        parts={"makers": MAKERS, "users": USERS},
    ),
    WebPage(
        name="collections",
        path="/collections",
        document=_collections,
        template="collections.html",
        under="library",
        rows="collections",
        columns=COLLECTIONS,
    ),
)


def _operators(name: str, path: str, do: Any) -> WebAction:
    return WebAction(name=name, path=path, do=do, scope=KeyScope.OPERATE)


ACTIONS = (
    _operators("add_asset", "/library", _add),
    _operators("describe_asset", "/library/{id}/words", _describe),
    _operators("favour_asset", "/library/{id}/favourite", _favourite),
    _operators("collect_asset", "/library/{id}/collection", _collect),
    _operators("trash_asset", "/library/{id}/trash", _trash),
    _operators("restore_asset", "/library/{id}/restore", _restore),
    _operators("erase_asset", "/library/{id}/erase", _erase),
    _operators("make_collection", "/collections", _make_collection),
    _operators("drop_collection", "/collections/drop", _drop_collection),
)
