"""`mtasts-nb check`: exit status by level, silent where nothing is new, and nothing remembered that was not sent."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mtasts_nb.cli import main
from mtasts_nb.lab import Lab

SAMPLE = str(Path(__file__).parents[2] / "data" / "sample" / "mail")


def test_reports_are_told_once(tmp_path, capsys) -> None:
    state, metrics = tmp_path / "state.json", tmp_path / "metrics.prom"
    arguments = ["check", SAMPLE, "--state", str(state)]
    assert main([*arguments, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    first = found["news"][0]
    assert (first["change"], first["kind"], first["level"]) == ("new", "incident", "act now")
    assert first["problem"]["codes"] == ["tlsa-invalid"]
    assert found["open"][0] == first["problem"]

    assert main([*arguments, "--prometheus", str(metrics)]) == 1, "it is still open"
    captured = capsys.readouterr()
    assert captured.out == captured.err == "", "cron sends a mail for any output"
    assert 'mtasts_nb_open_problems{kind="incident",level="act now"} 1' in metrics.read_text().splitlines()
    assert main([*arguments, "--all"]) == 1
    assert "[FAULT] act now Open: tlsa-invalid at mx1.suedwind.example" in capsys.readouterr().out


def test_domains_and_the_level_of_the_exit_status(monkeypatch, capsys) -> None:
    with Lab("mx-certificate-expires-soon") as lab:
        monkeypatch.setattr("mtasts_nb.cli._check.settings_of", lambda _: lab.settings)
        assert main(["check", "--domain", lab.domain]) == 0
        assert "mx-certificate-expires-soon" in capsys.readouterr().out
        assert main(["check", "--domain", lab.domain, "--level", "watch"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sendmail is of POSIX systems")
def test_what_could_not_be_sent_is_told_again(tmp_path, capsys) -> None:
    state, out = tmp_path / "state.json", tmp_path / "out"
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\nexit 75\n")
    program.chmod(0o755)
    arguments = ["check", SAMPLE, "--state", str(state), "--mail", "a@nordwind.example", "--sendmail", str(program)]
    assert main(arguments) == 2
    assert "failed with status 75" in capsys.readouterr().err
    assert not state.exists()
    program.write_text(f"#!/bin/sh\ncat > '{out}'\n")
    assert main(arguments) == 1
    assert "Subject: [mtasts-nb] act now: tlsa-invalid at mx1.suedwind.example" in out.read_text().replace("\n ", " ")
    out.unlink()
    assert main(arguments) == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], "nothing to check"),
        (["--domain", "a@b"], "an address or a URL"),
        (["--domain", "nordwind.example", "--resolver", "x"], "is not an IP address"),
        (["no-such-folder"], "does not exist"),
        ([SAMPLE, "--level", "soon"], "Did you mean act-soon?"),
        ([SAMPLE, "--webhook", "http://chat.example/x"], "is not https"),
        ([SAMPLE, "--state", "{broken}"], "is damaged"),
    ],
)
def test_check_that_cannot_run(arguments, shown, tmp_path, capsys) -> None:
    broken = tmp_path / "broken"
    broken.write_text("{")
    assert main(["check", *(text.format(broken=broken) for text in arguments)]) == 2
    error = capsys.readouterr().err
    assert shown in error
    assert error.count("\n") == 1
    assert broken.read_text() == "{"
