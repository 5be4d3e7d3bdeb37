"""`mtasts-nb check`: exit status by level, silent where nothing is new, and nothing remembered that was not sent."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mtasts_nb.cli import main
from mtasts_nb.lab import Lab


@pytest.fixture
def reports(tmp_path: Path) -> str:
    """Three weeks of reports of two senders; on the last days every session fails."""
    file = tmp_path / "reports.ndjson"
    lines = []
    for day in range(1, 22):
        for name in ("Post", "Brief"):
            good, bad = (0, 40) if day > 18 else (40, 0)
            failure = {
                "result-type": "certificate-expired",
                "receiving-mx-hostname": "mx1.nordwind.example",
                "failed-session-count": bad,
            }
            session = {
                "policy": {"policy-type": "sts", "policy-domain": "nordwind.example", "policy-string": POLICY},
                "summary": {"total-successful-session-count": good, "total-failure-session-count": bad},
                "failure-details": [failure] if bad else [],
            }
            report = {
                "organization-name": name,
                "report-id": f"{name}{day}",
                "date-range": {
                    "start-datetime": f"2026-03-{day:02}T00:00:00Z", "end-datetime": f"2026-03-{day:02}T23:59:59Z",
                },
                "policies": [session],
            }  # fmt: skip
            lines.append(json.dumps(report))
    file.write_text("\n".join(lines))
    return str(file)


POLICY = ["version: STSv1", "mode: enforce", "mx: mx1.nordwind.example", "max_age: 604800"]


def test_reports_are_told_once(reports, tmp_path, capsys) -> None:
    state, metrics = tmp_path / "state.json", tmp_path / "metrics.prom"
    arguments = ["check", reports, "--state", str(state)]
    assert main([*arguments, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    first = found["news"][0]
    assert (first["change"], first["kind"], first["level"]) == ("new", "incident", "act now")
    assert first["problem"]["codes"] == ["certificate-expired"]
    assert found["open"][0] == first["problem"]

    assert main([*arguments, "--prometheus", str(metrics)]) == 1, "it is still open"
    captured = capsys.readouterr()
    assert captured.out == captured.err == "", "cron sends a mail for any output"
    assert 'mtasts_nb_open_problems{kind="incident",level="act now"} 1' in metrics.read_text().splitlines()
    assert main([*arguments, "--all"]) == 1
    assert "[FAULT] act now Open: certificate-expired at mx1.nordwind.example" in capsys.readouterr().out


def test_domains_and_the_level_of_the_exit_status(monkeypatch, capsys) -> None:
    with Lab("mx-certificate-expires-soon") as lab:
        monkeypatch.setattr("mtasts_nb.cli._check.settings_of", lambda _: lab.settings)
        assert main(["check", "--domain", lab.domain]) == 0
        assert "mx-certificate-expires-soon" in capsys.readouterr().out
        assert main(["check", "--domain", lab.domain, "--level", "watch"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sendmail is of POSIX systems")
def test_what_could_not_be_sent_is_told_again(reports, tmp_path, capsys) -> None:
    state, out = tmp_path / "state.json", tmp_path / "out"
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\nexit 75\n")
    program.chmod(0o755)
    arguments = ["check", reports, "--state", str(state), "--mail", "a@nordwind.example", "--sendmail", str(program)]
    assert main(arguments) == 2
    assert "failed with status 75" in capsys.readouterr().err
    assert not state.exists()
    program.write_text(f"#!/bin/sh\ncat > '{out}'\n")
    assert main(arguments) == 1
    assert "Subject: [mtasts-nb] act now: certificate-expired at mx1.nordwind.example" in out.read_text().replace(
        "\n ", " "
    )
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
        (["{reports}", "--level", "soon"], "Did you mean act-soon?"),
        (["{reports}", "--webhook", "http://chat.example/x"], "is not https"),
        (["{reports}", "--state", "{broken}"], "is damaged"),
    ],
)
def test_check_that_cannot_run(arguments, shown, reports, tmp_path, capsys) -> None:
    broken = tmp_path / "broken"
    broken.write_text("{")
    assert main(["check", *(text.format(broken=broken, reports=reports) for text in arguments)]) == 2
    error = capsys.readouterr().err
    assert shown in error
    assert error.count("\n") == 1
    assert broken.read_text() == "{"


def test_a_store_gives_the_news_that_its_reports_give(reports, tmp_path, capsys) -> None:
    store = str(tmp_path / "store")
    assert main(["ingest", reports, "--store", store]) == 0
    capsys.readouterr()
    assert main(["check", reports, "--json"]) == 1
    expected = json.loads(capsys.readouterr().out)
    assert main(["check", "--store", store, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == expected
    assert main(["check", reports, "--store", store]) == 2
    assert "name one" in capsys.readouterr().err
