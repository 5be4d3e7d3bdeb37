"""A real IMAP server: Dovecot, as a process of this test, with folders, passwords and a certificate of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtasts_nb.lab._tls import Authority
from mtasts_nb.settings import utc_now

USER, PASSWORD = "reports@nordwind.example", 'geheim "ä" \\ 7'

_CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 1
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
ssl = required
ssl_cert = <{base}/server.pem
ssl_key = <{base}/server.pem
mail_location = maildir:{base}/mail/%u
mail_uid = {mail}
mail_gid = {mail_group}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {base}/users
}}
userdb {{
  driver = static
  args = uid={mail} gid={mail_group} home={base}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # Wrong passwords are part of the tests and must not slow down what follows.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


class Dovecot:
    """A server that runs; mails are put into its folders as files."""

    def __init__(self, base: Path, imap: int, imaps: int, owner: tuple[int, int] | None) -> None:
        self.base, self.imap, self.imaps, self._owner = base, imap, imaps, owner
        self.roots = base / "roots.pem"

    def folder(self, name: str = "INBOX") -> Path:
        """Return the Maildir of a folder, made if need be."""
        home = self.base / "mail" / USER
        path = home if name == "INBOX" else home / f".{name}"
        for part in (self.base / "mail", home, path, *(path / sub for sub in ("cur", "new", "tmp"))):
            part.mkdir(exist_ok=True)
            self._own(part)
        return path

    def put(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Deliver mails into a folder."""
        path = self.folder(folder)
        known = len(list((path / "cur").iterdir())) + len(list((path / "new").iterdir()))
        for number, mail in enumerate(mails, known + 1):
            file = path / "tmp" / f"{1_700_000_000 + number}.M{number}P1.nordwind"
            file.write_bytes(mail)
            self._own(file)
            file.rename(path / "new" / file.name)

    def files(self, folder: str = "INBOX") -> list[tuple[str, bytes]]:
        """Return names and contents of all mails: flags are part of a name. A look at a new mail moves it to cur."""
        path = self.folder(folder)
        return sorted(
            (file.name.removesuffix(":2,"), file.read_bytes())
            for sub in ("cur", "new")
            for file in (path / sub).iterdir()
        )

    def url(self, folder: str = "INBOX", scheme: str = "imaps") -> str:
        port = self.imaps if scheme == "imaps" else self.imap
        return f"{scheme}://{USER}@localhost:{port}/{folder}"

    def _own(self, path: Path) -> None:
        if self._owner:
            os.chown(path, *self._owner)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _accounts() -> dict[str, object]:
    """Return who runs what: Dovecot refuses to read mail as root."""
    import grp
    import pwd

    if os.getuid():
        me, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        return {"internal": me, "internal_group": group, "login": me, "mail": os.getuid(), "mail_group": os.getgid()}
    nobody = pwd.getpwnam("nobody")
    return {
        "internal": "dovecot", "internal_group": "dovecot", "login": "dovenull", "mail": nobody.pw_uid,
        "mail_group": nobody.pw_gid,
    }  # fmt: skip


def _is_up(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as client:
            return client.recv(4).startswith(b"* OK")
    except OSError:
        return False


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """Run Dovecot; the test is skipped where it is not installed."""
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None or not Path("/usr/lib/dovecot/imap").exists():
        pytest.skip("no Dovecot is installed (Debian: apt-get install dovecot-imapd)")
    accounts = _accounts()
    imap, imaps = _free_ports()
    with tempfile.TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True) as name:
        base = Path(name)
        base.chmod(0o755)
        owner = None if os.getuid() else (int(str(accounts["mail"])), int(str(accounts["mail_group"])))
        server = Dovecot(base, imap, imaps, owner)
        authority = Authority(utc_now())
        server.roots.write_bytes(authority.root_pem)
        (base / "server.pem").write_bytes(authority.issue("localhost").pem())
        (base / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (base / "users").chmod(0o644)
        (base / "dovecot.conf").write_text(_CONFIG.format(base=base, imap=imap, imaps=imaps, **accounts))
        server.folder()
        process = subprocess.Popen([program, "-F", "-c", str(base / "dovecot.conf")], stderr=subprocess.PIPE)
        try:
            end = time.monotonic() + 20
            while not _is_up(imap):
                if process.poll() is not None or time.monotonic() > end:
                    process.kill()
                    log = base / "log"
                    pytest.fail(
                        f"Dovecot did not start: {process.communicate()[1]!r} {log.read_text() if log.exists() else ''}"
                    )
                time.sleep(0.02)
            yield server
        finally:
            process.terminate()
            process.wait(20)
            if process.stderr:
                process.stderr.close()
