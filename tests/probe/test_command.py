"""`mtasts-nb probe`."""

from __future__ import annotations

import json

import pytest

from mtasts_nb.cli import main


@pytest.fixture
def saved(look, tmp_path):
    def save(fault=None):
        return str(look(fault).save(tmp_path / "seen.json"))

    return save


def test_a_healthy_domain_is_status_0(saved, capsys):
    assert main(["probe", "--load", saved()]) == 0
    assert "No findings." in capsys.readouterr().out


def test_faults_are_status_1(saved, capsys):
    assert main(["probe", "--load", saved("mx-certificate-expired"), "--commands"]) == 1
    out = capsys.readouterr().out
    assert "mx-certificate-expired" in out
    assert "-verify_hostname mx1.nordwind.example" in out


def test_json_is_the_snapshot(saved, capsys, tmp_path):
    assert main(["probe", "--load", saved("policy-http-404"), "--json", "--save", str(tmp_path / "again.json")]) == 1
    whole = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in whole["findings"]] == ["policy-http-not-found"]
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == whole


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "either a DOMAIN"),
        (["nordwind.example", "--load", "x"], "either a DOMAIN"),
        (["user@nordwind.example"], "not a domain"),
        (["nordwind.example", "--resolver", "ns1.example"], "not an IP address"),
        (["nordwind.example", "--timeout", "soon"], "not a number of seconds"),
        (["nordwind.example", "-4", "-6"], "exclude each other"),
        (["--load", "/nowhere/seen.json"], "cannot be read"),
    ],
)
def test_what_cannot_run_is_status_2_and_one_line(arguments, told, capsys):
    assert main(["probe", *arguments]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_a_file_that_cannot_be_written_does_not_cost_what_was_seen(saved, capsys, tmp_path):
    assert main(["probe", "--load", saved("mx-no-starttls"), "--save", str(tmp_path / "nowhere" / "x.json")]) == 2
    shown = capsys.readouterr()
    assert "mx-starttls-missing" in shown.out
    assert "x.json" in shown.err
    assert "written" not in shown.out
