"""Failures at MX hosts that the policy in the same report does not match (RFC 8461 §4.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ..knowledge import causes
from ..policy import mx_matches
from ..vocabulary import PolicyType

if TYPE_CHECKING:
    from ..reports import Source

__all__ = ["covers", "outside_policy"]

_LINK: Final = ["report_key", "policy_index"]
_PLACE: Final = ["policy_domain", "receiving_mx_hostname"]
#: What a failure at an MX host outside the policy is known by.
_KEYS: Final = ["day", "policy_domain", "organization_name", "receiving_mx_hostname", "result_type"]


#: Longer texts are strangers' and are not remembered: what is, takes at most 1,024 times so many characters.
_LONGEST_REMEMBERED: Final = 2000


def covers(policy: str, host: str) -> bool | None:
    """Return whether the policy of a report matches a host; None where its text names no host.

    Examples
    --------
    >>> covers("version: STSv1\\nmode: enforce\\nmx: *.nordwind.example", "mx1.nordwind.example"), covers("", "mx1")
    (True, None)
    """
    function = _covers if len(policy) + len(host) <= _LONGEST_REMEMBERED else _covers.__wrapped__
    return function(policy, host)


@lru_cache(maxsize=1024)
def _covers(policy: str, host: str) -> bool | None:
    keyed = (line.partition(":") for line in policy.splitlines())
    patterns = [value.strip() for key, _, value in keyed if key.strip().lower() == "mx"]
    return any(mx_matches(pattern, host) for pattern in patterns) if patterns else None


def outside_policy(source: Source) -> pd.DataFrame:
    """Return the failures at MX hosts outside the policy, of result types that senders use for it.

    Returns
    -------
    DataFrame
        `_KEYS` (str, ``day`` datetime64[us, UTC]) and ``failed`` (int64), each combination once.
    """
    types, parts = list(causes()["mx-not-in-policy"].result_types), []
    counted = [*_LINK, *_KEYS, "policy_type", "failed_session_count"]
    for sessions, failures in source.session_rows([*_LINK, "policy_domain", "policy_string"], counted):
        rows = failures[
            (failures["policy_type"] == PolicyType.STS)
            & failures["result_type"].isin(types)
            & failures["receiving_mx_hostname"].notna()
            & (failures["failed_session_count"] > 0)
        ]
        # Reports are many and policies few: which report a failure is of matters only where one does not match.
        places = rows[_PLACE].drop_duplicates().astype("str")
        policies = sessions[["policy_domain", "policy_string"]].drop_duplicates().astype("str")
        apart = places.merge(policies, on="policy_domain")
        apart = apart[_outside(apart)]
        near = sessions[sessions["policy_domain"].isin(apart["policy_domain"])]
        rows = rows[rows["receiving_mx_hostname"].isin(apart["receiving_mx_hostname"])]
        rows = rows.merge(near[[*_LINK, "policy_string"]], on=_LINK)
        parts.append(rows[_outside(rows)].astype(dict.fromkeys(_KEYS[1:], "str")))
    table = pd.concat(parts).rename(columns={"failed_session_count": "failed"})
    return table.groupby(_KEYS, dropna=False)["failed"].sum().reset_index()


def _outside(rows: pd.DataFrame) -> np.ndarray:
    """Return for each row whether its policy does not match its host; each pair is checked once."""
    policy, policies = pd.factorize(rows["policy_string"])
    host, hosts = pd.factorize(rows["receiving_mx_hostname"])
    pairs, of_row = np.unique(policy * np.int64(len(hosts) + 1) + host, return_inverse=True)
    which = [divmod(int(pair), len(hosts) + 1) for pair in pairs]
    outside = [at >= 0 and covers(str(policies[at]), str(hosts[name])) is False for at, name in which]
    return np.array(outside, bool)[of_row]
