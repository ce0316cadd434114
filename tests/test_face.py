"""What applications and plug-ins may import, and what that loads of the rest."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import imagestudio
import imagestudio.plugin
from imagestudio import ImageStudioError, InvalidRequest, Money, OperationFailed, Request, Settings
from tests.pages import ROOT

MODULES = [imagestudio, imagestudio.plugin]
HEAVY = ("alembic", "cv2", "eventsourcing", "httpx", "numpy", "PIL", "psycopg2", "rich", "sqlalchemy", "typer")
"""What carries out requests; none of it is needed to write one."""


OF_VIEWS = {"SumQuestion", "QuarterFilter"}
"""Questions to views, which need what views are made of."""


@pytest.mark.parametrize("module", MODULES)
def test_every_name_that_is_offered_is_there(module: ModuleType) -> None:
    assert {name for name in module.__all__ if hasattr(module, name)} == set(module.__all__)
    assert set(module.__all__) <= set(dir(module))


def test_a_name_that_is_not_offered_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'LedgerWriter'"):
        _ = imagestudio.LedgerWriter  # type: ignore[attr-defined]


def test_type_checkers_are_told_the_same_names() -> None:
    tree = ast.parse(Path(imagestudio.__file__).read_text(encoding="utf-8"))
    told = next(node for node in tree.body if isinstance(node, ast.If))
    names = {alias.name for node in told.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert names == set(imagestudio.__all__)


def test_what_it_offers_is_what_the_rooms_raise_and_return() -> None:
    from application.asking.requests import Result
    from domain.errors import UnknownAccount
    from infrastructure.service import Studio

    assert issubclass(UnknownAccount, InvalidRequest)
    assert issubclass(OperationFailed, ImageStudioError)
    assert (imagestudio.Result, imagestudio.Studio) == (Result, Studio)


THEIRS = {"standardwebhooks", "openai"}
"""Packages whose clients pages show before a service."""
OF_THE_TREE = {"commands.md", "views.md"}
"""Pages whose examples are files of the rooms themselves."""
PAGES = [ROOT / "README.md", *(page for page in (ROOT / "docs").rglob("*.md") if page.name not in OF_THE_TREE)]


def test_what_pages_show_is_written_with_these_names_alone() -> None:
    examples = [example for one in PAGES for example in re.findall(r"```python\n(.*?)```", one.read_text(), re.DOTALL)]
    imports = [node for one in examples for node in ast.walk(ast.parse(one)) if isinstance(node, ast.ImportFrom)]
    ours = {
        str(node.module) for node in imports if (node.module or "").partition(".")[0] not in sys.stdlib_module_names
    }
    assert ours - THEIRS == {"imagestudio", "imagestudio.plugin"}


def loaded(statement: str) -> set[str]:
    """The packages that a new interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_it_loads_nothing_else() -> None:
    assert not {"domain", "application", "infrastructure", "asyncio", *HEAVY} & loaded("import imagestudio")


def test_the_names_of_one_who_asks_load_nothing_of_what_carries_that_out() -> None:
    others = {"Studio", "BlockingStudio", "Client", "AsyncClient", *OF_VIEWS}
    usual = sorted(set(imagestudio.__all__) - others)
    assert not set(HEAVY) & loaded(f"from imagestudio import {', '.join(usual)}")


def test_a_client_loads_what_it_talks_with_and_nothing_that_carries_requests_out_here() -> None:
    found = loaded("from imagestudio import AsyncClient, Client")
    assert "httpx" in found
    assert not ({*HEAVY, "fastapi", "starlette", "uvicorn"} - {"httpx", "rich"}) & found


def test_a_script_without_an_event_loop_opens_it_and_is_told_by_the_errors_it_offers(tmp_path: Path) -> None:
    with imagestudio.open_blocking(Settings(home=tmp_path), serve=False) as studio:
        assert isinstance(studio, imagestudio.BlockingStudio)
        studio.accounts.open("acme", plan="pro", prepaid=True)
        with pytest.raises(InvalidRequest):
            studio.operations.run(Request("text-to-image", "nobody", {"prompt": "a lake"}))
        left = studio.accounts.show("acme").left["images"]
    assert left == 100
    assert Money.parse("0.10", "USD") + Money.parse("0.20", "USD") == Money.parse("0.30", "USD")
