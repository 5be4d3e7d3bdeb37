"""`mtasts-nb validate`: what it prints, and its exit status."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb.cli import main

GOOD = "version: STSv1\nmode: enforce\nmx: mx1.nordwind.example\nmax_age: 604800\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "mta-sts.txt"
    path.write_text(GOOD, newline="\r\n")
    return path


def test_fine(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(
        [
            "validate",
            *("--record", "v=STSv1; id=1;"),
            *("--policy", str(policy)),
            *("--tlsrpt", "v=TLSRPTv1; rua=mailto:tlsrpt@nordwind.example"),
            *("--mx", "10 mx1.nordwind.example."),
        ]
    )
    assert (status, capsys.readouterr().out) == (0, "No findings.\n")


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["--record", "v=STS1; id=1"], 1, "sts-record-version-typo"),
        (["--record", "v=STSv1 ; id=1"], 1, "sts-record-version-space"),
        (["--record", "v=STSv1; id=1; note=x"], 0, "sts-record-unknown-field"),
        (["--record", "v=STSv1; id=1", "--record", "v=STSv1; id=2"], 1, "sts-record-multiple"),
        (["--tlsrpt", "v=TLSRPTv1;"], 1, "rua-missing"),
        (["--record", ""], 1, "sts-record-empty"),
    ],
)
def test_exit_status(arguments: list[str], status: int, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", *arguments]) == status
    assert code in capsys.readouterr().out


def test_hosts_are_compared_with_the_patterns(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--policy", str(policy), "--mx", "mx1.nordwind.example", "mx2.nordwind.example"]) == 1
    out = capsys.readouterr().out
    assert "MX host mx2.nordwind.example" in out
    assert out.endswith(GOOD.replace("max_age", "mx: mx2.nordwind.example\nmax_age"))


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))
    assert main(["validate", "--policy", "-"]) == 1
    assert "policy-" in capsys.readouterr().out


def test_json(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(
        [
            "validate",
            "--policy",
            str(policy),
            "--record",
            "v=STSv1; id=\x1b[2Jé",
            "--json",
            "--domain",
            "bücher.example",
        ]
    )
    out = capsys.readouterr().out
    answer = json.loads(out)
    assert status == 1
    assert out.isascii()
    assert "\x1b" not in out
    assert {finding["code"] for finding in answer["findings"]} == {"id-character"}
    assert not sts.validate(record=answer["corrected"]["record"]).errors
    assert answer["places"]["policy"] == "https://mta-sts.xn--bcher-kva.example/.well-known/mta-sts.txt"


def test_a_domain_says_where_the_texts_belong(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", "--record", "v=STSv1; id=1;", "--policy", str(policy), "--domain", "nordwind.example"])
    out = capsys.readouterr().out
    assert "_mta-sts.nordwind.example (TXT)" in out
    assert "https://mta-sts.nordwind.example/.well-known/mta-sts.txt" in out
    assert "_smtp._tls" not in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no text given"),
        (["--mx", "mx1.nordwind.example", "--record", "v=STSv1; id=1"], "Name the file with --policy"),
        (["--policy", "no/such/file"], "No such file"),
        (["--policy", "."], "a folder, not a regular file"),
        (["--record", "v=STSv1; id=1", "--domain", "nord wind"], "not a domain name"),
        (["--nonsense"], "--help"),
    ],
)
def test_what_cannot_run_says_so_in_one_line(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", *arguments]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--help"]) == 0
    assert "mtasts-nb validate --record" in capsys.readouterr().out
