"""One use case, one word, at every stop: an entrance calls the command or query of its own name, and a command asks the rule
of its name.

What is exempt stands here with its reason.
"""

import ast
import re

import pytest

from tests.conformance.house import ENTRANCES, SERVICES, functions, room, tree

ENTRANCE_EXEMPT = {
    "identity.accept_invitation": "the page looks at the invitation first; `_accept`, its second half, accepts it",
    "identity.signin_page": "a page that is shown; it asks who is signed in already",
    "identity.sign_out": "people sign out; what ends is a session, which a new sign-in ends too",
}

RULE_EXEMPT = {
    "domains.show_latest_check": "it shows; the rule it asks says who may look",
    "domains.show_proof": "it shows; the rules it asks say who may look, and what the record is",
    "identity.sign_in": "what decides is the password, which an adapter compares",
}


@pytest.mark.parametrize("service", SERVICES)
def test_an_entrance_calls_the_command_of_its_name(service: str) -> None:
    wrong = {
        f"{service}.{entrance.name}": sorted(called)
        for entrance in functions(service, "api", "pages", "jobs")
        if entrance.is_public and (called := entrance.mentions("commands") & commands(service)) and entrance.name not in called
    }
    assert {name: called for name, called in wrong.items() if name not in ENTRANCE_EXEMPT} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_an_entrance_asks_the_query_of_its_name(service: str) -> None:
    wrong = {
        f"{service}.{entrance.name}": sorted(asked)
        for entrance in functions(service, "api", "pages")
        if entrance.is_public
        and (asked := {name for name in entrance.mentions("queries") if name.islower()})
        and entrance.name not in asked
    }
    assert wrong == {}


@pytest.mark.parametrize("service", SERVICES)
def test_every_command_is_called(service: str) -> None:
    by_entrances = {name for entrance in functions(service, *ENTRANCES) for name in entrance.mentions("commands")}
    by_commands = {name for command in functions(service, "commands") for name in command.calls() if name != command.name}
    assert commands(service) - by_entrances - by_commands == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_command_asks_the_rule_of_its_name(service: str) -> None:
    """One that does a thing for many (`expire_invitations`) asks the rule for one (`expire_invitation`)."""
    wrong = {
        f"{service}.{command.name}": sorted(asked)
        for command in functions(service, "commands")
        if command.name in commands(service)
        and (asked := command.mentions("rules"))
        and not {command.name, command.name.removesuffix("s")} & asked
    }
    assert {name: asked for name, asked in wrong.items() if name not in RULE_EXEMPT} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_a_listener_is_named_after_its_event(service: str) -> None:
    wrong = [
        heard.name
        for heard in functions(service, "listeners")
        for topic in heard.hears()
        if heard.name != f"on_{re.sub(r'(?<!^)(?=[A-Z])', '_', topic).lower()}"
    ]
    assert wrong == []


def test_what_is_exempt_still_exists() -> None:
    names = {f"{service}.{found.name}" for service in SERVICES for found in functions(service, *ENTRANCES, "commands")}
    assert {*ENTRANCE_EXEMPT, *RULE_EXEMPT} <= names


def commands(service: str) -> set[str]:
    """The use cases: the coroutines that the room's door names, or all public ones when it is one module."""
    public = {
        command.name
        for command in functions(service, "commands")
        if command.is_public and isinstance(command.node, ast.AsyncFunctionDef)
    }
    doors = [path for path in room("commands", service) if path.name == "__init__.py"]
    if not doors:
        return public
    named = {
        alias.asname or alias.name
        for node in ast.walk(tree(doors[0]))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return public & named
