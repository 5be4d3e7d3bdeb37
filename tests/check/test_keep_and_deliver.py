"""The state file, the webhook and the mail: versioned, bounded, and no secret in an error."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mtasts_nb.check import Kind, Known, KnownPolicy, Problem, State, load_state, post, save_state, send_mail
from mtasts_nb.errors import DeliveryError, StateError
from mtasts_nb.vocabulary import Level

DAY = date(2026, 9, 1)
STATE = State(
    known=(Known(problem=Problem(kind=Kind.INCIDENT, level=Level.ACT_NOW, marks=("a", "b"), first=DAY, last=DAY), announced=True),),
    policies=(KnownPolicy(domain="nordwind.example", day=DAY, mode="enforce", max_age=86400, mx=("mx1",), announced=(("testing", None, ()),)),),
)  # fmt: skip


def test_a_state_is_read_as_it_was_written(tmp_path) -> None:
    file = save_state(STATE, tmp_path / "state.json")
    assert load_state(file) == STATE
    assert json.loads(file.read_text())["schema"] == "mtasts-nb check 1"
    assert load_state(tmp_path / "none.json") == State()


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b'{"schema": "mtasts-nb check 2", "state": {}}', "'mtasts-nb check 2', expected 'mtasts-nb check 1'"),
        (b'{"state": {}}', "expected 'mtasts-nb check 1'"),
        (b"not json", "is damaged"),
        (b'{"schema": "mtasts-nb check 1", "state": {"known": 7}}', "is damaged"),
        (b'{"schema": "mtasts-nb check 1"}', "is damaged"),
        (b"", "is damaged"),
        (b"[" * 100_000, "damaged"),
    ],
)
def test_a_state_that_cannot_be_used_is_an_error_and_stays(content, shown, tmp_path) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(content)
    with pytest.raises(StateError, match=r"state\.json") as caught:
        load_state(file)
    assert shown in str(caught.value)
    assert file.read_bytes() == content
    with pytest.raises(StateError, match="folder"):
        load_state(tmp_path)


@contextmanager
def _server(status: int, *, slow: threading.Event | None = None) -> Iterator[tuple[str, list[dict]]]:
    received: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if slow is not None:
                slow.wait(20)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-path?token=secret", received
    finally:
        if slow is not None:
            slow.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_webhook_gets_the_news() -> None:
    with _server(204) as (url, received):
        post(url, {"text": "é"})
    assert received == [{"text": "é"}]


@pytest.mark.parametrize(("status", "shown"), [(302, "it answered 302"), (500, "it answered 500"), (403, "403")])
def test_a_webhook_that_refuses(status, shown) -> None:
    with _server(status) as (url, received), pytest.raises(DeliveryError, match=shown) as caught:
        post(url, {})
    assert "secret" not in str(caught.value)
    assert len(received) == 1, "no redirect is followed"


def test_a_webhook_that_does_not_answer_in_time() -> None:
    with _server(204, slow=threading.Event()) as (url, _), pytest.raises(DeliveryError) as caught:
        post(url, {}, timeout=0.2)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://chat.example/secret",
        "http://127.0.0.1.example/secret",
        "ftp://chat.example/secret",
        "https:///secret",
        "https://chat.example:secret/",
        "//chat.example/secret",
        "http://[::1/secret",
        "secret",
        "http://127.0.0.1:1/secret",
    ],
)
def test_a_webhook_that_is_not_safe_or_not_there(url) -> None:
    with pytest.raises(DeliveryError) as caught:
        post(url, {})
    assert "secret" not in str(caught.value)


def _sendmail(tmp_path: Path, body: str) -> str:
    program = tmp_path / "sendmail"
    program.write_text(f"#!{sys.executable}\nimport sys, pathlib\n{body}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.skipif(sys.platform == "win32", reason="sendmail is of POSIX systems")
def test_mail_by_sendmail(tmp_path) -> None:
    out = tmp_path / "out"
    program = _sendmail(tmp_path, f"pathlib.Path({str(out)!r}).write_text(repr(sys.argv[1:]) + sys.stdin.read())")
    send_mail("a@nordwind.example", "x\r\nBcc: b@x.example", "text\n", sender="c@nordwind.example", program=program)
    sent = out.read_text()
    assert sent.startswith("['-i', '-f', 'c@nordwind.example', '--', 'a@nordwind.example']")
    assert "\nSubject: x Bcc: b@x.example\n" in sent
    assert "\nBcc:" not in sent


@pytest.mark.skipif(sys.platform == "win32", reason="sendmail is of POSIX systems")
def test_mail_that_cannot_be_sent(tmp_path) -> None:
    with pytest.raises(DeliveryError, match="failed with status 75: no room"):
        send_mail(
            "a@nordwind.example", "x", "", program=_sendmail(tmp_path, "sys.exit(sys.stderr.write('no room') and 75)")
        )
    with pytest.raises(DeliveryError, match="cannot be run"):
        send_mail("a@nordwind.example", "x", "", program=str(tmp_path / "missing"))
    for address in ("-oQ/tmp@x.example", "nobody", "a@b.example\nBcc: c@d.example"):
        with pytest.raises(DeliveryError, match="is not a mail address"):
            send_mail(address, "x", "", program=str(tmp_path / "missing"))
