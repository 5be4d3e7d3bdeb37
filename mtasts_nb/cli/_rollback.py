"""`mtasts-nb rollback`: enforce defers mail; what to publish, in which order, and how long it takes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

from ..errors import MtaStsNbError
from ..files import read_file
from ..render import document
from ._archives import VERSION, open_archive, rows
from ._parser import add_command
from ._say import show, show_json
from ._sources import SOURCES, add_mailbox_options, sources_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from ..probe import Probe
    from ..rollout import RollbackPlan
    from ._parser import Parser

__all__ = ["add"]

_DESCRIPTION = f"""\
Print the way back from enforce to testing: the policy file and the record to publish, in the order that RFC 8461
requires, each with its check; when senders deliver again; and the dates for going back to enforce.

The present policy and record come from a snapshot, or as text. Reports, where you have some, show how fast your senders
pick up a change.

{SOURCES}

examples:
  mtasts-nb rollback --probe nordwind.json
  mtasts-nb rollback --policy mta-sts.txt --record 'v=STSv1; id=20260208180000;' --ttl 3600
  mtasts-nb rollback --probe nordwind.json --blocked-since 2026-10-21T22:00 reports/"""
_EPILOG = """\
exit status:
  0  the plan was printed
  2  there is none: no policy given, or one that senders do not accept"""
#: A policy file is at most 64 KiB.
_MOST: Final = 1 << 20


def add(commands: _SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "rollback",
        summary="enforce defers mail: what to publish, and how long it takes",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        json="print texts, steps and forecast as JSON",
    )
    parser.add_argument("sources", metavar="SOURCES", nargs="*", help="reports about the domain")
    parser.add_argument("--probe", metavar="JSON", help="a snapshot from `mtasts-nb probe DOMAIN --save JSON`")
    parser.add_argument("--policy", metavar="FILE", help="the policy file as it is served")
    parser.add_argument("--record", metavar="TXT", help="the _mta-sts record as it is published")
    parser.add_argument("--ttl", metavar="S", type=int, help="of that record, in seconds")
    parser.add_argument("--domain", metavar="D", help="the policy domain, for names and commands")
    parser.add_argument("--previous-max-age", metavar="S", type=int, help="the longest max_age of earlier policies")
    parser.add_argument("--blocked-since", metavar="TIME", help="since when mail is deferred, ISO 8601, UTC")
    parser.add_argument("--fixed-at", metavar="TIME", help="when the cause is or was fixed, ISO 8601, UTC")
    add_mailbox_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Plan and print; return the exit status."""
    from ..rollout import plan_rollback

    probe = _snapshot(arguments)
    domain = arguments.domain or (probe.domain if probe else None)
    policy, record, ttl = _present(arguments, probe)
    source = open_archive(sources_of(arguments)) if arguments.sources else None
    if source is not None and domain:
        from ..analysis import narrow

        source = narrow(source, domain)
    try:
        plan = plan_rollback(
            policy,
            record,
            ttl,
            arguments.previous_max_age,
            source,
            domain=domain,
            probe=probe,
            blocked_since=arguments.blocked_since,
            fixed_at=arguments.fixed_at,
        )
    except ValueError as error:
        raise MtaStsNbError(str(error)) from error
    if arguments.json:
        show_json(_to_json(plan))
    else:
        show(document(plan))
    return 0


def _snapshot(arguments: argparse.Namespace) -> Probe | None:
    if not arguments.probe:
        return None
    from ..probe import load_probe

    return load_probe(arguments.probe)


def _present(arguments: argparse.Namespace, probe: Probe | None) -> tuple[str | bytes, str | None, int]:
    """Return policy, record and its TTL: as given, else as the snapshot has them."""
    policy: str | bytes | None = None
    record, ttl = arguments.record, arguments.ttl
    if probe is not None:
        served = probe.policy or probe.served_policy
        policy = served.to_text() if served else None
        record = record or next(iter(probe.sts.texts), None)
        if ttl is None and probe.sts.answer is not None:
            ttl = probe.sts.answer.ttl
    if arguments.policy:
        policy = read_file(arguments.policy, _MOST)
    if policy is None:
        what = "the snapshot has no policy: name the file with --policy" if probe else "no policy given"
        raise MtaStsNbError(f"{what}. Name --probe JSON, or --policy FILE, --record TXT and --ttl S.")
    if ttl is None:
        raise MtaStsNbError("no TTL given: it decides how long senders see the old record. Name it with --ttl S.")
    return policy, record, ttl


def _to_json(plan: RollbackPlan) -> dict[str, Any]:
    return {
        "version": VERSION,
        "domain": plan.domain,
        "made": plan.made.isoformat(),
        "policy": plan.policy,
        "record": plan.record,
        "steps": rows(plan.to_frame()),
        "hours_until_share_applies": {
            case: {str(part): plan.forecast.hours_until(part, case) for part in (0.5, 0.9, 1.0)}
            for case in ("best", "typical", "worst")
        },
        "bounces": [
            {"product": bounce.product, "at": bounce.at.isoformat() if bounce.at else None} for bounce in plan.bounces
        ],
        "notes": list(plan.notes),
    }
