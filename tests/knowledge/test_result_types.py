"""The explanations: complete, of one shape, and right where guides are not."""

from __future__ import annotations

import re
import shlex

import pytest

from mtasts_nb.knowledge import explain, languages, read_toml, result_type_texts
from mtasts_nb.vocabulary import UNATTRIBUTED, UNKNOWN, ResultType

REQUIRED = {
    "title",
    "short",
    "where",
    "severity",
    "meaning",
    "enforce",
    "testing",
    "none",
    "causes",
    "commands",
    "fix",
    "rfc",
}
OPTIONAL = {"myth", "fact"}


@pytest.mark.parametrize("language", languages())
def test_every_type_has_its_text_and_nothing_else(language: str) -> None:
    entries = read_toml("result_types", language)
    assert set(entries) == {*map(str, ResultType), UNATTRIBUTED, UNKNOWN, "unregistered"}
    for code, entry in entries.items():
        assert set(entry) >= REQUIRED, code
        assert set(entry) <= REQUIRED | OPTIONAL, code
        assert ("myth" in entry) == ("fact" in entry), code
        assert entry["where"] in {"mx", "policy-host", "dane", "unknown"}
        assert entry["severity"] in {"critical", "high", "unknown"}
        assert all(set(command) == {"shell", "shows"} for command in entry["commands"])
        assert re.match(r"RFC \d{4} §\d", entry["rfc"])
        assert len(entry["short"]) < 140
        placeholders = set(re.findall(r"{(\w*)}", str([c["shell"] for c in entry["commands"]])))
        assert placeholders <= {"domain", "mx"}


@pytest.mark.parametrize("code", list(ResultType))
def test_what_is_registered_can_be_looked_into(code: ResultType) -> None:
    text = explain(code)
    assert text.code == code
    assert text.commands("nordwind.example", "mx1.nordwind.example")
    assert (text.where == "policy-host") == code.on_policy_host
    assert text.holds_mail == (not code.on_policy_host)  # RFC 8461 §5, §3.3: a fetch failure holds nothing back


def test_only_a_missing_starttls_is_critical() -> None:
    assert [code for code, text in result_type_texts().items() if text.severity == "critical"] == [
        "starttls-not-supported"
    ]


@pytest.mark.parametrize("code", list(ResultType))
def test_the_commands_are_those_that_prove_something(code: ResultType) -> None:
    for command in explain(code).commands("nordwind.example", "mx1.nordwind.example"):
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
        text = explain(code)
        assert [c.shell for c in text.commands(name, name)] == [c.shell for c in text.commands()]


def test_an_unregistered_type_is_explained_as_such() -> None:
    assert explain("x-private").code == "unregistered"
    assert not explain("x-private").holds_mail


def test_a_language_without_texts_is_named() -> None:
    with pytest.raises(LookupError, match=r"'xx'.*en"):
        result_type_texts("xx")
