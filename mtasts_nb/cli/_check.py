"""`mtasts-nb check`: what is new since the last run, for cron and CI."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import MtaStsNbError
from ..files import write_file
from ..markup import plural
from ..render import Document, document, to_text
from ..vocabulary import Level
from ._parser import add_command
from ._probe import add_probe_options, settings_of
from ._say import say, show, show_json
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Sequence

    from ..check import News, State
    from ..probe import Probe
    from ..reports import Stored
    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = f"""\
Read reports, probe domains, or both, and print what is new since the last run: incidents that begin or end, certificates
and TLSA records that are about to break, records and policies that are wrong or do not fit each other, a policy that
changed, a reporter or a domain that has gone silent. Each is announced once; the state file remembers what was.

Give reports of several weeks each time, not only the latest: failures are compared with their own history.

{SOURCES}

examples:
  mtasts-nb check reports/ --domain nordwind.example suedwind.example --state check.json
  mtasts-nb check reports/ --state check.json --mail postmaster@nordwind.example
  mtasts-nb check --store /srv/tls --state check.json
  mtasts-nb check --domain nordwind.example --level watch           in CI, without a state
  mtasts-nb check reports/ --state check.json --prometheus /var/lib/node_exporter/mtasts_nb.prom"""
_EPILOG = """\
The webhook (--webhook, or MTASTS_NB_WEBHOOK) gets {"text": …, "news": […]} by POST; https only, but for loopback.

exit status:
  0  no open problem of the --level or worse
  1  there is at least one, new or not
  2  could not run, or the news could not be sent: they are announced again next time"""
_LEVELS: Final = {"act-now": Level.ACT_NOW, "act-soon": Level.ACT_SOON, "watch": Level.WATCH}
_VERSION: Final = 1


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "check",
        summary="what is new since the last run, for cron and CI",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print news and open problems as JSON",
    )
    parser.add_argument("sources", metavar="SOURCES", nargs="*", help="where the reports are")
    parser.add_argument("--store", metavar="URI", help="read the reports in a store that `mtasts-nb ingest` made")
    parser.add_argument(
        "--domain", dest="domains", metavar="D", nargs="+", action="extend", default=[], help="probe these domains now"
    )
    parser.add_argument("--state", dest="known", metavar="FILE", help="what was announced; made by the first run")
    parser.add_argument("--all", action="store_true", help="print every open problem, not only what is new")
    parser.add_argument(
        "--level", choices=tuple(_LEVELS), default="act-soon", help="exit with 1 from this level on (act-soon)"
    )
    parser.add_argument("--prometheus", metavar="FILE", help="write metrics there, for a textfile collector")
    parser.add_argument("--webhook", metavar="URL", help="send news there, as JSON")
    parser.add_argument("--mail", metavar="ADDRESS", help="send news there, by the system's sendmail")
    parser.add_argument("--mail-from", metavar="ADDRESS", default="", help="the sender of that mail")
    parser.add_argument("--sendmail", metavar="PROGRAM", help="use this program in place of sendmail")
    add_mailbox_options(parser)
    add_probe_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Observe, decide, print, send, remember; return the exit status."""
    from ..check import State as Empty
    from ..check import decide, load_state, observe, prometheus, save_state
    from ..settings import utc_now

    if not (arguments.sources or arguments.store or arguments.domains):
        raise MtaStsNbError("nothing to check. Name SOURCES of reports or a --store, --domain D, or both.")
    if arguments.sources and arguments.store:
        raise MtaStsNbError("reports come from SOURCES or from a --store: name one. `ingest` adds SOURCES to a store.")
    state = load_state(arguments.known) if arguments.known else Empty()
    now = utc_now()
    observed = observe(_reports(arguments), _probed(arguments), now=now)
    news, state = decide(state, observed, now)
    _print(arguments, news, state)
    if arguments.prometheus:
        write_file(arguments.prometheus, prometheus(state, observed, now).encode("utf-8"))
    if news:
        _send(arguments, news)
    if arguments.known:
        save_state(state, Path(arguments.known))
    limit = _LEVELS[arguments.level]
    return int(any(problem.level.rank <= limit.rank for problem in state.open))


def _reports(arguments: argparse.Namespace) -> Stored | None:
    from ..reports import load
    from ..store import open_store

    if arguments.store:
        return open_store(arguments.store)
    # An empty source is no error: that nothing comes any more is news.
    return load(*sources_of(arguments)) if arguments.sources else None


def _probed(arguments: argparse.Namespace) -> Sequence[Probe]:
    if not arguments.domains:
        return ()
    from ..probe import probe_many

    try:
        probes = probe_many(arguments.domains, settings_of(arguments), progress=sys.stderr.isatty())
    except ValueError as error:
        raise MtaStsNbError(str(error)) from error
    if probes.rejects:
        raise MtaStsNbError(probes.rejects[0][1])
    if all("resolver-unreachable" in probe.findings.codes for probe in probes):
        raise MtaStsNbError("no resolver answered, so no domain could be probed. Nothing was remembered of this run.")
    return probes


def _print(arguments: argparse.Namespace, news: Sequence[News], state: State) -> None:
    if arguments.json:
        import msgspec

        parts: dict[str, Any] = {"version": _VERSION, "news": news, "open": state.open}
        show_json(msgspec.to_builtins(parts))
        return
    for each in news:
        show(document(each))
    if arguments.all:
        printed = {each.problem for each in news}
        for problem in sorted(set(state.open) - printed, key=lambda problem: problem.level.rank):
            show(document(problem))
    # Silence in cron: a mail is sent only if something was printed.
    if not news and (arguments.all or sys.stdout.isatty()):
        say(f"Nothing new; {plural(len(state.open), 'open problem')}.")
    sys.stdout.flush()


def _send(arguments: argparse.Namespace, news: Sequence[News]) -> None:
    import msgspec

    from ..check import headline, post, send_mail

    webhook = arguments.webhook or os.environ.get("MTASTS_NB_WEBHOOK")
    text = "\n\n".join(to_text(Document(document(each).body), 78) for each in news)
    if webhook:
        post(webhook, {"version": _VERSION, "text": text, "news": msgspec.to_builtins(list(news))})
    if arguments.mail:
        more = f" and {len(news) - 1} more" if len(news) > 1 else ""
        subject = f"[mtasts-nb] {news[0].level.value}: {headline(news[0])}{more}"
        send_mail(arguments.mail, subject, f"{text}\n", sender=arguments.mail_from, program=arguments.sendmail)
