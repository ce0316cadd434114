"""The library of an open studio: what is made and brought is there at once, with what paid for it; for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from application.library.records import AssetQuery
from domain.actor import actor
from domain.assets import AssetFact, AssetRestored, AssetTrashed
from domain.errors import AssetMissing, OperationRefused, UnknownAsset
from domain.operation import ProviderCompleted, Requested
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from tests.application.studios import PRICE, SYNC, facts_of, is_sound, later, picture, studio_on


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as opened:
        for account in ("acme", "globex"):
            await opened.accounts.open(account, plan="pro")
        await opened.accounts.allow("acme", "stand-in")
        yield opened
        assert await is_sound(opened)


async def test_what_a_result_names_is_in_the_library_with_what_it_cost(studio: Studio) -> None:
    result = await studio.operations.generate("a lake", account="acme", user="ann", project="site", model=SYNC)
    [output] = result.assets
    [asset] = (await studio.library.list("acme")).assets
    assert asset.id == output.asset.id
    assert (asset.kind, asset.model, asset.user, asset.project) == ("text-to-image", SYNC, "ann", "site")
    assert asset.price is not None
    assert (asset.price.micros, asset.operation) == (PRICE, result.operations[0].operation)
    shown = await studio.library.show("acme", asset.id)
    assert (shown.digest, shown.path) == (output.asset.digest, output.path)
    assert [link.role for link in shown.made_by] == ["output"]
    assert shown.used_by == ()


async def test_what_is_brought_is_an_asset_whose_file_the_log_does_not_tell(studio: Studio) -> None:
    content = picture(20, 10)
    result = await studio.operations.upscale(content, account="acme")
    [brought] = (await studio.library.list("acme", AssetQuery(made=False))).assets
    digest = sha256(content).hexdigest()
    assert (brought.price, brought.operation, brought.width, brought.height) == (None, None, 20, 10)
    assert digest not in "".join(entry.link.state.decode() for entry in studio.log.reader.read(0, 1_000))
    shown = await studio.library.show("acme", brought.id)
    assert (shown.digest, [link.operation for link in shown.used_by]) == (digest, [result.operations[0].operation])
    assert shown.path is not None
    assert Path(shown.path).read_bytes() == content


async def test_an_output_that_is_used_next_is_the_same_asset(studio: Studio) -> None:
    made = (await studio.operations.generate("a fox", account="acme", model=SYNC)).assets[0]
    await studio.operations.upscale(made.content, account="acme")
    shown = await studio.library.show("acme", made.asset.id)
    assert (len(shown.made_by), len(shown.used_by)) == (1, 1)
    [requested] = [fact for fact in facts_of(studio) if isinstance(fact, Requested) and fact.inputs]
    [completed, _] = [fact for fact in facts_of(studio) if isinstance(fact, ProviderCompleted)]
    assert requested.inputs[0].id == completed.assets[0].id == made.asset.id


async def test_another_accounts_asset_is_not_found_and_the_same_file_is_another_asset(studio: Studio) -> None:
    await studio.accounts.allow("globex", "stand-in")
    for account in ("acme", "globex"):
        await studio.operations.upscale(picture(), account=account)
    [mine] = (await studio.library.list("acme", AssetQuery(made=False))).assets
    [theirs] = (await studio.library.list("globex", AssetQuery(made=False))).assets
    assert mine.id != theirs.id
    with pytest.raises(UnknownAsset, match="no asset"):
        await studio.library.show("acme", theirs.id)


async def test_erasing_never_takes_the_same_bytes_of_another_account(studio: Studio) -> None:
    await studio.accounts.allow("globex", "stand-in")
    paths = {}
    for account in ("acme", "globex"):
        result = await studio.operations.upscale(picture(25, 15), account=account)
        [brought] = (await studio.library.list(account, AssetQuery(made=False))).assets
        await studio.library.thumbnail(account, brought.id)
        paths[account] = (await studio.library.show(account, brought.id)).path, result.operation
        if account == "acme":
            await studio.library.erase("acme", brought.id)
    await studio.upkeep.erase(paths["acme"][1], account="acme")
    kept = Path(str(paths["globex"][0]))
    assert kept.read_bytes() == picture(25, 15)
    assert len(list(kept.parent.glob(f"{kept.stem}*"))) == 2
    assert not Path(str(paths["acme"][0])).exists()


async def test_a_refused_request_brings_nothing(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "edits", 0)
    with pytest.raises(OperationRefused):
        await studio.operations.edit(picture(), "sepia", account="acme")
    assert (await studio.library.list("acme")).assets == ()
    assert [fact.inputs for fact in facts_of(studio) if isinstance(fact, Requested)] == [()]


async def test_erasing_an_operation_erases_the_assets_that_nothing_else_needs(studio: Studio) -> None:
    shared, own = picture(9, 9), picture(11, 11)
    first = await studio.operations.upscale(shared, account="acme")
    await studio.operations.edit(shared, "sepia", account="acme")
    await studio.operations.upscale(own, account="acme")
    await studio.upkeep.erase(first.operation, account="acme")
    erased = (await studio.library.list("acme", AssetQuery(standing="erased"))).assets
    assert [one.id for one in erased] == [first.assets[0].asset.id]
    assert (await studio.library.show("acme", erased[0].id)).path is None


async def test_pages_go_on_after_a_cursor(studio: Studio) -> None:
    for number in range(3):
        await studio.operations.generate(f"number {number}", account="acme", model=SYNC)
    first = await studio.library.list("acme", limit=2)
    rest = await studio.library.list("acme", after=first.next, limit=2)
    assert [len(first.assets), len(rest.assets), rest.next] == [2, 1, None]
    assert len({one.id for one in (*first.assets, *rest.assets)}) == 3


# Disposed of


async def test_what_is_trashed_is_left_out_until_it_is_restored(studio: Studio) -> None:
    asset = (await studio.operations.generate("a lake", account="acme", model=SYNC)).assets[0].asset.id
    for _ in range(2):
        assert (await studio.library.trash("acme", asset, reason="blurred")).standing == "trashed"
    assert (await studio.library.list("acme")).assets == ()
    assert [one.id for one in (await studio.library.list("acme", AssetQuery(standing="trashed"))).assets] == [asset]
    assert (await studio.library.restore("acme", asset)).standing == "kept"
    assert [type(fact) for fact in facts_of(studio) if isinstance(fact, AssetFact)] == [AssetTrashed, AssetRestored]


async def test_what_is_erased_leaves_its_facts_and_what_it_cost(studio: Studio) -> None:
    made = (await studio.operations.generate("a lake", account="acme", model=SYNC)).assets[0]
    erased = await studio.library.erase("acme", made.asset.id, by=actor("user:ann"), reason="not ours")
    assert (erased.assets, erased.files) == ((made.asset.id,), 1)
    shown = await studio.library.show("acme", made.asset.id)
    assert (shown.asset.standing, shown.path) == ("erased", None)
    assert shown.asset.price is not None
    assert shown.asset.price.micros == PRICE
    [link] = [entry.link for entry in studio.log.reader.read(0, 1_000) if entry.link.topic == "asset.erased"]
    assert (link.actor, link.operation) == ("user:ann", made.asset.id)
    with pytest.raises(AssetMissing):
        await studio.library.restore("acme", made.asset.id)
    assert (await studio.library.erase("acme", made.asset.id)).files == 0


async def test_what_was_erased_is_there_again_once_it_is_brought_again(studio: Studio) -> None:
    asset = await brought(studio, picture(30, 30))
    await studio.library.erase("acme", asset)
    assert await brought(studio, picture(30, 30)) == asset
    shown = await studio.library.show("acme", asset)
    assert shown.asset.standing == "kept"
    assert shown.path is not None


async def test_a_sweep_keeps_what_is_needed_and_takes_what_is_erased(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.allow("acme", "stand-in")
        gone, kept = picture(31, 31), picture(32, 32)
        asset = await brought(studio, gone)
        await brought(studio, kept)
        path = (await studio.library.show("acme", asset)).path
        await studio.library.erase("acme", asset)
        assert path is not None
        Path(path).write_bytes(gone)  # as a crash between the fact and the deletion leaves it
        swept = await studio.upkeep.sweep()
        assert [Path(file).name for file in swept.files] == [Path(path).name]
        assert (await studio.library.list("acme", AssetQuery(made=False))).assets[0].id != asset
        assert await is_sound(studio)


async def test_two_operations_that_share_a_file_keep_it_until_both_are_erased(studio: Studio) -> None:
    shared = picture(9, 9)
    first = await studio.operations.upscale(shared, account="acme")
    second = await studio.operations.edit(shared, "sepia", account="acme")
    [asset] = (await studio.library.list("acme", AssetQuery(made=False))).assets
    await studio.upkeep.erase(first.operation, account="acme")
    assert (await studio.library.show("acme", asset.id)).path is not None
    await studio.upkeep.erase(second.operation, account="acme")
    assert (await studio.library.show("acme", asset.id)).asset.standing == "erased"


async def test_time_erases_what_is_due_and_what_lay_in_the_trash(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        ids = [
            (await studio.operations.generate(f"number {n}", account="acme", model=SYNC)).assets[0].asset.id
            for n in range(3)
        ]
        await studio.library.trash("acme", ids[0])
        await studio.library.expire("acme", ids[1], at=now() + SECOND)
        assert (await studio.library.erase_due()).assets == ()
    async with studio_on(
        database_url, tmp_path, clock=later(40 * 24 * 60 * 60 * SECOND), clock_seconds=10**8
    ) as studio:
        assert sorted((await studio.library.erase_due()).assets) == sorted(ids[:2])
        assert [one.id for one in (await studio.library.list("acme")).assets] == [ids[2]]
        assert await is_sound(studio)


async def test_the_trash_is_emptied_of_one_account_alone(studio: Studio) -> None:
    ids = {}
    for account in ("acme", "globex"):
        made = await studio.operations.generate("a lake", account=account, model=SYNC)
        ids[account] = made.assets[0].asset.id
        await studio.library.trash(account, ids[account])
    assert (await studio.library.empty_trash("acme")).assets == (ids["acme"],)
    assert (await studio.library.show("globex", ids["globex"])).asset.standing == "trashed"


async def brought(studio: Studio, content: bytes) -> str:
    """The asset that a request brings."""
    result = await studio.operations.upscale(content, account="acme")
    places = await studio.library.of_operation("acme", result.operation)
    return next(link.asset for link in places if link.role == "input")
