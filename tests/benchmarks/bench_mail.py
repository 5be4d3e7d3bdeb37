"""Loading report mails, as .eml files and as an mbox, against parsedmarc and the standard library's parser alone."""

from __future__ import annotations

import email
import email.policy
import mailbox
from collections.abc import Callable, Iterator
from pathlib import Path

from mtasts_nb.reports import load

from .archives import mails, mbox
from .setting import Figure, Setting, interleaved, timed

COUNT = 1_000


def _load(path: Path) -> float:
    def run() -> None:
        assert len(load(path, progress=False).reports) == COUNT

    return timed(run)


def _parsed(path: Path, policy: email.policy.Policy) -> float:
    def run() -> None:
        for file in sorted(path.iterdir()):
            message = email.message_from_bytes(file.read_bytes(), policy=policy)  # type: ignore[arg-type]
            assert [part.get_payload(decode=True) for part in message.walk()][-1]

    return timed(run)


def _parsed_mbox(path: Path) -> float:
    def run() -> None:
        box = mailbox.mbox(path)
        assert all([part.get_payload(decode=True) for part in message.walk()][-1] for message in box)
        box.close()

    return timed(run)


def measure(setting: Setting) -> Iterator[Figure]:
    """Yield the figures."""
    folder, box = mails(setting.folder / "mails", COUNT), mbox(setting.folder / "box", COUNT)
    for form, path, task in ((".eml", folder, "parsedmarc files"), ("mbox", box, "parsedmarc mbox")):
        runs: dict[str, Callable[[], float]] = {"load": lambda path=path: _load(path)}
        if form == ".eml":
            runs["compat32"] = lambda path=path: _parsed(path, email.policy.compat32)
            runs["default"] = lambda path=path: _parsed(path, email.policy.default)
        else:
            runs["mailbox"] = lambda path=path: _parsed_mbox(path)
        peer = setting.peer
        if peer is not None:
            runs["parsedmarc"] = lambda path=path, task=task, peer=peer: peer.seconds(task, path)
        best = interleaved(runs, rounds=3)
        beside = ", ".join(f"{name} {seconds * 1e6 / COUNT:.0f} µs" for name, seconds in best.items()) + " a mail"
        if "parsedmarc" in best:
            name = f"load report mails, {form}, faster than parsedmarc"
            yield Figure(name, best["parsedmarc"] / best["load"], "×", 5, at_least=True, beside=beside)
        else:
            yield Figure(f"load report mails, {form}", best["load"], "s", beside=f"{beside}; no peers: not run")
