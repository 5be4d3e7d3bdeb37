"""Sources on the command line: what they may be, and the options of a mailbox."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..reports import Mailbox

__all__ = ["SOURCES", "add_mailbox_options", "sources_of"]

#: For the help text of each command that takes sources.
SOURCES = """\
SOURCES are files, folders of any depth, or patterns: JSON, gzip, zip, tar, mails, mbox, Maildir, in one another. A mailbox
is imaps://user@host/Folder; its password is asked for, or taken from MTASTS_NB_IMAP_PASSWORD, MTASTS_NB_IMAP_TOKEN or the
system's keyring; nothing in it is changed. A bucket is s3://bucket/prefix, gs://… or az://…."""


def add_mailbox_options(parser: argparse.ArgumentParser, *, state: bool = False) -> None:
    """Add the options that concern mailboxes; with `state`, the one that makes a command read only new messages."""
    group = parser.add_argument_group("mailboxes")
    parser.set_defaults(state=None)
    if state:
        group.add_argument(
            "--state", metavar="FILE", type=Path, help="remember there which messages were read, and read only others"
        )
    group.add_argument(
        "--trust-roots", metavar="PEM", type=Path, help="trust these roots instead of the bundled ones of Mozilla"
    )


def sources_of(arguments: argparse.Namespace) -> list[str | Mailbox]:
    """Return the sources; a mailbox with its options."""
    from ..reports import Mailbox, is_remote

    return [
        Mailbox(source, state=arguments.state, trust_roots=arguments.trust_roots)
        if is_remote(source) and source[:4].lower() == "imap"
        else source
        for source in arguments.sources
    ]
