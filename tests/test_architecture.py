"""The house's rules as tests: each names every breach with its place, and is shown a breach to see."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

from building.rewriting import ROOMS as HOUSE
from building.rewriting import is_of_rooms
from domain.catalogue import KINDS

ROOT = Path(__file__).parent.parent
FACE = "imagestudio"
ROOMS = (*HOUSE, FACE, "workshop")
TEXTS = {".py", ".toml", ".json", ".ini", ".sql", ".html", ".js", ".css", ".mako"}
CATALOGUES = ("infrastructure/catalogue/", "workshop/imagestudio_workshop/")
PROVIDERS = "infrastructure.providers"
POINTS = [
    (group, points)
    for place in (".", "workshop")
    for group, points in tomllib.loads((ROOT / place / "pyproject.toml").read_text())["project"]["entry-points"].items()
]
NAMES = sorted({name for group, points in POINTS if group.endswith("providers") for name in points})
# Blind is also what may become of an answer that was lost.
NAMES_A_PROVIDER = re.compile(rf"^({'|'.join({*NAMES} - {'blind'})})$|IMAGESTUDIO_({'|'.join(NAMES)})_", re.IGNORECASE)
# The last is a program of its own, and calls pip.
WORDS_THE_SHELL = ("infrastructure/cli/", "infrastructure/showing/", "workshop/imagestudio_workshop/fetching.py")
SHELL_WORDS = re.compile(r"\bimagestudio [a-z]|(?<![\w-])--[a-z]")
SUBJECT_LAST = re.compile(r"(?:^|(?<=[.!?] ))(What|That|Where)\b")
# Of tuples and rows, which need their names for columns.
PUBLIC_ALL_THE_SAME = {"_asdict", "_fields", "_mapping", "_replace"}
# Of the providers' own clients, which have no other way to be led to a fake.
OTHERS_PRIVATE = {
    ("tests/wire/test_sdks.py", "_fetch_inference_provider_mapping"),
    ("tests/wire/test_sdks.py", "_client"),
}
LONGEST_FILE = 399
LONGEST_FUNCTION = 45

# What each room may import besides the standard library; the infrastructure may import everything.
MAY_IMPORT = {
    "domain": {"domain"},
    "application": {"domain", "application", "eventsourcing"},
    "projections": {"domain", "application", "projections", "sqlalchemy", "msgspec"},
    "workshop": {
        *(
            "imagestudio",
            "imagestudio_workshop",
            "av",
            "cv2",
            "ncnn",
            "numpy",
            "PIL",
            "font_roboto",
            "pi_heif",
            "rapidocr",
        ),
    },
}
IMPURE = {
    "asyncio",
    "concurrent",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
}
CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}
# The second puts back what it hides from an encoder, the third looks where another program keeps its files.
READS_ENVIRONMENT = {
    "infrastructure/settings.py",
    "workshop/imagestudio_workshop/film/writer.py",
    "workshop/imagestudio_workshop/needs.py",
}
READS_CLOCK = {"infrastructure/clock.py"}

# A module's name within a text: a room and what is in it, or a room alone.
NAMES_MODULE = re.compile(rf"\b(?:{'|'.join(HOUSE)})[.:]\w|^(?:{'|'.join(HOUSE)})\.?$")
# Words that are rooms and mean something else: a group of commands.
ROOMS_BY_CHANCE = {("infrastructure/cli/app.py", "projections")}

# Outermost loops that must outlive whatever happens inside them: "file:function", with the reason beside it.
CATCHES_ALL = frozenset(
    {
        "application/ledger/writer.py:_write_all",  # the writer outlives a group that breaks; its callers get the error
        "infrastructure/simulation/loop.py:_work",  # handed to whoever waits for the work, as an executor does
        "application/ledger/group.py:_decide",  # a decision that breaks fails its own caller, and the group goes on
        "application/ledger/looking.py:see",  # a look that breaks fails who looks, and the others see
        "application/ledger/looking.py:_answer",  # what cannot be read fails those who asked, not who asks next
        "application/performing/recovery.py:_recover",  # what is wrong with one operation keeps no other from its end
        "infrastructure/agents/server.py:call_tool",  # a tool that breaks fails its call, and the session goes on
        "infrastructure/plugins.py:_loaded",  # somebody else's code may raise anything; it is told as one error
        "infrastructure/files/saving.py:go_on",  # a file that breaks fails its own caller, and its group goes on
    }
)

# Names that stand in two files and mean the same in both.
ALIKE: dict[str, str] = {
    "Settings": "what may be set: of the studio, and of each provider",
    "build": "what a provider's entry point names",
    "evolve": "a state after one more fact",
    "main": "where a program begins",
    "upgrade": "what a migration does, as Alembic calls it",
    **dict.fromkeys(("open_studio", "open_blocking", "working"), "the public face's, and what it opens"),
    **dict.fromkeys(
        ("complete", "dispatch", "fail", "postpone", "record_job", "release"),
        "one decision: about an operation, and about the ledger that holds it",
    ),
    **dict.fromkeys(("body", "explain"), "an API's request, and what it says of an error"),
    **dict.fromkeys(("blurred", "compressed", "cropped", "padded", "posted"), "done to a picture, and to a film"),
}


@dataclass(frozen=True)
class Source:
    """One file of the project, by its path from the root."""

    path: str
    text: str

    @property
    def room(self) -> str:
        return self.path.split("/")[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text if self.path.endswith(".py") else "")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def docstrings(self) -> set[ast.Constant]:
        """Every text that stands alone as a statement, as what is written of names does too."""
        return {
            node.value for node in self.nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and dotted name of each import; `from a import b` counts as `a.b`."""
        found = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
        return found


Breaches = Iterator[tuple[int, str]]
Rule = Callable[[Source], Breaches]


def no_float_in_the_domain(source: Source) -> Breaches:
    for node in source.nodes if source.room == "domain" else ():
        match node:
            case ast.Constant(value=float() | complex()):
                yield node.lineno, f"a float literal: {node.value!r}"
            case ast.Name(id="float" | "complex"):
                yield node.lineno, f"the name {node.id}"


def a_pure_domain(source: Source) -> Breaches:
    for line, name in source.imports if source.room == "domain" else ():
        if name.split(".")[0] in IMPURE:
            yield line, f"the domain touches the world: {name}"


def one_clock(source: Source) -> Breaches:
    for node in () if source.path in READS_CLOCK else source.nodes:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="datetime" | "date" | "time"), attr=name)):
                if name in CLOCKS:
                    yield node.lineno, f"a clock of its own: {ast.unparse(node)}"


def imports_of_the_room_only(source: Source) -> Breaches:
    allowed = MAY_IMPORT.get(source.room)
    for line, name in source.imports if allowed is not None else ():
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top not in (allowed or ()):
            yield line, f"{source.room} may not import {top}"


def providers_named_by_themselves_only(source: Source) -> Breaches:
    """A provider is found through its entry point: no module imports it, no text is its name or one of its settings."""
    at_home = source.path.startswith((PROVIDERS.replace(".", "/"), *CATALOGUES))
    for line, name in () if at_home else source.imports:
        if f"{name}.".startswith(f"{PROVIDERS}."):
            yield line, f"a concrete provider is imported: {name}"
    for node in () if at_home else source.nodes:
        match node:
            case ast.Constant(value=str(text)) if NAMES_A_PROVIDER.search(text):
                yield node.lineno, f"a provider is named: {text!r}"


def no_print(source: Source) -> Breaches:
    for node in source.nodes:
        match node:
            case ast.Call(func=ast.Name(id="print")):
                yield node.lineno, "print"


def settings_alone_read_the_environment(source: Source) -> Breaches:
    for node in () if source.path in READS_ENVIRONMENT else source.nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "getenv"):
                yield node.lineno, "the environment is read outside the settings"


def no_broad_except(source: Source) -> Breaches:
    for function, handler in handlers(source.tree):
        if is_broad(handler.type) and f"{source.path}:{function}" not in CATCHES_ALL:
            yield handler.lineno, f"a broad except in {function}"
    for node in source.nodes:
        match node:
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=caught):
                if any(is_broad(one) for one in caught):
                    yield node.lineno, "everything suppressed"


def handlers(tree: ast.AST, inside: str = "module") -> Iterator[tuple[str, ast.ExceptHandler]]:
    """Each except clause with the name of the innermost function around it."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.ExceptHandler):
            yield inside, child
        function = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else inside
        yield from handlers(child, function)


def is_broad(caught: ast.expr | None) -> bool:
    match caught:
        case None | ast.Name(id="Exception" | "BaseException"):
            return True
        case ast.Tuple(elts=several):
            return any(is_broad(one) for one in several)
    return False


def shell_words_at_the_shell_only(source: Source) -> Breaches:
    """A text that names a command, or an option of one, is worded in `showing` or at the command line itself."""
    for node in () if source.path.startswith(WORDS_THE_SHELL) else source.nodes:
        match node:
            case ast.Constant(value=str(text)) if node not in source.docstrings and (found := SHELL_WORDS.search(text)):
                yield node.lineno, f"names a command or an option: {found[0].strip()}"


def the_subject_first(source: Source) -> Breaches:
    """No sentence of a docstring is opened by What, That or Where: it begins with the thing that it is about."""
    for node in source.docstrings:
        for paragraph in re.split(r"\n\s*\n", str(node.value)):
            if found := SUBJECT_LAST.search(" ".join(paragraph.split())):
                yield node.lineno, f"a sentence is opened by {found[1]}"


def short_files(source: Source) -> Breaches:
    length = len(source.text.splitlines())
    if source.path.endswith(".py") and length > LONGEST_FILE:
        yield length, f"{length} lines"


def short_functions(source: Source) -> Breaches:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} has {length} lines"


def all_is_the_documented_surface(source: Source) -> Breaches:
    """A room, or a module of the face, that says `__all__` names the same words, in backquotes, in its docstring."""
    offering = source.path == f"{source.room}/__init__.py" or source.room == FACE
    for node in source.tree.body if offering else ():
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=names):
                offered = set(ast.literal_eval(names))
                documented = set(re.findall(r"`(\w+)`", ast.get_docstring(source.tree) or ""))
                for name in sorted(offered ^ documented):
                    yield node.lineno, f"`{name}` is not both offered and documented"


def no_module_by_a_bare_string(source: Source) -> Breaches:
    """A wheel's rooms lie in a package, and its build rewrites what is imported, not what is said."""
    prose = {id(node.value) for node in source.nodes if isinstance(node, ast.Expr)}
    for node in source.nodes:
        match node:
            case ast.Constant(value=str() as text) if id(node) not in prose and NAMES_MODULE.search(text):
                if (source.path, text) not in ROOMS_BY_CHANCE:
                    yield node.lineno, f"names a module by a string: {text!r}"
            case ast.Import(names=names):
                for name in (one.name for one in names if is_of_rooms(one.name) and one.asname is None):
                    yield node.lineno, f"import {name} binds the room's own name"


def no_model_outside_the_catalogue(models: Iterable[str]) -> Rule:
    words = "|".join(re.escape(model) for model in sorted(models)) or r"(?!)"
    named = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])")

    def rule(source: Source) -> Breaches:
        if is_catalogue(source.path):
            return
        for number, line in enumerate(source.text.splitlines(), start=1):
            if found := named.search(line):
                yield number, f"names the model {found[0]}"

    return rule


def is_catalogue(path: str) -> bool:
    return path.startswith(CATALOGUES) and path.endswith(".toml")


def model_ids(catalogue: str) -> set[str]:
    """The ids of a catalogue file."""
    return {model["id"] for model in tomllib.loads(catalogue).get("model", [])}


def no_private_name_of_ours(source: Source) -> Breaches:
    """A test sees what a caller sees: it neither imports nor reaches what is named with an underscore."""
    for node in source.nodes:
        match node:
            case ast.ImportFrom(module=str(module), names=names) if is_ours(module):
                for name in (one.name for one in names if is_private(one.name)):
                    yield node.lineno, f"imports {module}.{name}"
            case ast.Attribute(value=owner, attr=name) if is_private(name) and not is_itself(owner):
                if (source.path, name) not in OTHERS_PRIVATE:
                    yield node.lineno, f"reaches {ast.unparse(node)}"


def no_patch_of_ours(source: Source) -> Breaches:
    """A test gives another value through a parameter; what it may exchange is the system's or another library's."""
    ours = {
        one.asname or one.name
        for node in source.nodes
        if isinstance(node, ast.ImportFrom) and is_ours(node.module or "")
        for one in node.names
    }
    for line, name in source.imports:
        if name.startswith(("unittest.mock", "mock", "pytest_mock")):
            yield line, f"mocks: {name}"
    for node in source.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=[ast.Constant(value=str(name)), *_]):
                if is_ours(name):
                    yield node.lineno, f"patches {name}"
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr"), args=[ast.Name(id=name), *_]) if name in ours:
                yield node.lineno, f"patches {ast.unparse(node)}"
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=name)), *_]) if (
                name in ours and not name.isupper()
            ):
                yield node.lineno, f"patches {ast.unparse(node)}"


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in {*HOUSE, FACE, "imagestudio_workshop", "building", "benchmarks", "tests"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC_ALL_THE_SAME


def is_itself(owner: ast.expr) -> bool:
    match owner:
        case ast.Name(id="self" | "cls") | ast.Call(func=ast.Name(id="super")):
            return True
    return False


def names_alike(sources: Iterable[Source]) -> dict[str, list[str]]:
    """Public classes and functions of one name, with their files; a command bears the word that people type."""
    places: dict[str, list[str]] = {}
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not is_command(node):
                places.setdefault(node.name, []).append(source.path)
    return {name: files for name, files in places.items() if len(files) > 1 and not name.startswith("_")}


def is_command(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
    return any(isinstance(call, ast.Name) and call.id == "command" for call in calls)


def sources() -> list[Source]:
    folders = [ROOT / room for room in ROOMS if room != "workshop"] + [ROOT / "workshop" / "imagestudio_workshop"]
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in TEXTS]
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


@cache
def sources_of_tests() -> list[Source]:
    paths = sorted((ROOT / "tests").rglob("*.py"))
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


SOURCES = sources()
MODELS = {model for source in SOURCES if is_catalogue(source.path) for model in model_ids(source.text)}
# One model is called as the kind of operation that it does, and kinds are the domain's own words.
TELLING_MODELS = MODELS - KINDS.keys()
EXAMPLE_MODELS = model_ids('[[model]]\nid = "aurora-2"\nprovider = "local"\n')

RULES: dict[str, Rule] = {
    "no float in the domain": no_float_in_the_domain,
    "a pure domain": a_pure_domain,
    "one clock": one_clock,
    "imports of the room only": imports_of_the_room_only,
    "providers named by themselves only": providers_named_by_themselves_only,
    "no print": no_print,
    "settings alone read the environment": settings_alone_read_the_environment,
    "no broad except": no_broad_except,
    "shell words at the shell only": shell_words_at_the_shell_only,
    "the subject first": the_subject_first,
    "short files": short_files,
    "short functions": short_functions,
    "__all__ is the documented surface": all_is_the_documented_surface,
    "no module by a bare string": no_module_by_a_bare_string,
    "no model outside the catalogue": no_model_outside_the_catalogue(TELLING_MODELS | EXAMPLE_MODELS),
}

OF_TESTS: dict[str, Rule] = {
    "no private name of ours": no_private_name_of_ours,
    "no patch of ours": no_patch_of_ours,
}

BREACHES = [
    ("no private name of ours", "tests/test_a.py", "from domain.money import _written"),
    ("no private name of ours", "tests/test_a.py", "from tests.postgres import _stop"),
    ("no private name of ours", "tests/test_a.py", "def f(studio):\n    return studio.operations._tasks"),
    ("no patch of ours", "tests/test_a.py", "patch.setattr('domain.plans.PLANS', {})"),
    ("no patch of ours", "tests/test_a.py", "from domain import plans\npatch.setattr(plans, 'PLANS', {})"),
    ("no patch of ours", "tests/test_a.py", "from domain import plans\nplans.PLANS = {}"),
    ("no patch of ours", "tests/test_a.py", "from unittest.mock import Mock"),
    ("no float in the domain", "domain/money.py", "RATE = 0.1"),
    ("no float in the domain", "domain/money.py", "def rate(value: float) -> None: ..."),
    ("no float in the domain", "domain/money.py", "rate = -1e-3"),
    ("a pure domain", "domain/money.py", "import time"),
    ("a pure domain", "domain/money.py", "def now():\n    from os import environ"),
    ("one clock", "application/asking/operations.py", "at = datetime.now(UTC)"),
    ("one clock", "infrastructure/store/writer.py", "at = time.time_ns() // 1000"),
    ("imports of the room only", "domain/money.py", "import msgspec"),
    ("imports of the room only", "domain/money.py", "from application.ports import Clock"),
    ("imports of the room only", "application/asking/operations.py", "import sqlalchemy as sa"),
    ("imports of the room only", "projections/engine/rows.py", "from infrastructure.store import engine"),
    (
        "providers named by themselves only",
        "infrastructure/bootstrap.py",
        "from infrastructure.providers import openai",
    ),
    ("providers named by themselves only", "infrastructure/cli.py", "import infrastructure.providers.openai"),
    ("providers named by themselves only", "infrastructure/service.py", "return self.providers['wavespeed']"),
    ("providers named by themselves only", "infrastructure/settings.py", "key = 'IMAGESTUDIO_OPENAI_KEY'"),
    ("imports of the room only", "workshop/imagestudio_workshop/glb.py", "from application.ports import Media"),
    ("imports of the room only", "workshop/imagestudio_workshop/reading.py", "import sqlalchemy"),
    ("no print", "infrastructure/cli.py", "def show():\n    print('here')"),
    ("settings alone read the environment", "infrastructure/files/shelf.py", "home = os.environ['HOME']"),
    ("settings alone read the environment", "infrastructure/files/shelf.py", "home = os.getenv('HOME')"),
    ("no broad except", "domain/money.py", "try:\n    f()\nexcept Exception:\n    pass"),
    ("no broad except", "domain/money.py", "try:\n    f()\nexcept:\n    pass"),
    (
        "no broad except",
        "domain/money.py",
        "def g():\n    try:\n        f()\n    except (OSError, Exception):\n        raise",
    ),
    ("no broad except", "domain/money.py", "try:\n    f()\nexcept BaseException as error:\n    raise"),
    ("no broad except", "domain/money.py", "with contextlib.suppress(OSError, Exception):\n    f()"),
    ("shell words at the shell only", "domain/ledger.py", "hint = 'run: imagestudio audit'"),
    ("shell words at the shell only", "domain/ledger.py", "hint = f'its facts: imagestudio operation {id}'"),
    ("shell words at the shell only", "infrastructure/opening.py", "hint = 'name the right one with --db'"),
    ("the subject first", "domain/money.py", "'What is paid.'"),
    ("the subject first", "domain/money.py", "def f():\n    'Pays. That is all.'"),
    ("the subject first", "domain/money.py", 'PAID = 1\n"""Paid\n\nWhere it is due, at once."""'),
    ("short files", "domain/money.py", "\n" * 400),
    ("short functions", "domain/money.py", "def f():\n" + "    pass\n" * 45),
    ("short functions", "domain/money.py", "class A:\n    async def f():\n" + "        pass\n" * 45),
    (
        "__all__ is the documented surface",
        "domain/__init__.py",
        "'''Offers `Money`.'''\n__all__ = ['Money', 'Rate']",
    ),
    (
        "__all__ is the documented surface",
        "domain/__init__.py",
        "'''Offers `Money` and `Rate`.'''\n__all__ = ['Money']",
    ),
    (
        "__all__ is the documented surface",
        "imagestudio/plugin.py",
        "'''Offers `Job`.'''\n__all__ = ['Job', 'Task']",
    ),
    ("no module by a bare string", "infrastructure/cli.py", "NAMED = 'infrastructure'"),
    ("no module by a bare string", "infrastructure/cli.py", "run('python -m infrastructure.cli.demo')"),
    ("no module by a bare string", "infrastructure/cli.py", "import_module(f'infrastructure.cli.{name}')"),
    ("no module by a bare string", "infrastructure/cli.py", "SCRIPTS = 'infrastructure:migrations'"),
    ("no module by a bare string", "imagestudio/plugin.py", "def f():\n    import application.ports"),
    ("no model outside the catalogue", "infrastructure/cli.py", "DEFAULT = 'aurora-2'"),
    ("no model outside the catalogue", "infrastructure/plans.toml", "# as aurora-2 does"),
    ("no model outside the catalogue", "infrastructure/catalogue/loader.py", "if id == 'aurora-2': pass"),
    ("no model outside the catalogue", "infrastructure/providers/acme.py", "if task.route.endswith('mocha'): pass"),
    ("no model outside the catalogue", "infrastructure/providers/acme.py", "'''Polls gpt-image-1 slowly.'''"),
]

NEAR_MISSES = [
    ("no private name of ours", "tests/test_a.py", "from elsewhere import _common"),
    ("no private name of ours", "tests/test_a.py", "class A:\n    def f(self):\n        return self._b + super()._b"),
    ("no private name of ours", "tests/test_a.py", "rows = [row._asdict() for row in found]"),
    ("no patch of ours", "tests/test_a.py", "import os\npatch.setattr(os, 'fsync', counted)"),
    ("no patch of ours", "tests/test_a.py", "patch.setattr('tempfile.mkdtemp', made)"),
    ("no float in the domain", "domain/money.py", "'''Never a float: 0.1 is a string.'''\nRATE = '0.1'"),
    ("no float in the domain", "infrastructure/media.py", "SCALE = 0.5"),
    ("a pure domain", "infrastructure/media.py", "import time"),
    ("one clock", "infrastructure/clock.py", "at = time.time_ns() // 1000"),
    ("one clock", "application/asking/operations.py", "at = clock.now()"),
    (
        "imports of the room only",
        "application/asking/operations.py",
        "from eventsourcing.application import Application",
    ),
    ("providers named by themselves only", "infrastructure/plugins.py", "'''As OpenAI has it, if it is local.'''"),
    ("providers named by themselves only", "infrastructure/providers/openai/listing.py", "NAME = 'openai'"),
    ("imports of the room only", "workshop/imagestudio_workshop/glb.py", "from imagestudio.plugin import Media"),
    ("no print", "infrastructure/cli.py", "console.print('here')"),
    ("settings alone read the environment", "infrastructure/settings.py", "home = os.environ['HOME']"),
    ("no broad except", "domain/money.py", "try:\n    f()\nexcept (OSError, ValueError):\n    pass"),
    ("shell words at the shell only", "infrastructure/cli/audit.py", "hint = 'run: imagestudio audit'"),
    ("shell words at the shell only", "infrastructure/showing/hints.py", "AUDIT = 'run: imagestudio audit'"),
    ("shell words at the shell only", "infrastructure/opening.py", "hint = 'set IMAGESTUDIO_HOME -- or another'"),
    ("shell words at the shell only", "infrastructure/opening.py", "log = getLogger('imagestudio')"),
    ("shell words at the shell only", "domain/ledger.py", "'''As imagestudio audit --seal prints.'''"),
    ("the subject first", "domain/money.py", "'The price, and what of it is paid. Thatch is not paid.'"),
    ("the subject first", "domain/money.py", "def f():\n    return 'What is paid.'"),
    ("short files", "domain/money.py", "\n" * 399),
    ("short functions", "domain/money.py", "def f():\n" + "    pass\n" * 44),
    ("__all__ is the documented surface", "domain/__init__.py", "'''Offers `Money`.'''\n__all__ = ['Money']"),
    ("no module by a bare string", "infrastructure/cli.py", "'As domain.money has it.'\nimport domain.money as m"),
    ("no module by a bare string", "infrastructure/cli.py", "JSON = 'application/json'\nname = 'the domain.'"),
    ("no model outside the catalogue", "infrastructure/cli.py", "DEFAULT = 'aurora-21'"),
    ("no model outside the catalogue", "domain/catalogue.py", "VIDEOS = 'video-face-swap'"),
    ("no model outside the catalogue", "infrastructure/catalogue/openai.toml", "id = 'aurora-2'"),
    ("no model outside the catalogue", "workshop/imagestudio_workshop/local.toml", "id = 'aurora-2'"),
]


@pytest.mark.parametrize("name", RULES)
def test_the_house_keeps_its_rule(name: str) -> None:
    assert not (found := breaches(RULES[name], SOURCES)), "\n".join([name, *found])


@pytest.mark.parametrize("name", OF_TESTS)
def test_tests_keep_their_rule(name: str) -> None:
    assert not (found := breaches(OF_TESTS[name], sources_of_tests())), "\n".join([name, *found])


def breaches(rule: Rule, sources: Iterable[Source]) -> list[str]:
    return [f"{source.path}:{line}: {what}" for source in sources for line, what in rule(source)]


@pytest.mark.parametrize(("name", "path", "text"), BREACHES)
def test_a_breach_is_seen(name: str, path: str, text: str) -> None:
    assert list((RULES | OF_TESTS)[name](Source(path, text)))


@pytest.mark.parametrize(("name", "path", "text"), NEAR_MISSES)
def test_what_only_looks_like_a_breach_is_let_be(name: str, path: str, text: str) -> None:
    assert not list((RULES | OF_TESTS)[name](Source(path, text)))


def test_a_public_name_stands_in_one_file_or_means_the_same_in_all() -> None:
    """Neither may a port and what implements it share a name; the table gives the reason of each that does stand twice.

    Find a word of the trade that says which of the two is meant: see docs/words.md.
    """
    found = names_alike(SOURCES)
    assert not {name: files for name, files in found.items() if name not in ALIKE}
    assert not ALIKE.keys() - found.keys(), "stands in one file by now"


def test_names_alike_are_seen_and_commands_are_let_be() -> None:
    shown = [
        Source("application/keeping/a.py", "class Standing: ...\ndef _own(): ...\ndef close(): ..."),
        Source("infrastructure/b.py", "class Standing: ...\ndef _own(): ...\n@command(app)\nasync def close(): ..."),
    ]
    assert names_alike(shown) == {"Standing": ["application/keeping/a.py", "infrastructure/b.py"]}


def arrows(sources: Iterable[Source], within: str) -> set[tuple[str, str]]:
    """Which room within a package imports which other of it; a module beside the rooms is a room of its own."""
    found = set()
    for source in sources:
        if source.room == within and source.path.endswith(".py"):
            own = Path(source.path).with_suffix("").parts[1]
            names = (name.split(".") for _, name in source.imports)
            found |= {(own, name[1]) for name in names if name[0] == within and name[1] != own}
    return found


MOST_ARROWS = 32


def test_the_rooms_of_the_application_can_be_drawn() -> None:
    """None runs up, by a contract of import-linter; so few can be followed by a reader."""
    assert len(arrows(SOURCES, "application")) <= MOST_ARROWS


def test_an_arrow_is_drawn_once() -> None:
    shown = [
        Source("application/asking/a.py", "from application.ledger.log import Codec\nimport application.ledger.group"),
        Source("application/scope.py", "from application.asking.a import A\nfrom domain.money import Money"),
    ]
    assert arrows(shown, "application") == {("asking", "ledger"), ("scope", "asking")}


def test_every_rule_has_been_shown_a_breach() -> None:
    assert {name for name, _, _ in BREACHES} == {*RULES, *OF_TESTS}


def test_every_room_is_read() -> None:
    assert {source.room for source in SOURCES} == set(ROOMS)


def test_who_may_catch_everything_still_does() -> None:
    broad = {
        f"{source.path}:{function}"
        for source in SOURCES
        for function, handler in handlers(source.tree)
        if is_broad(handler.type)
    }
    assert broad >= CATCHES_ALL


def test_a_provider_is_a_module_an_entry_point_and_catalogue_files_of_its_own() -> None:
    """Whoever adds one touches nothing else: see the rule that no provider is named elsewhere."""
    modules = {
        name: place.split(":")[0]
        for group, points in POINTS
        for name, place in (points.items() if group.endswith("providers") else ())
        if place.startswith(f"{PROVIDERS}.")
    }
    places = [Path(source.path).parts for source in SOURCES]  # a folder may be left that has nothing but old bytecode
    homes = {Path(parts[2]).stem for parts in places if parts[:2] == ("infrastructure", "providers")} - {"__init__"}
    assert {module.removeprefix(f"{PROVIDERS}.") for module in modules.values()} == homes
    catalogue = ROOT / "infrastructure/catalogue"
    offered = [
        place.split(":") for group, points in POINTS if group.endswith("catalogues") for place in points.values()
    ]
    files = {file for package, file in offered if package == "infrastructure.catalogue"}
    assert files == {path.name for path in catalogue.glob("*.toml")}
    for file in files:
        models = tomllib.loads((catalogue / file).read_text(encoding="utf-8")).get("model", [])
        owners = {modules[model["provider"]].rpartition(".")[2] for model in models if "provider" in model}
        assert owners <= {file.split(".")[0].split("_")[0]}, file


def test_the_catalogue_is_what_the_rule_about_models_reads() -> None:
    assert len(MODELS) > 100
    assert {model for model in MODELS if model not in TELLING_MODELS} == {"video-face-swap"}
