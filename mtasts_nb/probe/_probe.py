"""`Probe`: one domain as it was seen at one moment, whole and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PolicyError, RecordError
from ..policy import Policy, StsRecord, TlsRptRecord, find_sts_record, parse_policy, parse_tlsrpt_record
from ..vocabulary import Findings, Mode
from ._evidence import DnsAttempt, MxHost, PolicyHost, Provider, Vantage

if TYPE_CHECKING:
    import pandas as pd

    from ._commands import Commands

__all__ = ["Probe"]


@dataclass(frozen=True, kw_only=True, repr=False)
class Probe:
    """One domain as it was seen at one moment: evidence first, findings drawn from it.

    A probe is frozen: looking again is a new probe. It shows itself in a notebook and, by ``print``, in a terminal.

    Attributes
    ----------
    domain : str
        The policy domain, in A-labels.
    started : datetime
        When it began, by `settings.now`, UTC; dates of certificates are judged at this moment.
    seconds : float
        How long it took.
    vantage : Vantage
        From where and with what it was looked at.
    sts, tlsrpt, mx : DnsAttempt
        The resolver's answers: TXT at `_mta-sts.`, TXT at `_smtp._tls.`, MX.
    authoritative : tuple of DnsAttempt
        The same questions put to each authoritative server; `query.server` names it.
    policy_host : PolicyHost
        Addresses of the policy host, and a GET from each.
    mx_hosts : tuple of MxHost
        Each MX host, by preference, with a conversation at each of its addresses.
    port_25_closed : bool
        Whether every connection to port 25 was dropped or turned back on the way, or could not leave this machine: then
        nothing was observed at the MX hosts.
    ipv6_closed : bool
        Whether every connection over IPv6 was dropped or turned back while IPv4 got answers: the same, for IPv6.
    limits_hit : tuple of str
        What was left out because the domain names too much.
    providers : tuple of Provider
        Who seems to run the MX hosts and the policy host.
    """

    domain: str
    started: datetime
    seconds: float
    vantage: Vantage
    sts: DnsAttempt
    tlsrpt: DnsAttempt
    mx: DnsAttempt
    authoritative: tuple[DnsAttempt, ...]
    policy_host: PolicyHost
    mx_hosts: tuple[MxHost, ...]
    port_25_closed: bool = False
    ipv6_closed: bool = False
    limits_hit: tuple[str, ...] = ()
    providers: tuple[Provider, ...] = ()

    @cached_property
    def findings(self) -> Findings:
        """What is wrong, the worst first; drawn from the evidence alone."""
        from ._findings import judge

        return judge(self)

    @cached_property
    def record(self) -> StsRecord | None:
        """The one valid `_mta-sts` record; None where there is none (RFC 8461 §3.1)."""
        try:
            return find_sts_record(self.sts.texts)
        except RecordError:
            return None

    @cached_property
    def tlsrpt_record(self) -> TlsRptRecord | None:
        """The one valid `_smtp._tls` record; None where there is none (RFC 8460 §3)."""
        found = [text for text in self.tlsrpt.texts if text.startswith("v=TLSRPTv1;")]
        try:
            return parse_tlsrpt_record(found[0]) if len(found) == 1 else None
        except RecordError:
            return None

    @cached_property
    def policy(self) -> Policy | None:
        """The policy of the first address at which a sender gets a valid one; None where there is none."""
        for attempt in self.policy_host.attempts:
            response, tls = attempt.response, attempt.tls
            if response is None or response.status_code != 200 or response.truncated:
                continue
            if tls is None or tls.validation is None or not tls.validation.valid:
                continue
            try:
                return parse_policy(response.body)
            except PolicyError:
                continue
        return None

    @cached_property
    def served_policy(self) -> Policy | None:
        """The first valid policy file served with status 200, be its certificate good or not.

        A sender takes it only where the certificate is good too: see `policy`.
        """
        from ._judge_policy_host import policy_bodies

        for body in policy_bodies(self):
            try:
                return parse_policy(body)
            except PolicyError:
                continue
        return None

    @property
    def mode(self) -> Mode | None:
        """What senders do by the policy that is published now; None where they see no policy."""
        if self.record is None or self.policy is None:
            return None
        return Mode(self.policy.mode)

    @cached_property
    def checks(self) -> pd.DataFrame:
        """One row per attempt and check.

        Columns: step, subject, host, address, status (``completed``, ``failed``, ``not observed``), reason, detail and
        seconds (float, missing where a check took no time of its own). Text from outside is made visible.
        """
        from ._checks import checks_frame

        return checks_frame(self)

    @property
    def commands(self) -> Commands:
        """The shell commands with which to check this probe by hand, each beside what the probe saw."""
        from ._commands import commands_for

        return commands_for(self)

    def save(self, path: str | Path) -> Path:
        """Write everything to a JSON file that `load_probe` reads, on this machine or another.

        Returns
        -------
        Path
            The file.
        """
        from ._snapshot import dump

        file = Path(path)
        file.write_bytes(dump(self))
        return file

    def to_json(self) -> str:
        """Return the snapshot that `save` writes."""
        from ._snapshot import dump

        return dump(self).decode("utf-8")

    def __str__(self) -> str:
        from ._text import as_text

        return as_text(self)

    def __repr__(self) -> str:
        return f"<Probe of {self.domain}: {self.findings.summary()}>"

    def _repr_html_(self) -> str:
        from ._view import as_html

        return as_html(self)
