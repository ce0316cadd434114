"""The peppers of API keys: made once beside the ledger, for its owner's eyes alone, and never shown by an error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.errors import InvalidInput, StoreUnavailable
from infrastructure.peppers import peppers_of
from infrastructure.settings import Settings

ONE, TWO = "a1" * 32, "b2" * 32


def test_a_file_is_made_once_however_many_want_it_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = [*pool.map(lambda _: peppers_of(Settings(home=tmp_path / "home")), range(64))]
    assert {tuple(pepper.value for pepper in one) for one in found} == {(found[0][0].value,)}
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["peppers"]
    assert ((tmp_path / "home" / "peppers").stat().st_mode & 0o777) == 0o600
    assert len(found[0][0].value) == 32


def test_a_setting_stands_over_the_file_and_its_first_is_for_new_keys(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, peppers=f"{ONE} {TWO} {ONE}")
    assert [pepper.value.hex() for pepper in peppers_of(settings)] == [ONE, TWO]
    assert not (tmp_path / "peppers").exists()
    (tmp_path / "peppers").write_text(f"{TWO}\n{ONE}\n")
    assert [pepper.value.hex() for pepper in peppers_of(Settings(home=tmp_path))] == [TWO, ONE]


def test_a_name_tells_peppers_apart_and_nothing_shows_one(tmp_path: Path) -> None:
    first, second = peppers_of(Settings(home=tmp_path, peppers=f"{ONE} {TWO}"))
    assert first.name != second.name
    assert ONE[:8] not in repr(first) + first.name


@pytest.mark.parametrize("content", ["", "\n", f"{ONE[:-1]}\n", f"{ONE}\nsecret\n", f"{ONE.upper()}\n"])
def test_a_damaged_file_is_not_replaced_and_its_content_not_shown(tmp_path: Path, content: str) -> None:
    file = tmp_path / "peppers"
    file.write_text(content)
    with pytest.raises(InvalidInput) as error:
        peppers_of(Settings(home=tmp_path))
    assert str(file) in str(error.value)
    assert not [word for word in content.split() if word in str(error.value)]
    assert file.read_text() == content


def test_a_file_that_cannot_be_read_or_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "peppers").mkdir()
    (tmp_path / "file").touch()
    for home in (tmp_path, tmp_path / "file" / "home"):
        with pytest.raises(StoreUnavailable, match="cannot be read"):
            peppers_of(Settings(home=home))
