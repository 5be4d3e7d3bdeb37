"""A mailbox on a real Dovecot, and what the address, the password and the state file may be."""

from __future__ import annotations

import base64
import getpass
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

import mtasts_nb as sts
from mtasts_nb.cli import main
from mtasts_nb.errors import SourceError
from mtasts_nb.reports.ingest.remote._state import ReadUids, read_state, write_state
from tests.archive_of import report_of
from tests.reports.remote.dovecot import PASSWORD, USER, Dovecot, dovecot


def mail(day: int, reporter: str = "Reporter") -> bytes:
    body = base64.encodebytes(report_of(day, reporter, 10, {"certificate-expired": 2})).decode()
    return (
        "From: tls@reporter.example\nTLS-Report-Domain: nordwind.example\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=tlsrpt; boundary="b"\n\n--b\n\nA report.\n--b\n'
        f"Content-Type: application/tlsrpt+json\nContent-Transfer-Encoding: base64\n\n{body}\n--b--\n"
    ).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        running.put(mail(1), mail(2), b"Subject: lunch\n\nAt noon?\n")
        running.put(*(mail(day, "Other") for day in range(60)), folder="TLS reports")
        yield running


@pytest.fixture(autouse=True)
def no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MTASTS_NB_IMAP_PASSWORD", "MTASTS_NB_IMAP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_a_mailbox_is_read_and_left_as_it_was(server: Dovecot, scheme: str) -> None:
    before = server.files()
    box = sts.Mailbox(server.url(scheme=scheme), password=PASSWORD, trust_roots=server.roots)
    archive = sts.load(box, progress=False)
    assert list(archive.inputs["outcome"]) == ["loaded", "loaded", "skipped"]
    assert list(archive.inputs["source"]) == [f"{server.url(scheme=scheme)}#{uid}" for uid in (1, 2, 3)]
    assert archive.sources == (box.name,)
    assert server.files() == before  # not seen, not moved, not deleted


def test_a_folder_of_another_name_with_more_messages_than_one_command_fetches(server: Dovecot) -> None:
    box = sts.Mailbox(server.url("TLS%20reports"), password=PASSWORD, trust_roots=server.roots)
    assert len(sts.load(box, progress=False).reports) == 60


def test_only_new_messages_are_read_with_a_state_file(server: Dovecot, tmp_path: Path) -> None:
    server.put(mail(10), folder="New")
    state = tmp_path / "state.json"

    def loaded() -> int:
        box = sts.Mailbox(server.url("New"), password=PASSWORD, trust_roots=server.roots, state=state)
        return len(sts.load(box, progress=False).reports)

    assert (loaded(), loaded()) == (1, 0)
    server.put(mail(11), mail(12), folder="New")
    assert (loaded(), loaded()) == (2, 0)
    assert PASSWORD not in state.read_text()


def test_a_mailbox_in_one_command_to_a_page(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MTASTS_NB_IMAP_PASSWORD", PASSWORD)
    page, notebook = tmp_path / "report.html", tmp_path / "own.ipynb"
    cells = [
        nbformat.v4.new_code_cell(text)
        for text in ("sources = []", "import mtasts_nb as sts\narchive = sts.load(*sources)\narchive")
    ]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    options = ["--trust-roots", str(server.roots)]
    assert main(["report", server.url(), "-o", str(page), "--notebook", str(notebook), *options]) == 0
    html = page.read_text()
    assert "INBOX#1" in html
    assert "2 loaded, 1 skipped" in html
    assert "geheim" not in html
    assert base64.b64encode(PASSWORD.encode()).decode() not in html
    state = tmp_path / "state.json"
    assert main(["load", server.url(), "--state", str(state), *options]) == 0
    assert main(["load", server.url(), "--state", str(state), *options]) == 2
    assert "3 messages read before" in capsys.readouterr().err


def test_a_wrong_password_and_a_missing_folder_are_errors_that_say_so(server: Dovecot) -> None:
    with pytest.raises(SourceError, match="user name or password is wrong") as error:
        sts.load(sts.Mailbox(server.url(), password="hunter2-wrong", trust_roots=server.roots))
    assert "hunter2" not in str(error.value)
    with pytest.raises(SourceError, match="no folder 'Nowhere'"):
        sts.load(sts.Mailbox(server.url("Nowhere"), password=PASSWORD, trust_roots=server.roots))
    with pytest.raises(SourceError, match="certificate is not valid"):
        sts.load(sts.Mailbox(server.url(), password=PASSWORD))


# -- the address


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("imaps://reports@mail.nordwind.example", "imaps://reports@mail.nordwind.example/INBOX"),
        ("IMAPS://reports@mail.nordwind.example/", "imaps://reports@mail.nordwind.example/INBOX"),
        ("imaps://a@b.example@mail.nordwind.example:993/TLS", "imaps://a@b.example@mail.nordwind.example/TLS"),
        (
            "imap://a%40b.example@mail.nordwind.example:1143/A/B c",
            "imap://a@b.example@mail.nordwind.example:1143/A/B%20c",
        ),
        ("imaps://r@[2001:db8::1]/Grün", "imaps://r@[2001:db8::1]/Gr%C3%BCn"),
    ],
)
def test_an_address_is_shown_complete(url: str, name: str) -> None:
    assert sts.Mailbox(url).name == name
    assert sts.Mailbox(name).name == name


@pytest.mark.parametrize(
    "url",
    [
        "imaps://mail.nordwind.example/INBOX",
        "imaps://reports@",
        "imaps://reports:hunter2@mail.nordwind.example/INBOX",
        "imaps://reports:hun@ter2@mail.nordwind.example/INBOX",
        "imaps://reports:hunter2@mail.nordwind.example:port/INBOX",
        "imaps://reports@mail.nordwind.example:hunter2/INBOX",
        "imaps://reports@mail.nordwind.example/INBOX#7",
        "imaps://reports@mail.nordwind.example/IN%0D%0ABOX",
        "s3://bucket",
    ],
)
def test_an_address_that_is_none_or_has_a_password_is_an_error_without_it(url: str) -> None:
    with pytest.raises(SourceError) as error:
        sts.load(url) if url.startswith("imap") else sts.Mailbox(url)
    assert "hunter2" not in str(error.value)
    assert "ter2" not in str(error.value)


def test_the_password_is_in_no_text_of_a_mailbox() -> None:
    box = sts.Mailbox("imaps://r@mail.nordwind.example", password="hunter2", token="ya29")
    assert "hunter2" not in f"{box!r} {box} {box.secret()!r}"
    assert "ya29" not in f"{box!r} {box} {box.secret()!r}"


# -- the password


def test_the_password_comes_from_the_first_place_that_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "imaps://r@mail.nordwind.example"
    asked = []

    def get_password(service: str, account: str) -> str:
        asked.append((service, account))
        return "of the keyring"

    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # another test of this worker may have run a notebook
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match=r"no password\. Set MTASTS_NB_IMAP_PASSWORD"):
        sts.Mailbox(url).secret()
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(getpass, "getpass", lambda prompt: f"typed at {prompt!r}")
    assert sts.Mailbox(url).secret().text == "typed at 'Password of imaps://r@mail.nordwind.example/INBOX: '"
    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_password=get_password))
    assert sts.Mailbox(url).secret().text == "of the keyring"
    assert asked == [("mtasts-nb", "r@mail.nordwind.example")]
    monkeypatch.setenv("MTASTS_NB_IMAP_PASSWORD", "of the environment")
    assert tuple(sts.Mailbox(url).secret()) == ("of the environment", False)
    monkeypatch.setenv("MTASTS_NB_IMAP_TOKEN", "token")
    assert tuple(sts.Mailbox(url).secret()) == ("token", True)
    assert tuple(sts.Mailbox(url, password="given").secret()) == ("given", False)
    with pytest.raises(SourceError, match="line break") as error:
        sts.Mailbox(url, password="hunter2\r\nA1 DELETE INBOX").secret()
    assert "hunter2" not in str(error.value)


# -- the state file


@pytest.mark.parametrize("uids", [set(), {1}, {1, 2, 3, 7, 9, 10}, {2**32 - 1}])
def test_a_state_comes_back_as_it_was_written(tmp_path: Path, uids: set[int]) -> None:
    path = tmp_path / "state.json"
    write_state(path, "other", ReadUids(4, {9}))
    write_state(path, USER, ReadUids(2**32 - 1, uids))
    assert read_state(path, USER) == ReadUids(2**32 - 1, frozenset(uids))
    assert read_state(path, "other") == ReadUids(4, frozenset({9}))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"format": "mtasts-nb mailbox state 1"}',
        *(
            json.dumps({"format": "mtasts-nb mailbox state 1", "mailboxes": {USER: entry}}).encode()
            for entry in ([], {"uids": "a"}, {"uids": "9:1"}, {"uids": "1:99999999999"}, {"uids": "0"}, {"uidvalidity": "x"})
        ),
    ],
)  # fmt: skip
def test_a_damaged_state_file_is_an_error_and_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="not the state of a mailbox"):
        read_state(path, USER)
    assert path.read_bytes() == content
