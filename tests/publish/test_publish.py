"""Publishing end to end: a fresh run, one file, and what is told when it cannot be."""

from __future__ import annotations

import asyncio
import html
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

import mtasts_nb as sts
from mtasts_nb import analysis
from mtasts_nb.errors import PublishError, SourceError
from mtasts_nb.publish import _publish
from mtasts_nb.publish._promises import broken_promises

REPORT = json.dumps(
    {
        "organization-name": "Post",
        "report-id": "1",
        "date-range": {"start-datetime": "2026-03-01T00:00:00Z", "end-datetime": "2026-03-01T23:59:59Z"},
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-domain": "nordwind.example"},
                "summary": {"total-successful-session-count": 3, "total-failure-session-count": 0},
            }
        ],
    }
).encode()


def publish(out: Path, *sources: object, **options: object) -> Path:
    return sts.publish(out, *sources, progress=False, **options)


def test_the_sample_becomes_one_file_that_keeps_its_promises(postmortem: Path) -> None:
    page = postmortem.read_text(encoding="utf-8")
    assert broken_promises(page) == []
    assert postmortem.stat().st_size < 2_000_000
    assert "This page is made from the sample archive" in page
    assert page.count('<time datetime="2026-02-08T12:00:00Z">2026-02-08 12:00 UTC</time>') == 1
    assert "Messages of the program" not in page, "no warning in the run"
    assert page.count('<svg class="wide" ') == page.count('<svg class="narrow" ') >= 6
    assert "came without a description" not in page
    assert [path.name for path in postmortem.parent.iterdir()] == ["report.html"], "no half-written file stays behind"


def test_the_first_screen_shows_the_verdict(postmortem: Path, sample) -> None:
    verdict = analysis.reported_verdicts(sample)["suedwind.example"]
    first = postmortem.read_text(encoding="utf-8").partition("<h1")[2].partition("<h2")[0]
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", first)).split())
    assert (
        f"{verdict.level.value} · ongoing From 2026-10-21 on (last on 2026-10-31), senders report tlsa-invalid" in words
    )


def test_it_carries_its_evidence(postmortem: Path) -> None:
    page = postmortem.read_text(encoding="utf-8")
    archive = sts.load(sts.sample_dir(), progress=False)
    for sha256 in archive.reports["sha256"]:
        assert sha256 in page
    assert archive.rejects["detail"].iloc[0] in page
    for program in ("mtasts-nb", "Python", "pandas", "matplotlib"):
        assert re.search(rf"\b{program} \d", page), program
    assert "run from its first cell to its last, SHA-256" in page


def test_the_same_inputs_give_the_same_file_but_for_the_stated_time(postmortem: Path, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    first = postmortem.read_text(encoding="utf-8")
    later = datetime(2026, 2, 8, 12, 0, tzinfo=UTC) + timedelta(hours=5)
    second = publish(tmp_path / "again.html", now=lambda: later).read_text(encoding="utf-8")
    stated = re.compile(r'Made <time datetime="[^"]*">[^<]*</time>')
    assert stated.sub("", first) == stated.sub("", second)
    assert first != second


def test_a_stranger_can_write_nothing_but_text(hostile_page: Path, hostile: str) -> None:
    page = hostile_page.read_text(encoding="utf-8")
    assert broken_promises(page) == []
    assert "onerror=&quot;document.title=1" in page or "onerror=&#34;document.title=1" in page
    assert "49" not in re.findall(r"\{\{ 7\*7 \}\}", page)
    assert "{{ 7*7 }}" in page
    assert "\u202e" not in page
    assert "could not be read" in page


def test_the_kernel_is_this_interpreter_and_the_working_directory_shadows_nothing(
    tmp_path: Path, stored, cell, monkeypatch
) -> None:
    for name in ("pandas", "ipykernel", "json", "mtasts_nb"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of the working directory was imported')")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "1.json").write_bytes(REPORT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "nowhere"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "nowhere"))
    path = stored(
        cell("sources = []\ndomain = None", tags=["parameters"]),
        cell(
            "import sys, json\nimport mtasts_nb as sts\nprint(sys.executable, sources, domain)\narchive = sts.load(*sources)"
        ),
    )
    page = publish(tmp_path / "x.html", "reports", domain="a'b", notebook=path).read_text()
    assert f"{sys.executable} [&#x27;reports&#x27;] a&#x27;b" in page
    assert "1.json" in page, "the evidence names the input"
    assert "What this document is based on" in page


def test_content_in_memory_is_taken_and_named_by_position(tmp_path: Path, stored, cell) -> None:
    path = stored(
        cell("sources = []", tags=["parameters"]),
        cell("import mtasts_nb as sts\narchive = sts.load(*sources)\nlist(archive.inputs['source'])"),
    )
    other = REPORT.replace(b'"1"', b'"2"')
    page = publish(tmp_path / "x.html", REPORT, io.BytesIO(other), notebook=path).read_text()
    assert "[&#x27;&lt;bytes 1&gt;&#x27;, &#x27;&lt;bytes 2&gt;&#x27;]" in page
    assert "mtasts-nb-" not in page, "no private folder is named"


def test_it_works_inside_a_running_event_loop(tmp_path: Path, stored, cell) -> None:
    path = stored(cell("1 + 1"))

    async def inside() -> Path:
        return publish(tmp_path / "x.html", notebook=path)

    assert '<pre class="sts-text">2</pre>' in asyncio.run(inside()).read_text()
    assert not [thread for thread in threading.enumerate() if thread.name == "mtasts-nb-publish"]


def test_a_failing_cell_is_named_and_nothing_is_written(tmp_path: Path, stored, cell) -> None:
    out = tmp_path / "x.html"
    out.write_text("the old one")
    path = stored("# T", cell("fine = 1"), cell("\n# why\n1 / 0"))
    with pytest.raises(PublishError) as caught:
        publish(out, notebook=path)
    told = str(caught.value)
    assert told.startswith("Notebook mine, cell 3 of 3 (# why) failed with ZeroDivisionError: division by zero")
    assert "JupyterLab" in told
    assert "\n" not in told
    assert out.read_text() == "the old one"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["mine.ipynb", "x.html"]


def test_a_cell_that_takes_too_long_is_stopped_and_named(tmp_path: Path, stored, cell) -> None:
    path = stored(cell("import time\ntime.sleep(60)"))
    begun = time.monotonic()
    with pytest.raises(PublishError, match=r"cell 1 of 1 \(import time\) ran for longer than 1 second"):
        publish(tmp_path / "x.html", notebook=path, timeout=1)
    assert time.monotonic() - begun < 30


def test_a_kernel_that_dies_is_told(tmp_path: Path, stored, cell) -> None:
    path = stored(cell("import os\nos._exit(1)"))
    with pytest.raises(PublishError, match=r"cell 1 of 1 \(import os\): the kernel died"):
        publish(tmp_path / "x.html", notebook=path)


def test_no_report_in_the_sources_is_the_callers_error_and_not_the_notebooks(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no report here")
    with pytest.raises(SourceError, match="no TLS report in"):
        publish(tmp_path / "x.html", tmp_path / "in")


@pytest.mark.parametrize("given", ["~/in", "~/i*", "~/**/*.txt"])
def test_the_home_folder_is_meant_by_its_sign_as_in_load(tmp_path: Path, monkeypatch, given: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no report here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert _publish._exists(given)
    assert not _publish._exists(given + "-not")
    assert not _publish._exists("~no-such-user/in")


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda tmp: publish(tmp), PublishError, "is a folder"),
        (lambda tmp: publish(tmp / "no" / "x.html"), PublishError, "does not exist"),
        (lambda tmp: publish(tmp / "x.html", tmp / "nothing"), SourceError, "There is nothing at"),
        (lambda tmp: publish(tmp / "x.html", "no*such"), SourceError, "There is nothing at no"),
        (lambda tmp: publish(tmp / "x.html", 7), PublishError, "not int"),
        (lambda tmp: publish(tmp / "x.html", notebook="nope"), PublishError, "There is no notebook nope"),
        (lambda tmp: publish(tmp / "x.html", parameters={"nope": 1}), PublishError, "has no parameter nope"),
        (lambda tmp: publish(tmp / "x.html", parameters={"start": object()}), PublishError, "'start' is a object"),
    ],
)
def test_what_can_be_known_before_the_run_is_told_before(tmp_path: Path, call, error, told) -> None:
    with pytest.raises(error, match=told):
        call(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("signal_name", "status", "said"),
    [
        ("SIGINT", 130, "mtasts-nb report: stopped.\n"),
        ("SIGTERM", -signal.SIGTERM, ""),
        ("SIGHUP", -getattr(signal, "SIGHUP", 0), ""),
    ],
)
def test_a_signal_stops_the_kernel_and_leaves_nothing(tmp_path, stored, cell, signal_name, status, said) -> None:
    """Neither a kernel, nor a temporary folder, nor half a page."""
    path = stored(
        cell(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(__import__('os').getpid()))\nimport time\ntime.sleep(60)")
    )
    temporary = tmp_path / "t"
    temporary.mkdir()
    command = [sys.executable, "-m", "mtasts_nb.cli", "report", "--notebook", str(path), "-o", str(tmp_path / "x.html")]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary), "MPLCONFIGDIR": str(tmp_path)},
    ) as process:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert process.poll() is None
            time.sleep(0.05)
        assert [entry.name for entry in temporary.iterdir() if entry.name.startswith("mtasts-nb-")]
        process.send_signal(getattr(signal, signal_name))
        _, told = process.communicate(timeout=30)
    assert process.returncode == status
    assert told == said
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "x.html").exists()
