"""`mtasts-nb ingest`: TLS reports into a store, each once."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from ..errors import StoreError
from ..markup import number, one_line
from ..render import Document, Section, Terms, document
from ._parser import add_command
from ._say import show, show_json
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = f"""\
Add TLS reports to a store, each once, and print what was added. A store takes the place of a folder of reports where there
are too many for memory. It needs the extra: pip install "mtasts-nb[scale]".

{SOURCES}

examples:
  mtasts-nb ingest reports/ --store /srv/tls
  mtasts-nb ingest reports/ --store s3://bucket/tls --scheduler tcp://10.0.0.5:8786"""
_EPILOG = """\
exit status:
  0  every input was read, or holds no report
  1  some inputs were rejected; the rest was added
  2  nothing could be read, or the store could not be written: what was added before is unchanged"""
_CONNECT_SECONDS: Final = 10
_LABELS: Final = {
    "added": "Reports added",
    "known": "Reports that were there already",
    "skipped": "Inputs without a report",
    "rejected": "Inputs rejected",
}


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "ingest",
        summary="add TLS reports to a store",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print the counts as JSON",
    )
    parser.add_argument("sources", metavar="SOURCES", nargs="+", help="where the reports are")
    parser.add_argument(
        "--store", metavar="URI", required=True, help="a folder, made if need be, or s3://, gs://, az://"
    )
    parser.add_argument("--scheduler", metavar="ADDR", help="address of a Dask scheduler, whose workers do it")
    add_mailbox_options(parser, state=True)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ingest and print; return the exit status."""
    from ..store import ingest

    with ExitStack() as stack:
        client = _client(arguments.scheduler, stack) if arguments.scheduler else None
        store = ingest(*sources_of(arguments), store=arguments.store, client=client)
    if arguments.json:
        show_json({"store": store.uri, "version": store.version, **{name: store.outcomes[name] for name in _LABELS}})
    else:
        counts = [(label, number(store.outcomes[name])) for name, label in _LABELS.items()]
        show(Document((Section("Ingest", (Terms(counts),)),)), document(store))
    return int(store.outcomes["rejected"] > 0)


def _client(address: str, stack: ExitStack) -> Any:
    try:
        import distributed
    except ImportError as error:
        raise StoreError('--scheduler needs the package distributed: pip install "mtasts-nb[scale]"') from error
    try:
        connect: Any = distributed.Client
        return stack.enter_context(connect(address, timeout=_CONNECT_SECONDS))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"No Dask scheduler answers at {one_line(address)}: {one_line(error, 200)}. Check the address, for example "
            "tcp://10.0.0.5:8786, or leave --scheduler out."
        ) from error
