"""Mail servers that lie, stall, or try to get the password: nothing hangs, nothing is lost silently, nothing leaks."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path

import pandas as pd
import pytest

import mtasts_nb as sts
from mtasts_nb.errors import SourceError
from mtasts_nb.publish._redact_data import names_in, redacted_archive
from mtasts_nb.publish._redact_names import Pseudonyms, key_of
from tests.archive_of import report_of
from tests.reports.remote.fake import Behaviour, Fake, Talk, asked, fake

PASSWORD = "Tr0ub4dor-für-3"
QUICK = sts.Limits(network_seconds=0.4)


def mail(day: int, size: int = 0) -> bytes:
    body = base64.encodebytes(report_of(day, "Reporter", 10, {"certificate-expired": 2}))
    head = b"Subject: Report\nMIME-Version: 1.0\nContent-Type: application/tlsrpt+json\nContent-Transfer-Encoding: base64\n\n"
    return (head + body + b"\n" * size).replace(b"\n", b"\r\n")


MAILS = {uid: mail(uid) for uid in (1, 2, 3, 5, 8)}


def box(server: Fake, **options: object) -> sts.Mailbox:
    return sts.Mailbox(server.url, **{"password": PASSWORD, "trust_roots": server.roots, **options})  # type: ignore[arg-type]


def load(server: Fake, limits: sts.Limits = QUICK, **options: object) -> sts.Archive:
    return sts.load(box(server, **options), progress=False, limits=limits)


def outcomes(archive: sts.Archive) -> dict[str, str]:
    """The outcome of each message, by its UID; of the mailbox itself, under an empty name."""
    return {str(row.source).partition("#")[2]: str(row.outcome) for row in archive.inputs.itertuples()}


def reasons(archive: sts.Archive) -> str:
    return " | ".join(archive.rejects["detail"])


def test_each_message_is_a_source_and_only_reading_commands_are_sent(tmp_path: Path) -> None:
    with fake(tmp_path, MAILS) as server:
        archive = load(server)
    assert list(archive.reports["source"]) == [f"{box(server).name}#{uid}" for uid in MAILS]
    commands = {b" ".join(line.split()[1 : 3 if b"UID" in line else 2]) for line, _ in server.lines}
    # XOAUTH2 and passwords beyond ASCII go by AUTHENTICATE, whose second line is no command.
    assert {b"CAPABILITY", b"EXAMINE", b"UID FETCH", b"LOGOUT"} <= commands
    assert not commands & {b"SELECT", b"STORE", b"UID STORE", b"UID MOVE", b"UID COPY", b"EXPUNGE", b"CLOSE", b"APPEND"}
    assert all(b"BODY.PEEK[]" in line for line, _ in server.lines if b"BODY" in line)
    assert all(secure for _, secure in server.lines)


def announce_too_much(talk: Talk, tag: bytes, arguments: bytes) -> bool:
    if 3 not in asked(arguments):
        return False
    talk.send(b"* 1 FETCH (UID 3 BODY[] {99999999999}\r\n" + b"x" * 5000)
    talk.stop_until_closed()
    return True


def say_nothing(talk: Talk, tag: bytes, arguments: bytes) -> bool:
    talk.stop_until_closed()
    return True


def say_nothing_about_3(talk: Talk, tag: bytes, arguments: bytes) -> bool:
    return 3 in asked(arguments) and say_nothing(talk, tag, arguments)


def drip(talk: Talk, tag: bytes, arguments: bytes) -> bool:
    """One byte after another, each in time, and never an end."""
    if 3 not in asked(arguments):
        return False
    talk.send(b"* 1 FETCH (UID 3 BODY[] {400}\r\n")
    talk.sock.settimeout(0.05)
    while True:
        talk.send(b"x")
        try:
            if not talk.sock.recv(1):
                return True
        except TimeoutError:
            continue


def flood(talk: Talk, tag: bytes, arguments: bytes) -> bool:
    if 3 not in asked(arguments):
        return False
    for _ in range(400):
        talk.send(b"* OK nothing new\r\n" * 1000)
    return False


def break_off(talk: Talk, tag: bytes, arguments: bytes) -> bool:
    if 3 in asked(arguments):
        talk.sock.close()
        raise OSError
    return False


def refuse(talk: Talk, tag: bytes, arguments: bytes) -> bool:
    if 3 in asked(arguments):
        talk.send(tag + b" NO [SERVERBUG] message is damaged\r\n")
        return True
    return False


def leave_out(talk: Talk, tag: bytes, arguments: bytes) -> bool:
    """Send another message twice, and one that nobody asked for, instead of message 3."""
    for uid in asked(arguments):
        wrong = mail(90) if uid == 3 else MAILS[uid]
        talk.send(b"* 1 FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (4 if uid == 3 else uid, len(wrong), wrong))
    talk.send(b"* 1 FETCH (UID 5 BODY[] {%d}\r\n%b)\r\n" % (len(mail(91)), mail(91)))
    talk.send(tag + b" OK done\r\n")
    return True


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (announce_too_much, "announced 99999999999 bytes"),
        (say_nothing_about_3, "no complete answer within 0.4 s"),
        (drip, "no complete answer within 0.4 s"),
        (flood, "more than is expected|no complete answer"),
        (break_off, "closed the connection"),
        (refuse, "answers FETCH with NO"),
        (leave_out, "did not send it"),
    ],
)
def test_a_message_that_cannot_be_fetched_costs_no_other(tmp_path: Path, behaviour: Behaviour, why: str) -> None:
    state = tmp_path / "state.json"
    with fake(tmp_path, MAILS, {"UID FETCH BODY": behaviour}) as server:
        archive = load(server, state=state)
    assert outcomes(archive) == {uid: "rejected" if uid == "3" else "loaded" for uid in ("1", "2", "3", "5", "8")}
    assert re.search(why, reasons(archive))
    # It is read again next time.
    assert json.loads(state.read_text())["mailboxes"][box(server).name] == {"uidvalidity": 7, "uids": "1:2,5,8"}


def test_a_server_that_stalls_each_time_is_given_up(tmp_path: Path) -> None:
    began = time.monotonic()
    with fake(tmp_path, {uid: mail(uid) for uid in range(1, 120)}, {"UID FETCH BODY": say_nothing}) as server:
        archive = load(server, sts.Limits(network_seconds=0.2))
    assert time.monotonic() - began < 10
    assert set(archive.inputs["outcome"]) == {"rejected"}
    assert "69 messages not read: the connection failed 3 times in a row" in reasons(archive)
    assert len(archive.inputs) == 50 + 1


@pytest.mark.parametrize("command", ["CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID FETCH SIZE"])
def test_a_server_that_never_answers_is_an_error_before_anything_is_read(tmp_path: Path, command: str) -> None:
    began = time.monotonic()
    with fake(tmp_path, MAILS, {command: say_nothing}) as server, pytest.raises(SourceError, match=r"within 0\.3 s"):
        load(server, sts.Limits(network_seconds=0.3))
    assert time.monotonic() - began < 5


def test_a_large_or_surplus_message_is_rejected_by_its_limit(tmp_path: Path) -> None:
    mails = {**MAILS, 9: mail(9, 40_000)}
    with fake(tmp_path, mails) as server:
        archive = load(server, sts.Limits(input_bytes=20_000))
        fewer = load(server, sts.Limits(members=4))
    assert outcomes(archive)["9"] == "rejected"
    assert "limit is input_bytes=20000" in reasons(archive)
    assert list(outcomes(fewer)) == ["1", "2", "3", "5", ""]
    assert "2 messages not read: the limit is members=4" in reasons(fewer)
    assert not any(b" 9 " in line for line, _ in server.lines)


def test_uids_count_only_under_their_uidvalidity(tmp_path: Path) -> None:
    """RFC 3501 §2.3.1.1."""
    state = tmp_path / "state.json"
    with fake(tmp_path, MAILS, uidvalidity=(7, 7, 7, 8)) as server:
        assert len(load(server, state=state).reports) == 5
        again = load(server, state=state)
        assert list(again.inputs["reason"]) == ["5 messages read before, see the state file"]
        anew = load(server, state=state)
    assert len(anew.reports) == 5
    assert "UIDVALIDITY has changed from 7 to 8" in str(anew.inputs["reason"].dropna().iloc[0])
    assert json.loads(state.read_text())["mailboxes"][box(server).name]["uidvalidity"] == 8


def test_a_folder_made_again_while_it_is_read_gives_no_wrong_message(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with fake(tmp_path, MAILS, uidvalidity=(7, 8)) as server:
        archive = load(server, state=state)
    assert set(archive.inputs["outcome"]) == {"rejected"}
    assert "UIDVALIDITY has changed" in reasons(archive)
    assert json.loads(state.read_text())["mailboxes"][box(server).name]["uids"] == ""


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"capabilities": b"IMAP4rev1"}, "TLS not supported"),
        ({"greeting": b"* PREAUTH welcome\r\n"}, "no connection"),
        (
            {"behaviours": {"STARTTLS": lambda talk, tag, _: talk.send(tag + b" NO not now\r\n") is None}},
            "no connection",
        ),
        ({"greeting": b"* OK ready\r\n* OK x\r\n"}, None),
    ],
)
def test_without_tls_nothing_is_sent(tmp_path: Path, options: dict[str, object], why: str | None) -> None:
    with fake(tmp_path, MAILS, implicit=False, **options) as server:  # type: ignore[arg-type]
        if why is None:
            assert len(load(server).reports) == 5
        else:
            with pytest.raises(SourceError, match=why):
                load(server)
    # AUTHENTICATE is answered by the password in the next line.
    assert all(secure for line, secure in server.lines if b"CAPABILITY" not in line and b"STARTTLS" not in line)
    assert not any(b"LOGIN" in line or b"AUTHENTICATE" in line for line, secure in server.lines if not secure)


def test_what_is_sent_before_tls_is_not_taken_for_its_content(tmp_path: Path) -> None:
    def inject(talk: Talk, tag: bytes, arguments: bytes) -> bool:
        talk.send(tag + b" OK begin\r\n* CAPABILITY IMAP4rev1 INJECTED\r\n")
        talk.file.close()
        talk.sock = server.context.wrap_socket(talk.sock, server_side=True)
        talk.file, talk.secure = talk.sock.makefile("rb"), True
        return True

    with (
        fake(tmp_path, MAILS, {"STARTTLS": inject}, implicit=False) as server,
        pytest.raises(SourceError, match="before TLS began"),
    ):
        load(server)
    assert not any(b"AUTHENTICATE" in line for line, _ in server.lines)


def test_a_wrong_certificate_is_refused_before_the_password(tmp_path: Path) -> None:
    with fake(tmp_path, MAILS) as server:
        with pytest.raises(SourceError, match="certificate is not valid"):
            load(server, trust_roots=None)
        other = sts.Mailbox(server.url.replace("localhost", "127.0.0.1"), password=PASSWORD, trust_roots=server.roots)
        with pytest.raises(SourceError, match="certificate is not valid"):
            sts.load(other)
    assert server.lines == []


FORMS = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode()), repr(PASSWORD.encode())[2:-1].encode()]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command", ["AUTHENTICATE", "EXAMINE", "UID FETCH SIZE", "UID FETCH BODY"])
def test_a_server_that_repeats_the_password_does_not_get_it_shown(tmp_path: Path, command: str, form: bytes) -> None:
    def repeat(talk: Talk, tag: bytes, arguments: bytes) -> bool:
        talk.send(b"* BYE " + form + b"\r\n" if "FETCH" in command else tag + b" NO " + form + b"\r\n")
        return True

    with fake(tmp_path, MAILS, {command: repeat}) as server:
        try:
            archive = load(server)
        except SourceError as error:
            text = f"{error} {error.__cause__}"
        else:
            text = "".join(frame.to_csv() for frame in (archive.inputs, archive.rejects)) + repr(archive)
    for shown in (PASSWORD, *(each.decode() for each in FORMS)):
        assert shown not in text


def test_a_token_is_sent_by_xoauth2(tmp_path: Path) -> None:
    with fake(tmp_path, MAILS) as server:
        assert len(load(server, password=None, token="ya29.token").reports) == 5
    sent = [line for line, _ in server.lines if line.startswith(b"dXNl")]
    assert base64.b64decode(sent[0]) == b"user=reports\x01auth=Bearer ya29.token\x01\x01"
    assert any(b"AUTHENTICATE XOAUTH2" in line for line, _ in server.lines)


def test_a_list_of_messages_that_is_no_list_gives_no_message(tmp_path: Path) -> None:
    def nonsense(talk: Talk, tag: bytes, arguments: bytes) -> bool:
        talk.send(b"* 1 FETCH (UID 99999999999999 RFC822.SIZE x)\r\n* 2 FETCH (\xff\x00)\r\n* 3 EXPUNGE\r\n")
        talk.send(tag + b" OK done\r\n")
        return True

    with fake(tmp_path, MAILS, {"UID FETCH SIZE": nonsense}) as server, pytest.raises(SourceError, match="no message"):
        load(server)


def test_an_archive_of_a_mailbox_has_the_columns_of_any_other(tmp_path: Path) -> None:
    with fake(tmp_path, MAILS) as server:
        archive = load(server)
    files = sts.load(*MAILS.values(), progress=False)
    pd.testing.assert_frame_equal(archive.sessions, files.sessions)
    pd.testing.assert_frame_equal(archive.failures, files.failures)


def test_a_redacted_archive_has_no_name_of_the_mailbox(tmp_path: Path) -> None:
    with fake(tmp_path, {**MAILS, 9: b"Subject: lunch\r\n\r\nAt noon?\r\n"}, {"UID FETCH BODY": refuse}) as server:
        server.url = server.url.replace("reports@", "secretary@")
        archive = load(server)
    assert "secretary" in archive.inputs.to_csv()
    clean = redacted_archive(archive, Pseudonyms(key_of(True), None, names_in(archive)))  # noqa: FBT003
    text = "".join(getattr(clean, name).to_csv() for name in ("inputs", "reports", "rejects", "deviations")) + str(
        clean.sources
    )
    assert "secretary" not in text
    assert "localhost" not in text
