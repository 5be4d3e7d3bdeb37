"""Every command that shows what strangers wrote, with hostile text in every field: as text for a terminal, and as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mtasts_nb.cli import main
from mtasts_nb.cli._main import COMMANDS
from tests.hardening.harmless import faults_of_json, faults_of_page, faults_of_text
from tests.hardening.hostile import DOMAIN, HOSTILE, policy_of, probe_with, reports, turned

#: No argument of a process holds a NUL or half a surrogate pair; the others come as a person would paste them.
TEXTS = [text.replace("\0", "").encode("utf-8", "replace").decode() for text in HOSTILE.values()]
#: These show nothing that a stranger wrote: they start servers, copy files, or write a store.
NOT_WALKED = {"ingest", "lab", "notebooks"}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with hostile reports, inputs that are none, and a policy file."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "reports").mkdir()
    for number, (data, text) in enumerate(zip(reports(turned(0), None), TEXTS * 9, strict=False)):
        (folder / "reports" / f"{number}-{text.replace('/', '')[:60]}.json").write_bytes(data)
        if number < len(TEXTS):
            (folder / "reports" / f"cut-{number}-{text.replace('/', '')[:60]}.json").write_bytes(data[: len(data) // 2])
    policy = policy_of(TEXTS[0]) + "\n".join(TEXTS)
    (folder / "policy.txt").write_text(policy, encoding="utf-8", newline="")
    return folder


CALLS: dict[str, Callable[[Path], list[str]]] = {
    "load": lambda given: ["load", f"{given}/reports"],
    "incidents": lambda given: ["incidents", f"{given}/reports"],
    "diagnose": lambda given: ["diagnose", f"{given}/reports", "--probe", "probe.json"],
    "rollback": lambda _: ["rollback", "--probe", "probe.json"],
    "probe": lambda _: ["probe", "--load", "probe.json"],
    "validate": lambda given: [
        "validate", "--policy", f"{given}/policy.txt", *(f"--record={text}" for text in TEXTS),
        *(f"--tlsrpt=v=TLSRPTv1; rua={text}" for text in TEXTS), "--mx", *(f"x{text}" for text in TEXTS),
    ],
    "explain": lambda _: ["explain", "--", *TEXTS],
    "check": lambda given: ["check", f"{given}/reports", "--all", "--level", "watch"],
    "report": lambda given: ["report", f"{given}/reports", "-o", f"{given}/report.html"],
}  # fmt: skip


def test_every_command_that_shows_something_is_walked() -> None:
    assert set(CALLS) | NOT_WALKED == set(COMMANDS)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("as_json", [False, True])
def test_what_a_command_prints_is_harmless(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, given: Path, name: str, as_json: bool
) -> None:
    # A live probe holds what a file is refused for: no snapshot has an address that is none.
    monkeypatch.setattr(
        sys.modules["mtasts_nb.probe"], "load_probe", lambda _: replace(probe_with(turned(0)), domain=DOMAIN)
    )
    program, *arguments = CALLS[name](given)
    status = main([program, *(["--json"] if as_json else ["--no-color"]), *arguments])
    printed = capsys.readouterr()
    assert status in (0, 1), printed.err
    assert faults_of_text(printed.err) == []
    assert printed.out.strip()
    if as_json:
        assert faults_of_json(printed.out) == []
        json.loads(printed.out)
    else:
        assert faults_of_text(printed.out) == []
    if name == "report":
        page = (given / "report.html").read_text(encoding="utf-8")
        assert faults_of_page(page) == []
