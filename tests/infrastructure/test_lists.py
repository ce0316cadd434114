"""Lists of batches: a CSV file, prompts or a folder; each mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.studios.recipes import Item, Recipe, Step
from domain.errors import InvalidInput
from infrastructure.lists import batch_name, read_list

RECIPE = Recipe(id="create", name="Create", steps=(Step(service="create"),))


def written(folder: Path, text: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def test_a_row_is_an_item_and_an_empty_cell_leaves_its_option_out(tmp_path: Path) -> None:
    path = written(tmp_path, 'prompt, style ,n\r\n"a fox, red",anime,2\r\n  ein Fuchs ,,\r\n', encoding="utf-8-sig")
    assert read_list(path) == [Item("a fox, red", {"style": "anime", "n": "2"}), Item("ein Fuchs", {})]


def test_a_file_is_beside_its_list_and_an_address_stays_one(tmp_path: Path) -> None:
    path = written(tmp_path, "file,mode\nin/a.png,fast\nhttps://example.com/b.png,\n/tmp/c.png,\n")
    assert [item.subject for item in read_list(path)] == [
        tmp_path / "in/a.png",
        "https://example.com/b.png",
        Path("/tmp/c.png"),
    ]


def test_a_text_file_is_a_prompt_a_line(tmp_path: Path) -> None:
    path = written(tmp_path, "a fox\n\n  a hen, brown \n", "prompts.txt")
    assert [item.subject for item in read_list(path)] == ["a fox", "a hen, brown"]


def test_a_folder_is_its_files_in_order_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    assert [item.subject for item in read_list(tmp_path)] == [tmp_path / "a.png", tmp_path / "b.png"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "its first line must name each column once, and one of them prompt or file"),
        ("words,n\na,1\n", "one of them prompt or file"),
        ("prompt,file\na,b\n", "one of them prompt or file"),
        ("prompt,n,n\na,1,1\n", "name each column once"),
        ("prompt,\na,1\n", "name each column once"),
        ("prompt,n\na\n", "line 2: has another number of cells"),
        ("prompt,n\na,1\na, red fox,1\n", "line 3: has another number of cells"),
        ("prompt,n\n ,1\n", "line 2: prompt is empty"),
        ('prompt,n\n"a,1\n', "unexpected end of data"),
    ],
)
def test_a_list_that_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_list(written(tmp_path, text))


def test_a_list_that_is_not_text_or_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read_list(path)
    path.write_bytes(b"prompt\n\xff\xfe\n")
    with pytest.raises(InvalidInput, match="is not text in UTF-8"):
        read_list(path)


def test_the_same_list_and_recipe_have_the_same_name_and_others_have_not() -> None:
    items = [Item("a fox", {"n": 2})]
    names = {
        batch_name(items, RECIPE),
        batch_name([Item("a fox", {"n": 2})], RECIPE),
        batch_name([Item("a fox", {"n": 3})], RECIPE),
        batch_name([Item("a hen", {"n": 2})], RECIPE),
        batch_name(items, Recipe(id="create", name="Create", steps=(Step(service="create", options={"n": 1}),))),
    }
    assert len(names) == 4
