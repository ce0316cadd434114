"""What to do about an error: one advice, and a sentence of it for each door."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from string import Formatter

import pytest
from psycopg2 import OperationalError

from domain.advice import PYTHON, Advice, worded
from domain.errors import ImageStudioError, StoreUnavailable, UnknownAccount
from domain.ledger import Ledger, known_account
from infrastructure.agents.answers import failure
from infrastructure.agents.tools import TOOLS as AGENTS_TOOLS
from infrastructure.bootstrap import open_studio
from infrastructure.gateway.faults import openai_error, problem_of
from infrastructure.settings import Settings
from infrastructure.showing.hints import HTTP, SHELL, TOOLS, in_shell, over_http
from infrastructure.store.errors import in_our_words
from tests.infrastructure.cli.workspaces import leaves

ROOT = Path(__file__).parents[3]
DOORS = {"Python": PYTHON, "shell": SHELL, "HTTP": HTTP, "tools": TOOLS}


def fields_of(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def given() -> Iterator[tuple[str, set[str], str]]:
    """Each advice in the source: its action, the fields it is given, and where."""
    for room in ("domain", "application", "projections", "infrastructure", "imagestudio"):
        for file in sorted((ROOT / room).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(text)) if "Advice(" in text else ():
                match node:
                    case ast.Call(func=ast.Name(id="Advice"), args=[ast.Constant(value=str(action))], keywords=fields):
                        yield action, {str(field.arg) for field in fields}, f"{file.name}:{node.lineno}"


GIVEN = list(given())


def test_an_advice_is_said_in_the_words_of_each_door() -> None:
    advice = Advice("account.open", account="acme")
    assert str(advice) == "open it first: studio.accounts.open('acme', plan='free')"
    assert in_shell(advice) == "open it with: imagestudio account open acme --plan free"
    assert over_http(advice) == "open account acme first"


def test_a_text_is_said_alike_at_every_door() -> None:
    assert {worded("take another", words) for words in DOORS.values()} == {"take another"}


def test_of_several_ways_one_is_enough() -> None:
    ways = (Advice("provider.ready", lacks="set A_KEY"), Advice("class.allow", model_class="stand-in"))
    told = "make it ready: set A_KEY; or allow it: --allow stand-in, or imagestudio account allow stand-in"
    assert in_shell(ways) == told
    assert in_shell(()) == ""


def test_several_that_a_door_says_alike_are_said_once() -> None:
    both = (Advice("provider.ready", lacks="set A_KEY"), Advice("provider.ready", lacks="set B_KEY"), "take another")
    assert over_http(both) == "tell whoever runs this service; or take another"


def test_an_error_speaks_python_and_gives_its_advice_to_other_doors() -> None:
    with pytest.raises(UnknownAccount) as refusal:
        known_account(Ledger(), "acme")
    assert refusal.value.hint == str(refusal.value.advice)
    assert "imagestudio" not in refusal.value.hint
    assert ImageStudioError("it broke", hint="mend it").hint == "mend it"
    assert ImageStudioError("it broke").hint == ""


@pytest.mark.parametrize("door", DOORS)
def test_a_door_has_a_sentence_for_every_advice_and_none_that_nobody_gives(door: str) -> None:
    assert DOORS[door].keys() == {action for action, _, _ in GIVEN}


@pytest.mark.parametrize(("action", "fields", "where"), GIVEN, ids=[f"{where}-{action}" for action, _, where in GIVEN])
def test_a_sentence_names_no_field_that_the_advice_lacks(action: str, fields: set[str], where: str) -> None:
    for door, words in DOORS.items():
        assert fields_of(words[action]) <= fields, f"{door}, {where}"
    assert fields == set().union(*(fields_of(words[action]) for words in DOORS.values())), f"named by no door: {where}"


def commands_in(words: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    for sentence in words.values():
        for told in re.findall(r"imagestudio ([a-z-]+(?: [a-z-]+)*)", sentence):
            yield tuple(told.split())


def test_every_command_that_the_shell_is_told_exists() -> None:
    known = set(leaves())
    for command in commands_in(SHELL):
        assert {command[:length] for length in (1, 2)} & known, command


@pytest.mark.parametrize("words", [PYTHON, HTTP], ids=["Python", "HTTP"])
def test_no_other_door_is_told_a_command(words: Mapping[str, str]) -> None:
    assert not list(commands_in(words))
    assert not re.search(r"(?<!\w)--[a-z]", " ".join(words.values()))


def test_who_asks_over_http_is_told_no_setting_of_the_service() -> None:
    assert "IMAGESTUDIO_" not in " ".join(HTTP.values())


async def test_every_call_that_python_is_told_exists(tmp_path: Path) -> None:
    told = set(re.findall(r"studio\.([a-z_.]+[a-z])", " ".join(PYTHON.values())))
    async with open_studio(Settings(home=tmp_path), serve=False) as studio:
        assert told
        for name in told:
            attrgetter(name)(studio)


def test_every_tool_that_an_agent_is_told_to_call_exists() -> None:
    told = {name for sentence in TOOLS.values() for name in re.findall(r"the tool '([a-z]+)'", sentence)}
    assert told
    assert told <= {*AGENTS_TOOLS}


def test_a_drivers_words_are_for_whoever_runs_the_studio_alone() -> None:
    words = 'connection to server at "10.0.0.5", port 5432 failed: timeout expired'
    error = in_our_words(OperationalError(words), integrity=False, lost=False)
    assert isinstance(error, StoreUnavailable)
    assert words in error.message
    told = [problem_of(error, "id"), openai_error(error), failure(error).structured_content]
    assert not [one for one in told if "10.0.0.5" in str(one) or "address" in str(one)]
    assert (told[0]["detail"], told[0]["hint"]) == ("the server does not answer", "tell whoever runs this service")
