"""What a person sees: verdict first, lines that fit, colours only where they help, and what was probably meant."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mtasts_nb.cli import COMMANDS, main
from mtasts_nb.lab import Lab
from mtasts_nb.markup import display_width
from mtasts_nb.probe import Provider, load_probe, probe
from tests.cli.conftest import REPORT

SAMPLE = str(Path(__file__).parents[2] / "data" / "sample" / "mail")
SGR = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("probe") / "suedwind.json"
    with Lab("dane-mismatch", domain="suedwind.example") as lab:
        return probe(lab.domain, lab.settings).save(file)


@pytest.fixture
def terminal(capsys, monkeypatch) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("WT_SESSION", "1")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", [["load", SAMPLE], ["incidents", SAMPLE]], ids=lambda c: c[0])
def test_lines_fit_the_width_of_the_terminal(command, width, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(command) in (0, 1)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if display_width(line) > width and " " in line.strip()] == []


def test_load_leads_with_the_verdict(capsys) -> None:
    main(["load", SAMPLE])
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("[FAULT] act now Mail from senders that validate DANE is deferred")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("environment", "options", "coloured"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),  # no-color.org: any text but none
        ({"NO_COLOR": ""}, [], True),
        ({"TERM": "dumb"}, [], False),
        ({}, ["--no-color"], False),
    ],
)
def test_colours_on_a_terminal(environment, options, coloured, monkeypatch, capsys) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    main(["incidents", SAMPLE, *options])
    assert bool(SGR.search(capsys.readouterr().out)) is coloured


@pytest.mark.usefixtures("terminal")
def test_colours_change_no_character_and_no_line(reports, capsys) -> None:
    main(["load", str(reports)])
    coloured = capsys.readouterr().out
    main(["load", str(reports), "--no-color"])
    assert SGR.sub("", coloured) == capsys.readouterr().out
    assert coloured.startswith("\x1b[33m[part] act soon")


def test_a_pipe_gets_no_colours(reports, capsys) -> None:
    main(["load", str(reports)])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.usefixtures("terminal")
def test_a_strangers_colours_are_escaped_on_a_terminal_too(reports, capsys) -> None:
    report = {**REPORT, "organization-name": "\x1b[31mred \x1b[2J", "report-id": "2"}
    (reports / "2.json").write_text(json.dumps(report))
    main(["load", str(reports)])
    assert "\x1b[2J" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["reprot"], "Did you mean report?"),
        (["load", "x", "--domian", "nordwind.example"], "Did you mean --domain?"),
        (["report", "--titel=T"], "Did you mean --title?"),
        (["lab", "--fault", "mx-certificate-expird"], "Did you mean mx-certificate-expired"),
        (["load", SAMPLE, "--domain", "sudwind.example"], "Did you mean suedwind.example?"),
        (["notebooks", "a", "b"], "unexpected argument 'b'"),
    ],
)
def test_a_typing_mistake_names_what_was_probably_meant(arguments, meant, capsys) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert meant in captured.err
    assert captured.err.count("\n") == 1


def test_every_command_that_prints_a_result_has_json(capsys) -> None:
    for command in COMMANDS:
        main([command, "--help"])
        assert ("--json" in capsys.readouterr().out) is (command != "notebooks"), command


def _json(capsys, *arguments: str) -> tuple[int, dict]:
    status = main([*arguments, "--json"])
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.isascii()
    return status, json.loads(captured.out)


def test_json_of_an_archive(reports, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (reports / "2.json").write_bytes(b"{")
    status, found = _json(capsys, "load", "reports")
    assert (status, found["version"], found["inputs"]["rejected"]) == (1, 1, 1)
    assert found["verdicts"][0]["domain"] == "nordwind.example"
    assert found["rejects"][0]["reason"]
    monkeypatch.setattr(importlib.import_module("mtasts_nb.publish._publish"), "execute", lambda *_, **__: None)
    status, page = _json(capsys, "report", "reports", "-o", "page.html")
    assert (status, page["file"]) == (0, "page.html")
    assert page["bytes"] == Path("page.html").stat().st_size
    assert page["verdicts"] == found["verdicts"]


def test_incidents_and_their_exit_status(capsys) -> None:
    status, found = _json(capsys, "incidents", SAMPLE)
    assert status == 1
    ongoing = [row for row in found["incidents"] if row["ongoing"]]
    assert ongoing[0]["start"].startswith("2026-10-21")
    assert _json(capsys, "incidents", SAMPLE, "--ongoing")[1]["incidents"] == ongoing
    status, found = _json(capsys, "incidents", SAMPLE, "--domain", "nordwind.example")
    assert status == 0
    assert {row["policy_domain"] for row in found["incidents"]} == {"nordwind.example"}


def test_diagnose_reports_a_probe_and_both(snapshot, capsys) -> None:
    for sources in ([SAMPLE], [], [SAMPLE, "--domain", "suedwind.example"]):
        probed = ["--probe", str(snapshot)] if sources[1:] or not sources else []
        status, found = _json(capsys, "diagnose", *sources, *probed)
        assert (status, found["verdict"]["level"]) == (1, "act now")
        assert "tlsa" in found["causes"][0]["code"]
    main(["diagnose", SAMPLE])
    assert capsys.readouterr().out.startswith("[FAULT] act now")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], "nothing to diagnose"),
        (["--live"], "Name it with --domain"),
        (["--live", "--domain", "a@b"], "an address or a URL"),
        (["--probe", "{snapshot}", "--domain", "nordwind.example"], "a snapshot of suedwind.example"),
    ],
)
def test_diagnose_that_cannot_run(arguments, shown, snapshot, capsys) -> None:
    assert main(["diagnose", *(text.format(snapshot=snapshot) for text in arguments)]) == 2
    assert shown in capsys.readouterr().err


def test_rollback_of_a_snapshot_and_of_texts(snapshot, tmp_path, capsys) -> None:
    status, plan = _json(capsys, "rollback", "--probe", str(snapshot))
    assert (status, plan["domain"]) == (0, "suedwind.example")
    assert "mode: testing" in plan["policy"]
    assert plan["steps"][0]["text"] == plan["policy"]
    (tmp_path / "policy").write_text("version: STSv1\nmode: enforce\nmx: mx1.suedwind.example\nmax_age: 604800\n")
    texts = ["--policy", str(tmp_path / "policy"), "--record", "v=STSv1; id=1;", "--ttl", "300"]
    assert main(["rollback", *texts]) == 0
    assert "mode: testing" in capsys.readouterr().out
    assert main(["rollback", *texts[:-2]]) == 2
    assert "--ttl" in capsys.readouterr().err
    assert main(["rollback"]) == 2
    assert "no policy given" in capsys.readouterr().err
    assert main(["rollback", *texts, "--blocked-since", "noon"]) == 2
    capsys.readouterr()
    assert main(["rollback", "--probe", str(snapshot), "--domain", "nordwind.example"]) == 2
    assert "the probe is of suedwind.example: expected one of nordwind.example" in capsys.readouterr().err


def test_rollback_at_a_service_that_hosts_the_policy(snapshot, tmp_path, capsys) -> None:  # RFC 8461 §8.2
    hoster = Provider(name="EasyDMARC", role="policy host", evidence="CNAME suedwind_example_mta_sts.easydmarc.pro")
    file = replace(load_probe(snapshot), providers=(hoster,)).save(tmp_path / "hosted.json")
    _, plan = _json(capsys, "rollback", "--probe", str(file))
    assert plan["steps"][0]["where"].endswith(", at your provider, EasyDMARC")
    assert any(note.startswith("At your provider, EasyDMARC:") for note in plan["notes"])


def test_probe_takes_several_domains(tmp_path, capsys, monkeypatch) -> None:
    with Lab("mx-certificate-expired") as lab:
        monkeypatch.setattr("mtasts_nb.cli._probe.settings_of", lambda _: lab.settings)
        status, found = _json(capsys, "probe", lab.domain, "a@b", "--save", str(tmp_path / "out"))
        assert status == 2, "one of them is no domain"
        assert [each["probe"]["domain"] for each in found["probes"]] == [lab.domain]
        assert found["rejects"][0]["text"] == "a@b"
        assert main(["probe", "--load", str(tmp_path / "out" / f"{lab.domain}.json")]) == 1


@pytest.mark.parametrize(("root", "option"), [(0, ["--allow-root"]), (1000, [])])
def test_notebooks_open_as_root_too(root, option, tmp_path, monkeypatch, capsys) -> None:
    started: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        started.append(command[1:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(os, "geteuid", lambda: root, raising=False)
    monkeypatch.setattr(subprocess, "run", run)
    assert main(["notebooks", str(tmp_path / "nb"), "--open"]) == 0
    assert started == [["-m", "jupyter", "lab", f"--notebook-dir={tmp_path / 'nb'}", *option]]
    assert main(["notebooks", str(tmp_path / "nb")]) == 0
    assert len(started) == 1
    assert ("--allow-root" in capsys.readouterr().out) is bool(option)


@pytest.mark.skipif(os.name != "posix", reason="completion for POSIX shells")
@pytest.mark.parametrize(("line", "expected"), [("mtasts-nb inc", "incidents"), ("mtasts-nb load --dom", "--domain")])
def test_the_shell_completes_commands_and_options(line, expected, tmp_path) -> None:
    answer = tmp_path / "answer"
    environment = {
        **os.environ, "_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
    }  # fmt: skip
    subprocess.run([sys.executable, "-m", "mtasts_nb.cli"], env=environment, check=False, timeout=60)
    assert expected in answer.read_text().replace("\x0b", " ").split()
