"""What a build changes in a module: the names of the rooms that it imports, and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from building.rewriting import PACKAGE, ROOMS, BareImport, is_of_rooms, moved
from tests.pages import ROOT

FILES = [path.relative_to(ROOT) for room in (PACKAGE, *ROOMS) for path in sorted((ROOT / room).rglob("*.py"))]

MOVED = [
    ("from domain.money import Money", "from imagestudio.domain.money import Money"),
    ("from domain import money", "from imagestudio.domain import money"),
    ("from  \\\n domain import money", "from  \\\n imagestudio.domain import money"),
    ("x = 'ä'; from domain import money", "x = 'ä'; from imagestudio.domain import money"),
    ("import domain.money as m, os", "import imagestudio.domain.money as m, os"),
    ("import os, application as a", "import os, imagestudio.application as a"),
    ("def f():\n\tfrom projections import views\n", "def f():\n\tfrom imagestudio.projections import views\n"),
    ("if 1: from domain import (\r\n  a,\r\n)", "if 1: from imagestudio.domain import (\r\n  a,\r\n)"),
]

LEFT_ALONE = [
    "import os.path",
    "from domains import money",
    "from imagestudio.plugin import Media",
    "from . import domain",
    "from .domain import money",
    "'from domain import money'",
    "# from domain import money",
    "domain = application = 1",
]


@pytest.mark.parametrize(("before", "after"), MOVED)
def test_an_import_of_a_room_is_of_the_package(before: str, after: str) -> None:
    assert moved(before.encode()).decode() == after


@pytest.mark.parametrize("source", LEFT_ALONE)
def test_all_else_stays(source: str) -> None:
    assert moved(source.encode()).decode() == source


@pytest.mark.parametrize(
    "source", ["import domain", "import os, domain.money", "def f():\n    import application.ports"]
)
def test_an_import_that_binds_a_rooms_own_name_is_refused_with_its_place(source: str) -> None:
    with pytest.raises(BareImport, match=f"^money.py:{source.count(chr(10)) + 1}: import "):
        moved(source.encode(), "money.py")


class Moving(ast.NodeTransformer):
    """The same on a tree, as the second opinion."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if is_of_rooms(node.module):
            node.module = f"{PACKAGE}.{node.module}"
        return node


@pytest.mark.parametrize("path", FILES, ids=str)
def test_of_every_module_only_what_it_imports_changes(path: Path) -> None:
    source = (ROOT / path).read_bytes()
    after = moved(source, str(path))
    assert ast.dump(ast.parse(after)) == ast.dump(Moving().visit(ast.parse(source)))
    assert after.replace(b"imagestudio.", b"") == source.replace(b"imagestudio.", b"")
    assert after.count(b"\n") == source.count(b"\n")
