"""What is written is there whole or not at all, and what is read is a file: every writer and every reader of the kit."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtasts_nb import files
from mtasts_nb.analysis import load_events
from mtasts_nb.cli import main
from mtasts_nb.errors import MtaStsNbError
from mtasts_nb.probe import load_probe, probe
from mtasts_nb.publish._notebook import find_notebook
from mtasts_nb.settings import ProbeSettings

posix = pytest.mark.skipif(os.name != "posix", reason="signals, modes and special files are POSIX")


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


# -- one file


@posix
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_that_any_new_file_has(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        files.write_file(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == mode


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_an_existing_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "old"
    file.write_bytes(b"old")
    file.chmod(mode)
    files.write_file(file, b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == mode


@posix
def test_the_draft_of_a_private_file_is_private(tmp_path: Path) -> None:
    file = tmp_path / "old"
    file.touch(0o600)
    with files.replacing(file) as stream:
        stream.write(b"secret")
        assert {stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()} == {0o600}


@posix
def test_of_a_link_the_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("elsewhere/target")
    files.write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert _contents(tmp_path / "elsewhere") == {"target": b"new"}


@posix
def test_a_device_is_written_to_and_not_replaced() -> None:
    files.write_file(os.devnull, b"x")
    assert Path(os.devnull).is_char_device()
    command = "from mtasts_nb.files import write_file; write_file('/dev/stdout', b'x' * 5)"
    assert subprocess.run([sys.executable, "-c", command], stdout=subprocess.PIPE, check=True).stdout == b"xxxxx"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_after_an_error_nothing_has_changed(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "old").write_bytes(b"old")

    def write(name: str) -> None:
        with files.replacing(tmp_path / name) as stream:
            stream.write(b"half")
            raise error

    for name in ("old", "new"):
        with pytest.raises(error):
            write(name)
    assert _contents(tmp_path) == {"old": b"old"}


@pytest.mark.parametrize("name", ["no/such/folder", ".", "nul\0"])
def test_what_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises((OSError, ValueError)) as caught:
        files.write_file(str(tmp_path / name), b"x")
    assert not isinstance(caught.value, OSError) or str(caught.value.filename) == str(tmp_path / name)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everything")
def test_a_write_protected_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "old"
    file.write_bytes(b"old")
    file.chmod(0o444)
    with pytest.raises(PermissionError):
        files.write_file(file, b"new")
    assert file.read_bytes() == b"old"


# -- every writer, on a full disk

SETUP = """
import sys, os, resource
from pathlib import Path
import mtasts_nb as sts
from mtasts_nb.bundled import sample_dir
folder = Path(sys.argv[1])
"""
WRITERS = {
    "save": (
        "seen = sts.load_probe(sys.argv[2])\n",
        "seen.save(folder / 'probe.json')",
        ["probe.json"],
    ),
    "to_csv": (
        "archive = sts.load(sample_dir(), progress=False)\n",
        "archive.to_csv(folder)",
        [f"{name}.csv" for name in ("inputs", "reports", "sessions", "failures", "deviations", "rejects")],
    ),
    "to_parquet": (
        "archive = sts.load(sample_dir(), progress=False)\n",
        "archive.to_parquet(folder)",
        [f"{name}.parquet" for name in ("inputs", "reports", "sessions", "failures", "deviations", "rejects")],
    ),
    "consultation": (
        """
from mtasts_nb.diagnosis import Walk, WalkEvidence
from mtasts_nb.widgets._flowchart_session import FlowchartSession
session = FlowchartSession(Walk('report', WalkEvidence(result_type='tlsa-invalid')))
""",
        "session.export(str(folder / 'walk'))",
        ["walk.html", "walk.json"],
    ),
    "page": (
        "from mtasts_nb.publish._publish import _write\n",
        "_write(folder / 'page.html', 'x' * 400_000)",
        ["page.html"],
    ),
    "notebooks": (
        "from mtasts_nb.cli import main\n",
        "status = main(['notebooks', '--force', str(folder)])\nif status: raise SystemExit(status)",
        ["00_start_here.ipynb"],
    ),
}  # fmt: skip
#: The size that no file may exceed from here on: the system's answer to a write beyond it is an error, as on a full disk.
FULL = "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\n"


@posix
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_costs_no_old_file_and_leaves_no_draft(tmp_path: Path, look: Callable[..., object], writer) -> None:
    prepare, write, names = WRITERS[writer]
    snapshot = tmp_path / "snapshot.json"
    look().save(snapshot)  # type: ignore[attr-defined]
    folder = tmp_path / "out"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"old and good")
    before = _contents(folder)
    command = [sys.executable, "-c", SETUP + prepare + FULL + write, str(folder), str(snapshot)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode in (1, 2)
    assert "File too large" in ended.stderr
    after = _contents(folder)
    if writer == "notebooks":  # yours is beside it, as without an error
        after = {name.removesuffix(".mine"): content for name, content in after.items() if name.endswith(".mine")}
    assert after == before


@posix
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """A file system of 64 kB, where this user may mount one."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)]
    try:
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small file system is not allowed here")
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    try:
        files.write_file(mounted / "old", b"old" * 10_000)
        with pytest.raises(OSError, match="No space left") as caught:
            files.write_file(mounted / "old", b"new" * 20_000)
        assert caught.value.filename == str(mounted / "old")
        assert _contents(mounted) == {"old": b"old" * 10_000}
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


# -- ended from outside

#: Writes one of two contents in turn, for ever; says so after each.
FOR_EVER = """
import sys
from mtasts_nb.files import write_file
contents = [bytes([letter]) * 300_000 for letter in b"ab"]
while True:
    for content in contents:
        write_file(sys.argv[1], content)
        print(flush=True)
"""


@posix
def test_kill_9_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    whole = {bytes([letter]) * 300_000 for letter in b"ab"}
    file = tmp_path / "file"
    moments = random.Random(9)
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", FOR_EVER, str(file)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(moments.randrange(1, 20)):
                process.stdout.readline()
            process.kill()
        assert file.read_bytes() in whole


@posix
@pytest.mark.parametrize("call", ["os.open", "os.fsync", "pathlib.Path.replace", "pathlib.Path.unlink"])
def test_kill_9_at_each_step_leaves_the_old_or_the_new(tmp_path: Path, call: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    code = (
        f"import os, pathlib, sys\nfrom mtasts_nb.files import write_file\n"
        f"{call} = lambda *_, **__: os.kill(os.getpid(), 9)\nwrite_file(sys.argv[1], b'new')"
    )
    assert subprocess.run([sys.executable, "-c", code, str(file)], check=False).returncode == -9
    assert file.read_bytes() == (b"new" if call.endswith("unlink") else b"old")


WAITS = """
import os, sys, threading
from mtasts_nb.files import private_folder, replacing
with private_folder() as outer, private_folder() as inner, replacing(sys.argv[1]) as stream:
    (inner / "deep").mkdir()
    stream.write(b"half")
    print(outer, inner, sep="\\n", flush=True)
    threading.Event().wait()
"""


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_takes_temporary_folders_and_drafts_with_it(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    command = [sys.executable, "-c", WAITS, str(tmp_path / "file")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folders = [Path(process.stdout.readline().strip()) for _ in range(2)]
        assert all(folder.is_dir() for folder in folders)
        process.send_signal(number)
        try:
            process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == -number, "it ends as the signal ends any process"
    assert not any(folder.exists() for folder in folders)
    assert list(tmp_path.iterdir()) == []


@posix
def test_what_else_handles_signals_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's own handler, and `nohup`, which ignores SIGHUP."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with files.private_folder() as folder:
            os.kill(os.getpid(), signal.SIGTERM)
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
            assert folder.is_dir()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert signal.getsignal(signal.SIGTERM) is before


# -- every reader of a side input


def _validated(path: Path) -> None:
    if main(["validate", "--policy", str(path)]) == 2:
        raise MtaStsNbError


READERS: dict[str, Callable[[Path], object]] = {
    "events": load_events,
    "snapshot": load_probe,
    "policy file": _validated,
    "notebook": lambda path: find_notebook(path),
    "trusted roots": lambda path: probe("nordwind.example", ProbeSettings(trust_roots=path)),
}


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # a path of a socket is short


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk


@posix
@pytest.mark.parametrize("make", [_fifo, _socket, _endless, Path.mkdir, _huge, lambda path: None])
@pytest.mark.parametrize("reader", READERS)
def test_a_side_input_is_a_file_of_reasonable_size(tmp_path: Path, reader: str, make, monkeypatch) -> None:
    """Refused at once with a reason; a FIFO would block, a device never ends, a huge file fills the memory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "input.ipynb"
    make(path)
    with pytest.raises((MtaStsNbError, OSError)):
        READERS[reader](path)


# -- nothing is read that can run code


def test_nothing_of_ours_unpickles() -> None:
    """A pickle runs what its writer wants; so do shelves, marshalled code and joblib's files."""
    package = Path(files.__file__).parent
    text = "".join(file.read_text(encoding="utf-8") for file in package.rglob("*.py"))
    assert not re.search(r"\b(pickle|shelve|marshal|dill|joblib|allow_pickle|read_pickle|to_pickle)\b", text)
    assert not re.search(r"\bProcessPoolExecutor\b|\bmultiprocessing\b", text), "a process pool sends pickles"
