"""The workshop as a distribution: it declares what it imports, and the extra `local` is it and nothing else."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from imagestudio_workshop.needs import Need, Packages
from imagestudio_workshop.routes import ROUTES
from infrastructure.plugins import WORKSHOP
from tests.pages import ROOT, page

OURS: dict[str, Any] = tomllib.loads(page("pyproject.toml"))["project"]
ITS: dict[str, Any] = tomllib.loads(page("workshop/pyproject.toml"))["project"]
PACKAGE = ROOT / "workshop" / "imagestudio_workshop"


def imported() -> set[str]:
    """The distributions of which it imports anything."""
    tops = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    tops |= {name.name.partition(".")[0] for name in names}
                case ast.ImportFrom(module=str(module)):
                    tops.add(module.partition(".")[0])
    known = {**packages_distributions(), "imagestudio": [OURS["name"]]}
    foreign = tops - sys.stdlib_module_names - {PACKAGE.name}
    return {canonicalize_name(name) for top in foreign for name in known.get(top, [top])}


def test_it_declares_what_it_imports_and_no_more() -> None:
    extras = {name: required(each) for name, each in ITS["optional-dependencies"].items()}
    assert required(ITS["dependencies"]) == imported() - extras["neural"]
    assert imported() & extras["neural"] == {"ncnn", "rapidocr"}
    # The others bring weights and are named as modules, but for what RapidOCR runs on.
    modules = {module for route in ROUTES.values() for need in route.needs for module in modules_of(need)}
    assert set().union(*extras.values()) == {canonicalize_name(module) for module in modules}


def required(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def modules_of(need: Need) -> tuple[str, ...]:
    return need.modules if isinstance(need, Packages) else ()


def test_the_base_install_declares_none_of_what_only_draws() -> None:
    base = {canonicalize_name(Requirement(each).name) for each in OURS["dependencies"]}
    assert base & imported() == {"pillow"}


def test_the_extra_is_the_workshop_of_this_version_and_dev_has_it() -> None:
    [extra] = map(Requirement, OURS["optional-dependencies"]["local"])
    assert (extra.name, ITS["name"]) == (WORKSHOP, WORKSHOP)
    assert extra.specifier.contains(ITS["version"])
    [own] = [each for each in map(Requirement, OURS["optional-dependencies"]["dev"]) if each.name == OURS["name"]]
    assert {"local", "neural"} <= own.extras
    [networks] = map(Requirement, OURS["optional-dependencies"]["neural"])
    assert (networks.name, networks.extras) == (WORKSHOP, {"neural"})
    assert networks.specifier.contains(ITS["version"])


def test_both_are_of_one_version_and_ask_alike_for_what_both_need() -> None:
    its, ours = (set(map(Requirement, one["dependencies"])) for one in (ITS, OURS))
    assert ITS["version"] == OURS["version"]
    assert [each.specifier.contains(OURS["version"]) for each in its if each.name == OURS["name"]] == [True]
    assert (
        {each.name for each in its & ours} == {each.name for each in its} & {each.name for each in ours} == {"pillow"}
    )
