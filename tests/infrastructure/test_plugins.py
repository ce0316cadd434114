"""A distribution that names a provider factory is enough: the studio builds it, or says in one sentence why not."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from application.ports import Recovery, Task, silent
from domain.errors import CatalogueError, PluginError, UnknownModel
from infrastructure.bootstrap import open_studio
from infrastructure.catalogue import load_catalogue
from infrastructure.plugins import ProviderSettings
from infrastructure.registry import prefix_of, told_settings, unknown_settings
from infrastructure.settings import Settings
from tests.infrastructure.cli.workspaces import call, settle
from tests.infrastructure.providers.building import built

OURS, OUR_BOOK = load_catalogue()

# A whole provider of somebody else's; what it is given, it shows.
ATELIER = """
import io
from PIL import Image
from application.ports import Delivery, Media, Recovery
from infrastructure.plugins import ApiSettings
from infrastructure.settings import Address

class Settings(ApiSettings):
    url: Address = "http://nowhere"

class Atelier:
    name = "{name}"
    recovery = Recovery.REPEATABLE

    def __init__(self, context):
        self.context = context

    def lacks(self, route):
        return "" if self.context.settings.key else "set IMAGESTUDIO_ATELIER_KEY"

    async def submit(self, task, progress):
        stream = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(stream, "PNG")
        return Delivery((Media(stream.getvalue(), "image/png"),))

    async def collect(self, task, job, progress):
        raise NotImplementedError

    async def find(self, task):
        return ()

    async def cancel(self, task, job):
        return False

    async def check(self):
        return "open"

    async def close(self):
        pass

def build(context):
    return Atelier(context)
"""


class Site:
    """A folder of installed distributions that Python looks into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, source: str, point: str = "", points: str = "") -> None:
        """A module, and the metadata that pip would have written for it; `point` is its line of entry points."""
        module = f"plugin_{name}"
        (self.folder / f"{module}.py").write_text(dedent(source))
        info = self.folder / f"{name}_dist-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(
            points or f"[imagestudio.providers]\n{point or f'{name} = {module}:build'}\n"
        )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return Site(tmp_path)


MODEL = """
currency = "USD"
[[model]]
id = "red"
provider = "atelier"
route = "paint"
kinds = ["text-to-image"]
outputs = ["image/png"]
unit = "image"
inputs.prompt = { type = "text", required = true }
prices = [{ rate = "0.07" }]
"""


async def test_with_a_catalogue_entry_it_paints_and_is_charged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("atelier", ATELIER.format(name="atelier"))
    (site.folder / "models.toml").write_text(MODEL)
    settings = Settings(home=site.folder, catalogues=(site.folder / "models.toml",))
    async with open_studio(settings, serve=False) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(UnknownModel, match="its provider is not ready") as refused:
            await studio.operations.generate("a pond", account="acme", model="red")
        assert "set IMAGESTUDIO_ATELIER_KEY" in refused.value.hint
    monkeypatch.setenv("IMAGESTUDIO_ATELIER_KEY", "k")
    async with open_studio(settings, serve=False) as studio:
        result = await studio.operations.generate("a pond", account="acme", model="red")
    assert (result.price.micros, [asset.media_type for asset in result.assets]) == (70_000, ["image/png"])
    monkeypatch.setenv("IMAGESTUDIO_ATELIER_ENABLED", "false")
    async with open_studio(settings, serve=False) as studio:
        with pytest.raises(UnknownModel, match="its provider is not ready") as refused:
            await studio.operations.generate("a pond", account="acme", model="red")
        assert "make it ready: provider 'atelier' is switched off" in refused.value.hint


LISTING = """

from decimal import Decimal
from application.providing.listings import Offered, Offers

def price(inputs, seconds):
    {price}

async def offers(self, routes):
    return Offers((Offered("paint", price=price, retires={retires}),), is_whole=True)

Atelier.offers = offers
"""


@pytest.mark.parametrize(
    ("price", "retires", "state", "found"),
    [
        ('return Decimal("0.07")', None, "same", []),
        ('return Decimal("0.08")', None, "differs", ["price"]),
        ('raise ValueError("it depends")', None, "differs", ["unclear"]),
        ('return Decimal("NaN")', None, "differs", ["unclear"]),
        ('return inputs["sides"]', None, "does not answer", []),
        ("return None", None, "does not answer", []),
        ('return Decimal("0.07")', 10**30, "does not answer", []),
    ],
)
def test_its_list_is_held_against_its_entries_however_badly_it_is_written(
    site: Site, monkeypatch: pytest.MonkeyPatch, price: str, retires: int | None, state: str, found: list[str]
) -> None:
    settle(monkeypatch, site.folder)
    monkeypatch.setenv("IMAGESTUDIO_ATELIER_KEY", "k")
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(site.folder / "models.toml"))
    (site.folder / "models.toml").write_text(MODEL)
    told = LISTING.format(price=price, retires=retires).replace("is_whole=True", "is_whole=True, tells_ends=True")
    site.install("atelier", ATELIER.format(name="atelier") + told)
    monkeypatch.delitem(sys.modules, "plugin_atelier", raising=False)
    [held] = call("catalogue", "check", "atelier", "--json").document["providers"]
    assert (held["state"], [one["finding"] for one in held["differences"]]) == (state, found)


CURRENT = """

from decimal import Decimal
from application.providing.listings import Offered, OfferedInput, Offers

PROMPT = OfferedInput("prompt", "text", required=True)
SIDES = OfferedInput("sides", "integer", choices=(4, 8), default=4)

def price(inputs, seconds):
    return Decimal("0.09") * inputs["sides"]

def flat(inputs, seconds):
    return Decimal("0.05")

async def offers(self, routes):
    assert "paint" in routes
    kinds = ("text-to-image",)
    paint = Offered("paint", "Paints.", kinds, (PROMPT, SIDES), price=flat, retires={retires})
    cut = Offered("cut", "Cuts lino.", kinds, (PROMPT, SIDES), price=price, priced_by=("sides",))
    return Offers((paint, cut), is_whole=True, tells_ends=True, notes=("two are shown",))

Atelier.offers = offers
"""


def test_what_its_list_says_becomes_an_overlay_with_which_nothing_differs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch, site.folder)
    monkeypatch.setenv("IMAGESTUDIO_ATELIER_KEY", "k")
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(site.folder / "models.toml"))
    etching = MODEL.split("[[model]]")[1].replace('"red"', '"etching"').replace('"paint"', '"etch"')
    (site.folder / "models.toml").write_text(f"{MODEL}[[model]]{etching}")
    site.install("atelier", ATELIER.format(name="atelier") + CURRENT.format(retires=4_102_444_800_000_000))
    monkeypatch.delitem(sys.modules, "plugin_atelier", raising=False)

    held = call("catalogue", "check", "atelier", "--overlay", "atelier.toml", "--json")
    assert held.code == 1
    [told] = held.document["providers"]
    assert (told["state"], told["notes"]) == ("differs", ["two are shown"])
    found = {(one["finding"], one["model"] or one["route"]) for one in told["differences"]}
    assert found == {("inputs", "red"), ("price", "red"), ("ends", "red"), ("gone", "etching"), ("new", "cut")}

    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", f"{site.folder / 'models.toml'}{os.pathsep}atelier.toml")
    again = call("catalogue", "check", "atelier", "--json")
    assert (again.code, again.document["providers"][0]["differences"]) == (0, [])
    models = {one["id"]: one for one in call("models", "--provider", "atelier", "--json").document["models"]}
    assert (models["etching"]["status"], models["red"]["status"]) == ("unavailable", "available")
    assert any(one["route"] == "cut" for one in models.values())


async def test_a_broken_one_keeps_the_studio_closed(site: Site) -> None:
    site.install("unfinished", "import nothing_of_that_name\n")
    with pytest.raises(PluginError, match="unfinished"):
        async with open_studio(Settings(home=site.folder), serve=False):
            pass


async def test_an_installed_provider_is_built_and_works(site: Site) -> None:
    site.install("atelier", ATELIER.format(name="atelier"))
    provider = built("atelier")
    assert (provider.name, provider.recovery) == ("atelier", Recovery.REPEATABLE)
    delivery = await provider.submit(Task("op-1", 1, "text-to-image", "m", "r", 1, {}, {}), silent)
    assert delivery.outputs  # type: ignore[union-attr]


def test_it_is_told_its_own_settings_and_no_others(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("atelier", ATELIER.format(name="atelier"))
    assert built("atelier").lacks("any") == "set IMAGESTUDIO_ATELIER_KEY"
    (site.folder / ".env").write_text("IMAGESTUDIO_ATELIER_KEY=from-the-file\nIMAGESTUDIO_ATELIER_URL=http://a\n")
    monkeypatch.setenv("IMAGESTUDIO_ATELIER_KEY", "from-the-environment")
    monkeypatch.setenv("IMAGESTUDIO_OPENAI_KEY", "somebody else's")
    provider: Any = built("atelier")
    assert provider.lacks("any") == ""
    own = provider.context.settings
    assert (own.key.get_secret_value(), own.url) == ("from-the-environment", "http://a")
    assert "from-the-environment" not in f"{own!r} {provider.context!r}"


def test_a_name_with_a_dash_has_its_settings_under_an_underscore(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_MY_ATELIER_2_KEY", "k")
    assert prefix_of("my-atelier.2") == "imagestudio_my_atelier_2_"
    site.install("dashed", ATELIER.format(name="my-atelier.2"), "my-atelier.2 = plugin_dashed:build")
    assert built("my-atelier.2").lacks("any") == ""


def test_without_a_model_of_settings_it_has_none(site: Site) -> None:
    site.install("plain", ATELIER.replace("class Settings", "class _Settings").format(name="plain"))
    assert type(told_settings(Settings(), ["plain"])["plain"]) is ProviderSettings


# Catalogues

RED = MODEL.replace('currency = "USD"\n', "")


def bring(site: Site, name: str, **files: str) -> str:
    """A distribution with a package of catalogue files, each by its name without .toml; how errors call it."""
    package = site.folder / f"brought_{name}"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')\n")
    for file, text in files.items():
        (package / f"{file}.toml").write_text(text)
    points = [f"{name}-{file} = {package.name}:{file}.toml\n" for file in files]
    site.install(name, "", "", "".join(["[imagestudio.catalogues]\n", *points]))
    return f"{name}-dist 1.2"


async def test_a_usual_setting_that_it_has_not_is_named_when_it_is_built(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can know before it is imported, and no command that only reads imports it."""
    source = ATELIER.format(name="keyless").replace("(ApiSettings)", "(ProviderSettings)")
    source = source.replace("import ApiSettings", "import ProviderSettings").replace("self.context.settings.key", "1")
    site.install("keyless", source)
    for name, value in {"KEY": "k", "URL": "http://somewhere", "ENABLED": "true"}.items():
        monkeypatch.setenv(f"IMAGESTUDIO_KEYLESS_{name}", value)
    assert unknown_settings() == {}
    assert not caplog.messages
    async with open_studio(Settings(home=site.folder)):
        assert caplog.messages == ["there is no setting IMAGESTUDIO_KEYLESS_KEY"]


def test_its_catalogue_files_are_loaded_and_nothing_imported_for_them(site: Site) -> None:
    bring(site, "colours", red=RED, blue=RED.replace('"red"', '"blue"'))
    catalogue, price_book = load_catalogue()
    assert catalogue.models.keys() - {model.id for model in OURS} == {"red", "blue"}
    assert {str(rule.rate) for id in ("red", "blue") for rule in catalogue.get(id).prices} == {"0.07"}
    assert price_book.version != OUR_BOOK.version


@pytest.mark.parametrize("place", ["plugin_models:none", "nothing_of_that_name:more.toml", "plugin_lost:more.toml"])
def test_a_catalogue_that_is_no_file_is_told_by_its_name(site: Site, place: str) -> None:
    (site.folder / "plugin_models").mkdir()
    (site.folder / "plugin_models" / "__init__.py").touch()
    site.install("lost", "", "", f"[imagestudio.catalogues]\nlost = {place}\n")
    with pytest.raises(PluginError, match=r"the catalogue 'lost' of lost-dist 1\.2 cannot be used"):
        load_catalogue()


def test_a_file_that_is_not_there_is_told_with_the_distribution(site: Site) -> None:
    whose = bring(site, "hollow", models=RED)
    (site.folder / "brought_hollow" / "models.toml").unlink()
    with pytest.raises(CatalogueError, match=rf"^{whose}: models\.toml: cannot be read"):
        load_catalogue()


def test_the_operator_s_files_change_what_a_distribution_brought(site: Site) -> None:
    bring(site, "colours", red=RED)
    (site.folder / "own.toml").write_text('[[price]]\nmodel = "red"\nrate = "0.05"\n')
    catalogue, _ = load_catalogue([site.folder / "own.toml"])
    assert [str(rule.rate) for rule in catalogue.get("red").prices] == ["0.05"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[[model]\n", ": is not TOML"),
        (RED.replace('"image"\n', '"hour"\n'), ": model 'red': unit: Input should be"),
        (RED.replace('"red"', '"scripted-3d"'), ": model 'scripted-3d': id: scripted.toml has it already"),
        ('currency = "EUR"\n', ": currency: EUR beside prices in USD"),
        (RED + '[[price]]\nmodel = "red"\nrate = 1\n', ": model 'red': price[0].rate"),
    ],
    ids=["broken", "a wrong unit", "a model of ours", "another currency", "a rate that is not exact"],
)
def test_what_is_wrong_in_its_file_is_told_with_its_name(site: Site, text: str, wrong: str) -> None:
    whose = bring(site, "broken", models=text)
    with pytest.raises(CatalogueError) as caught:
        load_catalogue()
    assert caught.value.message.startswith(f"{whose}: models.toml{wrong}")


@pytest.mark.parametrize(
    "change",
    ['[[price]]\nmodel = "scripted-image"\nrate = "9"\n', '[[change]]\nmodel = "scripted-image"\nprices = []\n'],
)
def test_it_changes_no_model_of_another_file(site: Site, change: str) -> None:
    whose = bring(site, "greedy", models=change)
    with pytest.raises(CatalogueError, match=r"'scripted-image' is of scripted\.toml") as caught:
        load_catalogue()
    assert caught.value.message.startswith(f"{whose}: models.toml: model 'scripted-image'")


def test_it_prices_and_changes_its_own(site: Site) -> None:
    change = '[[change]]\nmodel = "red"\nunavailable = "sold out"\nprices = [{ rate = "0.06" }]\n'
    bring(site, "colours", red=RED + change)
    red = load_catalogue()[0].get("red")
    assert ([str(rule.rate) for rule in red.prices], red.unavailable) == (["0.06"], "sold out")


def test_the_command_line_tells_it_in_one_message(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch, site.folder)
    whose = bring(site, "broken", models="[[model]\n")
    told = call("models")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"error: {whose}: models.toml: is not TOML")


BROKEN = {
    "a module that does not import": ("import nothing_of_that_name\n", "ModuleNotFoundError"),
    "a module with a mistake in it": ("def build(context:\n", "SyntaxError"),
    "no factory": ("x = 1\n", "AttributeError"),
    "a factory that raises": ("def build(context):\n    raise ValueError('no key was set')\n", "no key was set"),
    "a factory that takes nothing": ("def build():\n    pass\n", "TypeError"),
    "no provider": ("def build(context):\n    return object()\n", "it is no provider: object has no cancel, check, "),
    "settings that are none": ("class Settings:\n    pass\ndef build(context):\n    pass\n", "no ProviderSettings"),
    "another name": (ATELIER.format(name="studio"), "calls itself 'studio'"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_one_that_is_broken_is_named_with_what_is_wrong(site: Site, what: str) -> None:
    source, why = BROKEN[what]
    name = "broken_" + "".join(letter if letter.isalnum() else "_" for letter in what)
    site.install(name, source)
    with pytest.raises(PluginError) as caught:
        built(name)
    assert why in caught.value.message
    assert f"{name!r} of {name}-dist 1.2" in caught.value.message
    assert f"uninstall {name}-dist" in caught.value.hint


def test_a_name_that_is_taken_is_refused_before_anything_is_imported(site: Site) -> None:
    site.install("openai", "raise RuntimeError('imported')\n")
    with pytest.raises(PluginError, match=r"'openai' of openai-dist 1\.2 .* another provider of that name"):
        told_settings(Settings())


def test_two_of_one_name_are_refused(site: Site) -> None:
    site.install("atelier", ATELIER.format(name="atelier"))
    site.install("second", ATELIER.format(name="atelier"), "atelier = plugin_second:build")
    with pytest.raises(PluginError, match="another provider of that name"):
        told_settings(Settings())
