"""Policy domains that are MX hosts: some senders report DANE (RFC 7672) under the MX host in place of the domain.

TLSA records belong to a host, a report to a domain (RFC 8460 §4.4). Where the reports themselves show whose MX host it
is, its sessions are counted under that domain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ..vocabulary import PolicyType
from .ingest import ReportedPolicy

__all__ = ["TREATMENT", "domains_of_mx_hosts"]

TREATMENT = "the name of an MX host, read as the domain whose policy lists it"


def domains_of_mx_hosts(policies: Sequence[ReportedPolicy]) -> dict[int, str]:
    """Return by position of a ``tlsa`` policy whose domain is an MX host: the domain that it belongs to.

    It belongs to the one domain whose MTA-STS policy lists it, in any of the reports; of several to the one that it is
    a name in. A name that is reported as a domain itself stays one.

    Examples
    --------
    >>> sts = ReportedPolicy("sts", "nordwind.example", "enforce", 86400, "", "*.nordwind.example")
    >>> tlsa = ReportedPolicy("tlsa", "mx1.nordwind.example", None, None, "", "")
    >>> domains_of_mx_hosts([sts, tlsa])
    {1: 'nordwind.example'}
    """
    hosts = {at: policy.policy_domain for at, policy in enumerate(policies) if policy.policy_type == PolicyType.TLSA}
    if not hosts:
        return {}
    domains = {policy.policy_domain for policy in policies if policy.policy_type != PolicyType.TLSA}
    listed: defaultdict[str, set[str]] = defaultdict(set)
    for policy in policies:
        if policy.policy_type == PolicyType.STS:
            for pattern in _patterns(policy):
                listed[pattern].add(policy.policy_domain)
    joined = {}
    for at, host in hosts.items():
        if host in domains:
            continue
        # A wildcard stands for one label (RFC 8461 §4.1).
        owners = listed.get(host, set()) | listed.get(f"*.{host.partition('.')[2]}", set())
        inside = {owner for owner in owners if host.endswith(f".{owner}")}
        if len(chosen := inside or owners) == 1:
            joined[at] = next(iter(chosen))
    return joined


def _patterns(policy: ReportedPolicy) -> Iterator[str]:
    for line in policy.mx_host.split("\n"):
        yield line.strip().lower().removesuffix(".")
    for line in policy.policy_string.split("\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == "mx":
            yield value.strip().lower().removesuffix(".")
