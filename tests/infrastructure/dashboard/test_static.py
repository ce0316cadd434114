"""Files of others are what the manifest says, words are in one file, and no page has a script or a style in it."""

from __future__ import annotations

import re
import tomllib
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from infrastructure.dashboard.page import WebPage
from infrastructure.dashboard.pages import PAGES
from infrastructure.dashboard.rendering import HERE, STATIC, environment
from infrastructure.showing.wording import all_words
from tests.infrastructure.gateway.gateways import Gateway

TEMPLATES = sorted((HERE / "templates").glob("*.html"))
REPORTS = HERE.parent / "reports" / "writing.py"
"""Reports have their words in the same file."""
AXE = Path(__file__).with_name("axe")
LICENCES = {"0BSD", "MIT", "OFL-1.1", "MPL-2.0"}
SAID = re.compile(r"""\b(?:w|word|wording)\(\s*["']([a-z0-9_.]+)["']\s*[,)]""")
SHOWN = re.compile(r'Shows\(\s*[^,]+,\s*"([a-z_.]+)"')
BEGUN = re.compile(
    r"""\b(?:w|word|wording)\(\s*["']([a-z0-9_.]+[._])["'] (?:~|\+)|wording_or\(f["']([a-z0-9_.]+\.)\{"""
)


@pytest.mark.parametrize("folder", [STATIC / "vendor", AXE], ids=["vendor", "axe"])
def test_every_file_of_others_is_in_the_manifest_with_its_digest(folder: Path) -> None:
    packages = tomllib.loads((folder / "manifest.toml").read_text())["package"]
    files = {file["name"]: file["sha256"] for package in packages for file in package["file"]}
    assert {package["licence"] for package in packages} <= LICENCES
    assert all(any("LICENSE" in file["name"] for file in package["file"]) for package in packages)
    there = {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    there.pop("manifest.toml")
    assert there == files


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_words_scripts_or_styles_of_its_own(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|javascript:", text)
    bare = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
    bare = re.sub(r"<svg.*?</svg>|<[^>]*>", "", bare, flags=re.DOTALL)
    assert not re.findall(r"[A-Za-z]{2,}", bare)


def test_every_word_that_is_said_is_there_and_none_is_left_over() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (*TEMPLATES, *HERE.rglob("*.py"), REPORTS))
    said = {*SAID.findall(code), *SHOWN.findall(code)} | {f"{page.name}.title" for page in PAGES}
    assert not said - all_words().keys()
    begun = tuple(one or other for one, other in BEGUN.findall(code))
    named = (".title", ".lead", ".none")
    left = {
        name for name in all_words() if name not in said and not name.startswith(begun) and not name.endswith(named)
    }
    assert not left


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_its_template_and_the_words_of_its_columns(page: WebPage) -> None:
    environment().get_template(page.template)
    tables = [page.columns, *page.parts.values()]
    names = [one.name for columns in tables for one in columns] + [one.name for one in page.filters if page.rows]
    assert not [name for name in names if f"columns.{name}" not in all_words()]


def test_static_files_are_kept_for_ever_and_nothing_else_is_reached(gateway: Gateway) -> None:
    with httpx.Client(base_url=gateway.url, verify=False) as client:
        found = client.get("/static/app.css")
        assert found.status_code == 200
        assert "immutable" in found.headers["cache-control"]
        for address in ("/static/../page.py", "/static/%2e%2e/page.py", "/static/none.css", "/static/vendor"):
            assert client.get(address).status_code in (400, 404), address
