"""The explanations: complete, of one shape, and right where guides are not."""

from __future__ import annotations

import re
import shlex

import pytest

from mtasts_nb.knowledge import causes, read_data, result_type_text
from mtasts_nb.vocabulary import UNATTRIBUTED, UNKNOWN, ResultType

REQUIRED = {"title", "short", "meaning", "effect", "rfc"}
OPTIONAL = {"myth", "fact", "fix", "causes"}


def test_every_type_has_its_text_and_nothing_else() -> None:
    entries = read_data("result_types")
    assert set(entries) == {*map(str, ResultType), UNATTRIBUTED, UNKNOWN, "unregistered"}
    for code, entry in entries.items():
        assert set(entry) >= REQUIRED, code
        assert set(entry) <= REQUIRED | OPTIONAL, code
        assert ("myth" in entry) == ("fact" in entry), code
        assert ("fix" in entry) == (code not in list(ResultType)), "the fix of a registered type is that of its causes"
        assert re.match(r"RFC \d{4} §\d", entry["rfc"])
        assert len(entry["short"]) < 140


@pytest.mark.parametrize("code", list(ResultType))
def test_what_is_registered_can_be_looked_into(code: ResultType) -> None:
    text = result_type_text(code)
    assert text.code == code
    assert text.commands("nordwind.example", "mx1.nordwind.example")
    assert (text.where == "policy-host") == code.on_policy_host


@pytest.mark.parametrize("code", list(ResultType))
def test_causes_and_fix_are_those_of_the_ranked_causes(code: ResultType) -> None:
    text = result_type_text(code)
    ranked = [cause for cause in causes().values() if code in cause.result_types]
    assert len(text.ranked) == len(ranked) > 0
    assert [cause.result_types[code] for cause in text.ranked] == list(range(1, len(ranked) + 1))
    assert text.fix.endswith(text.ranked[0].fix())


@pytest.mark.parametrize("code", list(ResultType))
def test_the_commands_are_those_that_prove_something(code: ResultType) -> None:
    for command in result_type_text(code).commands("nordwind.example", "mx1.nordwind.example"):
        words = shlex.split(command.shell.replace("</dev/null", "").replace("2>/dev/null", ""))
        assert "DOMAIN" not in command.shell
        assert "MX-HOST" not in command.shell
        if "curl" in words:
            assert "-I" not in words, "senders GET, they do not HEAD"
            assert "-L" not in words, "senders follow no redirect (RFC 8461 §3.3)"
        if "Verify return code" in command.shows:
            assert "-verify_hostname" in words, "code 0 proves no name without it"
        if "s_client" in words:
            assert "-servername" in words, "senders send SNI (RFC 8461 §7.1)"


HOSTILE = [
    "x; rm -rf ~",
    "$(id)",
    "`id`",
    "-o ProxyCommand",
    "a b",
    "a\nb",
    "",
    "a..b",
    "x" * 300,
    "mx1.example.\x00",
    "ä.example",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_never_reaches_a_command(name: str) -> None:
    for code in ResultType:
        text = result_type_text(code)
        assert [c.shell for c in text.commands(name, name)] == [c.shell for c in text.commands()]


def test_an_unregistered_type_is_explained_as_such() -> None:
    assert result_type_text("x-private").code == "unregistered"
    assert result_type_text("x-private").where == "unknown"
