"""The command line: exit 0 fine, 1 problems found, 2 could not run; one line for what went wrong, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mtasts_nb.cli import COMMANDS, main
from tests.cli.conftest import REPORT


def _one_line(captured: str) -> str:
    assert captured.endswith("\n")
    assert captured.count("\n") == 1, captured
    assert "Traceback" not in captured
    return captured.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_its_exit_status(command, capsys) -> None:
    assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert "example" in told
    assert f"mtasts-nb {command}" in told
    assert "exit status" in told


def test_help_and_version_and_nothing(capsys) -> None:
    assert main(["--help"]) == 0
    assert "mtasts-nb report" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mtasts-nb ")
    assert main([]) == 0
    assert "examples:" in capsys.readouterr().out, "a bare command shows the help, with examples"
    assert main(["nonsense"]) == 2
    assert "nonsense" in _one_line(capsys.readouterr().err)


@pytest.mark.parametrize("command", ["load", "report"])
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: folder / "missing", "missing"),
        (lambda folder: folder, "has no file in it"),
        (
            lambda folder: (folder / "a.txt").write_text("hello") and folder,
            "1 skipped, most often: no report: neither JSON",
        ),
        (lambda folder: (folder / "a.json").write_bytes(b"{") and folder / "a.json", "no TLS report in"),
    ],
    ids=["no such path", "an empty folder", "a folder without a report", "a broken file"],
)
def test_nothing_to_read(command, make, told, tmp_path, capsys, monkeypatch) -> None:
    (tmp_path / "in").mkdir()
    source = make(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    assert main([command, str(source)]) == 2
    captured = capsys.readouterr()
    line = _one_line(captured.err)
    assert line.startswith(f"mtasts-nb {command}: ")
    assert told in line
    assert captured.out == ""
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in"]


def test_load_tells_what_is_there(reports, capsys) -> None:
    assert main(["load", str(reports)]) == 0
    captured = capsys.readouterr()
    for told in (
        "1 input examined.",
        "25.0 % of 4 sessions failed under MTA-STS",
        "certificate-expired",
        "Post",
        "2026-03-01",
    ):
        assert told in captured.out
    assert captured.err == ""


def test_load_is_1_where_an_input_was_rejected(reports, capsys) -> None:
    (reports / "2.json").write_bytes(b'{"report-id": ')
    assert main(["load", str(reports)]) == 1
    assert "1 input could not be read." in capsys.readouterr().out


def test_load_writes_every_table(reports, tmp_path, capsys) -> None:
    assert main(["load", str(reports), "--out", str(tmp_path / "tables")]) == 0
    written = sorted(path.name for path in (tmp_path / "tables").iterdir())
    assert len(written) == 12
    assert {"sessions.csv", "sessions.parquet", "rejects.csv"} <= set(written)
    assert "12 tables written to" in capsys.readouterr().out


def test_load_of_a_domain_that_is_not_there(reports, capsys) -> None:
    assert main(["load", str(reports), "--domain", "x.example"]) == 2
    assert "There are reports about nordwind.example" in _one_line(capsys.readouterr().err)


def test_report_writes_the_page(reports, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (reports / "2.json").write_bytes(b'{"report-id": ')
    assert main(["report", "reports", "--domain", "nordwind.example", "-o", "out.html"]) == 0
    captured = capsys.readouterr()
    for shown in ("act soon", "25.0 % of 4 sessions failed", "Could not be read: 1", "2.json"):
        assert shown in captured.out
    assert captured.out.splitlines()[-1].startswith("out.html: written, ")
    assert captured.err == ""
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "nordwind.example, from reports." in page
    assert str(tmp_path) not in page, "names as given: a page tells nobody where its maker keeps things"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "no/such/folder/x.html"], "does not exist"),
        (["-o", "."], "is a folder"),
        (["--notebook", "nope"], "There is no notebook nope"),
        (["--timeout", "soon"], "invalid float value"),
        (["--period", "2026-02-02", "2026-02-01"], "before it begins on 2026-02-02"),
        (["--period", "Monday", "Tuesday"], "'Monday' is not a day; write it as 2026-09-01"),
        (["--period", "2026-02-01", "2026-02-02", "--latest-incident"], "not allowed with"),
        (["--fixed-at", "noon"], "'noon' is not a time"),
        (["--events", "no-such.csv"], "The events in no-such.csv cannot be read"),
        (["--probe", "no-such.json"], "no-such.json cannot be read"),
        (["--notebook", "03_failures_over_time", "--title", "T"], "has no parameter title"),
    ],
)
def test_report_that_cannot_be_made(arguments, told, reports, capsys) -> None:
    assert main(["report", str(reports), *arguments]) == 2
    assert told in _one_line(capsys.readouterr().err)


def test_notebooks_are_copied_and_never_overwritten_silently(tmp_path, capsys) -> None:
    target = tmp_path / "deep" / "folder"
    assert main(["notebooks", str(target)]) == 0
    first = target / "00_start_here.ipynb"
    original = first.read_bytes()
    assert "jupyter lab" in capsys.readouterr().out
    assert main(["notebooks", str(target)]) == 0
    assert "there already" in capsys.readouterr().out

    first.write_text("mine")
    assert main(["notebooks", str(target)]) == 1
    assert "differs and was left as it is" in _one_line(capsys.readouterr().err)
    assert first.read_text() == "mine"

    assert main(["notebooks", str(target), "--force"]) == 0
    assert first.read_bytes() == original
    assert (target / "00_start_here.ipynb.mine").read_text() == "mine"


def test_notebooks_onto_a_file(tmp_path, capsys) -> None:
    (tmp_path / "f").write_text("x")
    assert main(["notebooks", str(tmp_path / "f")]) == 2
    assert "is a file" in _one_line(capsys.readouterr().err)


def test_notebooks_do_not_follow_a_link_out_of_the_folder(tmp_path, capsys) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "00_start_here.ipynb").symlink_to(tmp_path / "elsewhere")
    assert main(["notebooks", str(tmp_path / "nb"), "--force"]) == 0
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_a_strangers_text_cannot_drive_the_terminal(reports, capsys) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e=cmd()\r\nFAKE LINE"
    report = {**REPORT, "organization-name": evil, "report-id": "2"}
    detail = {
        "result-type": evil,
        "receiving-mx-hostname": evil,
        "failed-session-count": 9,
        "failure-reason-code": evil,
    }
    report["policies"] = [{**REPORT["policies"][0], "failure-details": [detail]}]
    (reports / "2.json").write_text(json.dumps(report))
    (reports / "3\x1b[31m.json").write_bytes(b"{")
    assert main(["load", str(reports)]) == 1
    captured = capsys.readouterr()
    assert not any(ord(char) < 32 and char != "\n" for char in captured.out + captured.err)
    assert "\u202e" not in captured.out
    assert "\nFAKE LINE" not in captured.out
    assert "\\x1b]0;owned" in captured.out


def test_a_terminal_of_few_letters_gets_escapes_and_no_error(reports) -> None:
    (reports / "2.json").write_text(json.dumps({**REPORT, "report-id": "2", "organization-name": "Пошта 例え"}))
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "mtasts_nb.cli", "load", str(reports)], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"\\u041f" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_goes_away_is_no_error(reports) -> None:
    command = f"{sys.executable} -m mtasts_nb.cli load {reports} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_starts_without_the_heavy_libraries() -> None:
    heavy = ["pandas", "matplotlib", "ipywidgets", "httpcore", "dns", "pyarrow", "nbconvert", "numpy", "nbclient"]
    script = f"import sys; from mtasts_nb.cli import main; main(['--help']); print(*[m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (KeyboardInterrupt(), 130, "stopped."),
        (PermissionError(13, "Permission denied", "x"), 2, "x: Permission denied"),
        (RuntimeError("\x1b[31mboom"), 2, "unexpected error (RuntimeError: \\x1b[31mboom)"),
    ],
)
def test_whatever_happens_inside_is_one_line(error, status, told, monkeypatch, capsys, reports) -> None:
    from mtasts_nb import reports as package

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.delenv("MTASTS_NB_DEBUG", raising=False)
    monkeypatch.setattr(package, "load", fail)
    assert main(["load", str(reports)]) == status
    assert told in _one_line(capsys.readouterr().err)
