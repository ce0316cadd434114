"""No prompt and no input is ever in the log; what was asked can be erased, and the log still verifies."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text

from application.ports import Content
from domain.erased import ErasureDone
from domain.errors import (
    AssetMissing,
    IllegalTransition,
    ImageStudioError,
    OperationFailed,
    OperationPending,
    UnknownOperation,
)
from domain.ledger import ContentErased
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from infrastructure.store.schema import METADATA
from infrastructure.store.tables import SqlContents
from tests.application.studios import (
    SYNC,
    count,
    database_of,
    facts_of,
    is_sound,
    later,
    picture,
    studio_on,
    submissions,
)

SECRET = "mother-of-pearl elephants"
ERASABLE = {"contents"}


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened
        assert await is_sound(opened)


def rows(studio: Studio) -> dict[str, str]:
    """Every table's content, as text."""
    with database_of(studio).connect() as connection:
        return {
            name: "\n".join(repr(tuple(row)) for row in connection.execute(text(f"SELECT * FROM {name}")))
            for name in METADATA.tables
        }


async def everything(studio: Studio) -> None:
    """Every way for words to go astray: delivered, failed, refused, unknown, misused, and repeated otherwise."""
    inputs = {"account": "acme", "model": SYNC, "key": "key-1"}
    await studio.operations.generate(SECRET, negative_prompt=SECRET, **inputs)  # type: ignore[arg-type]
    await studio.operations.edit(picture(), f"sepia {SECRET}", account="acme", allow="stand-in")
    for bad in ({"outcome": "fail"}, {"outcome": "timeout"}, {"outcome": "unreadable"}, {"n": 0}, {"key": "key-1"}):
        with pytest.raises(ImageStudioError):
            await studio.operations.generate(f"another {SECRET}", **{**inputs, "key": None, **bad})  # type: ignore[arg-type]
    await studio.accounts.change_limit("acme", "images", 0)
    with pytest.raises(ImageStudioError):
        await studio.operations.generate(SECRET, account="acme", model=SYNC)


async def test_no_table_but_the_erasable_one_holds_a_word_of_a_prompt(studio: Studio) -> None:
    await everything(studio)
    studio.views.catch_up()
    found = {name for name, content in rows(studio).items() if "elephants" in content}
    assert found == ERASABLE


async def test_no_log_message_holds_a_word_of_a_prompt(studio: Studio, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await everything(studio)
    assert "elephants" not in caplog.text


async def test_no_representation_of_what_carries_it_shows_a_prompt_or_a_secret(studio: Studio) -> None:
    result = await studio.operations.generate(SECRET, account="acme", model=SYNC)
    content = content_of(studio, result.operation)
    assert SECRET in content.body
    assert SECRET not in repr(content)
    assert repr(content.secret) not in repr(content)
    assert repr(result.assets[0].content) not in repr(result)


def content_of(studio: Studio, batch: str) -> Content:
    content = SqlContents(database_of(studio)).load(batch)
    assert content is not None
    return content


async def test_the_digest_in_the_log_is_the_contents_under_a_key_of_its_own(studio: Studio) -> None:
    digests = []
    for _ in range(2):
        result = await studio.operations.generate(SECRET, account="acme", model=SYNC, seed=1)
        [requested] = [fact for fact in studio.log.facts(result.operation) if isinstance(fact, Requested)]
        content = content_of(studio, result.operation)
        assert requested.digest == hmac.new(content.secret, content.body.encode(), sha256).hexdigest()
        digests.append(requested.digest)
    assert digests[0] != digests[1], "equal wishes can be told from the log"


async def test_a_refused_request_leaves_no_content_behind(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 0)
    with pytest.raises(ImageStudioError):
        await studio.operations.generate(SECRET, account="acme", model=SYNC)
    assert rows(studio)["contents"] == ""


# Erasing


def files(home: Path) -> set[str]:
    return {file.name for file in (home / "assets").rglob("*.png")}


async def test_erasing_takes_content_and_files_and_leaves_the_facts(studio: Studio, tmp_path: Path) -> None:
    result = await studio.operations.edit(picture(), f"sepia {SECRET}", account="acme", user="ann", allow="stand-in")
    facts = facts_of(studio)
    assert len(files(tmp_path)) == 2
    erased = await studio.upkeep.erase(result.operation, account="acme")
    assert (erased.batch, erased.content, erased.files) == (result.operation, True, 2)
    assert files(tmp_path) == set()
    assert not any("elephants" in content for content in rows(studio).values())
    noted, done = facts_of(studio)[len(facts) :]
    assert isinstance(noted, ContentErased)
    assert isinstance(done, ErasureDone)
    assert (done.digest, done.erased, done.left) == (erased.digest, {"contents": 1, "files": 2}, 0)
    assert (noted.operation_id, noted.reason) == (result.operation, "")
    assert facts_of(studio)[: len(facts)] == facts
    assert not [*studio.audit.verify()]
    again = await studio.upkeep.erase(result.operation, account="acme")
    assert (again.content, again.files, again.digest) == (False, 0, "")
    assert facts_of(studio)[-1] == done


async def test_files_that_others_share_stay(studio: Studio, tmp_path: Path) -> None:
    """The same input to two operations, one's output as the other's input, and the same output twice."""
    first = await studio.operations.edit(picture(), "sepia", account="acme", allow="stand-in")
    second = await studio.operations.edit(picture(), "blur", account="acme", allow="stand-in")
    twin = await studio.operations.edit(picture(), "sepia", account="acme", allow="stand-in")
    third = await studio.operations.upscale(second.assets[0].content, account="acme")
    kept = {one.assets[0].asset.digest for one in (second, third, twin)} | {sha256(picture()).hexdigest()}
    await studio.upkeep.erase(first.operation, account="acme")
    assert {name.partition(".")[0] for name in files(tmp_path)} == kept
    await studio.upkeep.erase(second.operation, account="acme")
    assert second.assets[0].asset.digest in {name.partition(".")[0] for name in files(tmp_path)}
    assert (await studio.operations.wait(twin.operation, account="acme")).assets[0].content == twin.assets[0].content


async def test_another_accounts_equal_files_are_its_own(studio: Studio, tmp_path: Path) -> None:
    await studio.accounts.open("beta", plan="pro")
    mine = await studio.operations.edit(picture(), "sepia", account="acme", allow="stand-in")
    theirs = await studio.operations.edit(picture(), "sepia", account="beta", allow="stand-in")
    await studio.upkeep.erase(mine.operation, account="acme")
    assert (await studio.operations.wait(theirs.operation, account="beta")).assets[0].content == theirs.assets[
        0
    ].content


async def test_a_batch_is_erased_as_a_whole(studio: Studio, tmp_path: Path) -> None:
    result = await studio.operations.generate(SECRET, account="acme", model=SYNC, n=6)
    erased = await studio.upkeep.erase(result.operations[1].operation, account="acme")
    assert (erased.batch, erased.files) == (result.operation, 6)


@pytest.mark.parametrize("words", [SECRET, "other words"])
async def test_after_erasing_a_repeat_of_the_key_never_charges_again(
    studio: Studio, tmp_path: Path, words: str
) -> None:
    """What was asked can no longer be compared, so any request under the key is that one."""
    result = await studio.operations.generate(SECRET, account="acme", model=SYNC, key="key-1")
    await studio.upkeep.erase(result.operation, account="acme")
    length = studio.log.reader.end()
    with pytest.raises(AssetMissing) as missing:
        await studio.operations.generate(words, account="acme", model=SYNC, key="key-1")
    assert missing.value.hint
    assert studio.log.reader.end() == length
    assert count(facts_of(studio), Charged) == len(submissions(tmp_path)) == 1


async def test_what_is_open_cannot_be_erased(studio: Studio) -> None:
    with pytest.raises(OperationPending) as pending:
        await studio.operations.generate(SECRET, account="acme", model=SYNC, outcome="timeout")
    with pytest.raises(IllegalTransition, match="still open"):
        await studio.upkeep.erase(pending.value.operation, account="acme")
    assert SECRET in content_of(studio, pending.value.operation).body
    with pytest.raises(UnknownOperation):
        await studio.upkeep.erase("nonsense", account="acme")


async def test_a_failed_operation_can_be_erased(studio: Studio) -> None:
    with pytest.raises(OperationFailed) as failed:
        await studio.operations.generate(SECRET, account="acme", model=SYNC, outcome="fail")
    assert rows(studio)["words"].count(failed.value.operation) == 1
    erased = await studio.upkeep.erase(failed.value.operation, account="acme")
    assert (erased.content, erased.files) == (True, 0)
    assert failed.value.operation not in rows(studio)["words"]


# Sweeping


async def test_sweeping_takes_what_nothing_references_once_its_grace_is_over(database_url: str, tmp_path: Path) -> None:
    """Files saved for a request that was then refused; not those of one that was not."""
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        kept = await studio.operations.edit(picture(color="green"), "sepia", account="acme", allow="stand-in")
        await studio.accounts.change_limit("acme", "edits", 0)
        with pytest.raises(ImageStudioError):
            await studio.operations.edit(picture(color="blue"), "sepia", account="acme", allow="stand-in")
        assert len(files(tmp_path)) == 3
        assert (await studio.upkeep.sweep()).files == ()
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        swept = await studio.upkeep.sweep()
        assert [Path(name).name for name in swept.files] == [f"{sha256(picture(color='blue')).hexdigest()}.png"]
        assert swept.size == len(picture(color="blue"))
        assert (await studio.operations.wait(kept.operation, account="acme")).assets[0].content == kept.assets[
            0
        ].content
        assert await is_sound(studio)


async def test_what_an_open_operation_was_given_is_never_swept(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending):
            await studio.operations.edit(picture(), "sepia", account="acme", model="scripted-edit", outcome="lost")
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        assert (await studio.upkeep.sweep()).files == ()
        assert files(tmp_path) == {f"{sha256(picture()).hexdigest()}.png"}
