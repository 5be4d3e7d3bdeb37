"""`mtasts-nb lab`: what it prints is right, and the commands that it prints work as they stand."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys

import pytest

from mtasts_nb.cli import main
from mtasts_nb.lab import FAULTS, VARIANTS, Lab, commands, hosts
from mtasts_nb.probe import load_probe


def test_the_list_has_every_fault_and_variant(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["lab", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    assert [name for name in names if name in FAULTS] == list(FAULTS)
    assert set(VARIANTS) <= set(names)
    row = next(line for line in lines if line.strip().startswith("mx-certificate-expired "))
    assert re.search(r"certificate-expired +deferred +The certificate of", row)


@pytest.mark.parametrize(("name", "status"), [("policy-http-404", 1), (None, 0)])
def test_probe_once(capsys, name, status):
    arguments = ["--fault", name] if name else []
    assert main(["lab", "--probe", *arguments]) == status
    out = capsys.readouterr().out
    assert ("policy-http-not-found" in out) == (name is not None)


def test_an_unknown_fault_is_one_line_and_status_2(capsys):
    assert main(["lab", "--fault", "mx-certificate-expird"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "mx-certificate-expired" in error


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_serves_until_it_is_stopped(how):
    """And a script that reads its output gets all of it at once, ports included."""
    command = [sys.executable, "-W", "error", "-m", "mtasts_nb.cli", "lab", "--fault", "mx-certificate-expired"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("Ctrl-C"):
                    break
            process.send_signal(how)
            rest, error = process.communicate(timeout=20)
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0
    assert error == ""
    assert "closed" in rest
    text = "".join(lines)
    assert "reports certificate-expired for mx1, mx2" in text.replace("\n", " ")
    assert re.search(r"mx1\.nordwind\.example +192\.0\.2\.25 +25 +127\.0\.0\.1:\d+", text)


def test_hosts_have_names():
    with Lab(variant="delegated") as lab:
        rows = hosts(lab)
    assert ("resolver", "192.0.2.53") in [row[:2] for row in rows]
    assert ("mta-sts.hosting.example", "203.0.113.80") in [row[:2] for row in rows]
    assert all(row[0] for row in rows if row[1] not in ("192.0.2.80", "2001:db8::80"))


def test_the_policy_is_asked_where_the_dns_says():
    with Lab(variant="delegated") as lab:
        looks = [command.checks for command in commands(lab)]
    assert "the policy at 203.0.113.80" in looks
    assert "the policy at 192.0.2.80" not in looks


def run(command):
    tool = command.text.split()[0]
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    return subprocess.run(["sh", "-c", command.text], capture_output=True, text=True, timeout=20)


@pytest.mark.parametrize("tool", ["dig", "curl", "openssl"])
def test_the_commands_work_as_printed(tool):
    with Lab() as lab:
        chosen = [command for command in commands(lab) if command.text.startswith(tool)]
        assert chosen
        for command in chosen:
            done = run(command)
            assert done.returncode == 0, (command, done.stderr)
            assert done.stdout + done.stderr
            if command.checks.startswith("the policy at"):
                assert done.stdout.startswith("version: STSv1")
            if command.checks.startswith("the names"):
                assert "DNS:" in done.stdout
            elif tool == "openssl":
                assert "Verification: OK" in done.stderr


@pytest.mark.parametrize("kind", ["expired", "wrong-name", "self-signed", "intermediate-missing", "common-name-only"])
def test_the_openssl_command_fails_where_a_sender_does(kind):
    with Lab(f"mx-certificate-{kind}") as lab:
        *_, handshake, names = commands(lab)
        done, shown = run(handshake), run(names)
    if kind == "common-name-only":
        # OpenSSL falls back to the common name where there is no SAN, which RFC 8461 §4.2 does not: the names tell.
        assert done.returncode == 0
        assert "DNS:" not in shown.stdout
    else:
        assert done.returncode == 1
        assert "verify error" in done.stderr


def test_a_snapshot_of_the_lab_loads(tmp_path, capsys):
    file = tmp_path / "seen.json"
    arguments = ["--domain", "suedwind.example", "--fault", "dane-mismatch", "--probe", "--save", str(file)]
    assert main(["lab", *arguments]) == 1
    assert str(file) in capsys.readouterr().out
    seen = load_probe(file)
    assert seen.domain == "suedwind.example"
    assert "tlsa-mismatch" in seen.findings.codes


def test_to_save_without_a_probe_is_one_line_and_status_2(capsys):
    assert main(["lab", "--save", "seen.json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
