"""News by webhook and by mail: each bounded in time and size, and no secret of theirs in an error."""

from __future__ import annotations

import ipaddress
import json
import shutil
import subprocess
import threading
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ..errors import DeliveryError
from ..markup import one_line

__all__ = ["post", "send_mail"]

#: Seconds until a webhook or sendmail must be done.
_TIMEOUT: Final = 20.0
#: Bytes of one message; chat services accept less.
_LARGEST: Final = 1 << 20
_SENDMAIL: Final = ("/usr/sbin/sendmail", "/usr/lib/sendmail")


def post(url: str, payload: Mapping[str, object], *, timeout: float = _TIMEOUT) -> None:
    """Send JSON to a webhook by POST. No redirect is followed, and no proxy of the environment is used.

    Raises
    ------
    DeliveryError
        The address is neither https nor on loopback, there is no answer in time, or it is not 2xx. The message names the
        host alone: paths and queries of webhooks are secrets.
    """
    import httpx

    host = _checked(url)
    body = json.dumps(payload).encode("ascii")
    if len(body) > _LARGEST:
        raise DeliveryError(f"the news for {host} is larger than {_LARGEST:,} bytes; nothing was sent.")
    outcome: list[str] = []

    def send() -> None:
        try:
            with (
                httpx.Client(trust_env=False, follow_redirects=False, timeout=timeout) as client,
                client.stream("POST", url, content=body, headers={"Content-Type": "application/json"}) as response,
            ):
                outcome.append("" if response.is_success else f"it answered {response.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            # The text of such an error may quote the address.
            outcome.append(type(error).__name__)

    # The time-outs of httpx are for each step: a server that sends one byte at a time would have no end.
    thread = threading.Thread(target=send, name="webhook", daemon=True)
    thread.start()
    thread.join(timeout)
    problem = outcome[0] if outcome else f"no answer within {timeout:g} seconds"
    if problem:
        raise DeliveryError(
            f"the webhook at {host} did not take the news: {problem}. They are announced again next time."
        )


def _checked(url: str) -> str:
    """Return the host of a webhook's address; raise an error that does not quote the rest."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise DeliveryError("the webhook is not an address such as https://chat.example/hook.") from error
    if not host or parts.scheme not in ("https", "http"):
        raise DeliveryError("the webhook is not an address such as https://chat.example/hook.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise DeliveryError(
            f"the webhook at {one_line(host, 80)} is not https: news and its path would be readable on the way."
        )
    return one_line(host, 253)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def send_mail(to: str, subject: str, text: str, *, sender: str = "", program: str | None = None) -> None:
    """Send a mail by the system's sendmail.

    Parameters
    ----------
    to, sender : str
        Addresses; without a sender, sendmail takes the user's.
    subject, text : str
    program : str, optional
        Instead of the sendmail of the system.

    Raises
    ------
    DeliveryError
        There is no sendmail, it fails or takes too long, or an address is none.
    """
    for address in filter(None, (to, sender)):
        if address.startswith("-") or "@" not in address or any(char.isspace() or ord(char) < 33 for char in address):
            raise DeliveryError(f"{one_line(address, 80)!r} is not a mail address.")
    sendmail = program or shutil.which("sendmail") or next((path for path in _SENDMAIL if Path(path).exists()), None)
    if sendmail is None:
        raise DeliveryError("this system has no sendmail. Install a mail server, or name the program with --sendmail.")
    message = EmailMessage()
    message["To"] = to
    if sender:
        message["From"] = sender
    message["Subject"] = one_line(subject, 200)
    # RFC 3834 §5: so that no auto-responder answers.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    try:
        done = subprocess.run(  # noqa: S603 - a program that the user names, no shell
            [sendmail, "-i", *(["-f", sender] if sender else []), "--", to],
            input=message.as_bytes(),
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DeliveryError(f"{one_line(sendmail)} was not done within {_TIMEOUT:g} seconds.") from error
    except OSError as error:
        raise DeliveryError(f"{one_line(sendmail)} cannot be run: {error.strerror or error}.") from error
    if done.returncode:
        what = one_line(done.stderr.decode("utf-8", "replace"), 200)
        raise DeliveryError(f"{one_line(sendmail)} failed with status {done.returncode}{f': {what}' if what else ''}.")
