"""Incidents: the spans in which failures exceed the baseline of their own history."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from ...reports import Source
from ...vocabulary import UNEXPLAINED, Certainty
from .._witnesses import LONG, independent
from ._baseline import upper_bound
from ._blocks import blocks
from ._outliers import Outlook, dispersion, outlook, outlooks
from ._spans import RAISED, Extent, Span, stories
from ._sparse import every_span

__all__ = ["CHRONIC", "INCIDENT_COLUMNS", "expected_failures", "find_incidents"]

#: More failures per session than this are never taken for normal, however long they last.
CHRONIC: Final = 0.01

#: The columns of `find_incidents`, each with its dtype.
INCIDENT_COLUMNS: Final = {
    "incident": "int64",
    "start": "datetime64[us, UTC]",
    "end": "datetime64[us, UTC]",
    "peak": "datetime64[us, UTC]",
    "policy_domain": "str",
    "policy_type": "str",
    "receiving_mx_hostname": "str",
    "result_type": "str",
    "failed_session_count": "int64",
    "share": "float64",
    "reporters": "int64",
    "ongoing": "bool",
    "confidence": "str",
    "story": "int64",
    "peak_failed_session_count": "int64",
    "expected": "float64",
    "days": "int64",
    "organization_name": "str",
}
_TIMES = ("start", "end", "peak")
_TEXTS = ("policy_domain", "policy_type", "receiving_mx_hostname", "result_type", "organization_name")


def find_incidents(source: Source, *, policy_type: str | None = None, chronic: float = CHRONIC) -> pd.DataFrame:
    """Return the spans of days in which failures exceed the baseline of their own history.

    One row per policy domain, policy type, MX host, result type and span. Only reported sessions are seen: a reporter
    that is silent is not known to have had no failure.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    policy_type : str, optional
        Only this policy type; by default all, each for itself. They are never added (RFC 8460 §4.4).
    chronic : float
        The share of failed sessions above which failures are never taken for normal, however long they last. A tenth of
        it for result types that do not occur without a fault.

    Returns
    -------
    DataFrame
        Sorted by start, then by failed sessions. Columns:

        - ``incident`` (int64), from 1
        - ``start, end, peak`` (datetime64[us, UTC]), the first and last UTC day of the span, and its worst; of an ongoing
          incident, `end` is the last day on which it was seen
        - ``policy_domain, policy_type, receiving_mx_hostname, result_type`` (str); the host is missing where reports name
          none: failures on the policy host, and what no detail explains
        - ``failed_session_count`` (int64), all failed sessions of this kind from start to end; only those of the reporters
          that saw it, where all together had less than twice what is normal
        - ``share`` (float64), of the sessions reported about that domain and policy type on those days, from 0 to 1
        - ``reporters`` (int64), how many saw it
        - ``ongoing`` (bool), not known to be over
        - ``confidence`` (str): ``high``, ``medium`` or ``low`` (`Certainty`), see the notes
        - ``story`` (int64), from 1: spans of one policy domain or MX host that begin within two days of each other and
          share half their days are one story
        - ``peak_failed_session_count`` (int64), on the worst day
        - ``expected`` (float64), failed sessions that would have been normal from start to end
        - ``days`` (int64), the days above the baseline
        - ``organization_name`` (str), the reporters that saw it, LF between them

    Raises
    ------
    ValueError
        `policy_type` is ``*``, or `chronic` is not between 0 and 1.

    Notes
    -----
    The method is the improved Farrington algorithm of outbreak surveillance: A. Noufaily, D. G. Enki, P. Farrington,
    P. Garthwaite, N. Andrews, A. Charlett, "An improved algorithm for outbreak detection in multiple surveillance
    systems", Statistics in Medicine 32 (2013, online 2012), 1206-1222. From it: a quasi-Poisson rate with the sessions
    as offset; history re-weighted by Anscombe residuals above 2.58, so that earlier incidents do not raise the
    baseline; the dispersion estimated from the counts; the bound a negative binomial quantile, its variance widened by
    that of the estimated mean (Farrington et al. 1996); a minimum of five cases.

    Weekly counts of many years do not exist here, so this differs:

    - History is the whole archive, before and after, in days. The weighting starts from the quieter half of the weeks,
      so that a fault of weeks in a history of weeks does not become its own baseline; a run of outlying days counts
      little for the dispersion.
    - One weekend factor, drawn towards 1, in place of ten seasons; no trend, which weeks of small counts cannot show.
    - A history that is all zero gives a rate of half a failure per history, and a dispersion of 4: failures come in
      clumps. Neither outlasts a history that says otherwise.
    - A rate above `chronic` is not normal: chronic failure is one long incident from the first day.
    - Each reporter is held against its own history, too (its probability times the number of reporters): a fault that
      one small sender sees drowns in the sum.
    - The paper flags one week at 99.5 %. Here a day exceeds the baseline at 99.8 %, and an incident is two such days in three whose
      joint probability is at most 1e-6; or two to five of one span at 1e-8; or one day of at least 10 failed sessions
      at 1e-8, or in which half the sessions of those who saw it failed. A fault that shows only faintly is also found by
      a run of days at 99 %, two to five of them at 1e-8 together. Days apart count less, by the
      number of ways to choose them from those between. All of these are a hundredth where failures of a type
      that also occurs without a fault are expected (one in ten days or more): one clump may follow another.
    - A day is held against the dispersion of the other days.
    - What is expected of a day is the sum over its reporters, where that is more: a reporter with more noise than others
      may join. What is normal among all does not hide what a few see: then only the failures of those are counted.
    - A reporter of a few sessions that always fails is seen on no single day: days on which half or more of its sessions
      failed are an incident at 1e-8 together (three days, five failed sessions), times the ways to choose them and the
      number of reporters. So are, whatever the baseline, five failed sessions on two days at an MX host that the policy
      in the same reports does not match (RFC 8461 §4.1). Either goes on until six would have failed and none did.
    - A span goes on until three days show that it is over. Only a day on which those who saw it had so many sessions that
      three or more would have failed shows that: silence, and a weekend with two sessions, do not. After 28 days without
      such a day it is another incident, and no longer called ongoing.
    - Days beside the span that have a trace of it (probability at most 5 %, at least a hundredth of its mean) belong to it.

    **How small an incident it sees.** Failed sessions a day of one kind, with 1,000 sessions a day, against a history that
    has none of that kind; first of a fault with three good days since, then of one that is ongoing:

    ============ ======== ========== ======= ======== ========== =======
    history      two days three days one day two days three days one day
    ============ ======== ========== ======= ======== ========== =======
    1 week       11       10         46      13       12         49
    4 weeks      7        6          40      7        6          40
    60 days      5        4          37      5        4          37
    120 days     3        3          35      4        3          35
    ============ ======== ========== ======= ======== ========== =======

    Where failures also occur without a fault (``validation-failure``, ``starttls-not-supported``, ``sts-policy-fetch-error``, and what
    is not registered), a history of a week takes half as many again, and one day alone three times as many after a week
    and twice as many after two months; with a history of such failures, all of it takes more.
    Fewer than five in all are never an incident, nor are failures at less than twice the normal rate.

    ``unattributed`` (failures that a report counts and does not explain) and ``unknown`` are kinds like others: something
    failed. Their certainty is low, and they join the story of what failed on the same days.

    Certainty is ``high`` when the joint probability of the days above the baseline is at most 1e-16, there are two or more of
    them, two or more independent reporters saw it, and there are 14 other days to hold it against or
    the share is five times `chronic`. It is ``low`` when that probability is above 1e-8, the result type does not say
    what failed, it is one day and no two independent reporters saw it, no independent reporter saw it in an archive of 14
    other days or more, there are fewer than 7 other days, or the type also occurs without a fault
    and that probability is above 1e-16 or less than a tenth of `chronic` of the sessions of those who saw it failed; else
    ``medium``. Anyone can mail a report: a reporter is independent if it also reported on three days outside the span, or if
    its mails have a valid signature of a domain of its own (`load` with ``dkim="check"``).

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> find_incidents(sts.Archive()).empty
    True
    """
    if policy_type == "*":
        raise ValueError(
            "policy_type is '*': sessions listed under two policy types may be the same; name one, or None"
        )
    if not 0 < chronic < 1:
        raise ValueError(f"chronic is {chronic}: expected a share of failed sessions between 0 and 1")
    rows = [
        _row(view, span, chronic)
        for view in outlooks(blocks(source, policy_type), chronic, RAISED)
        for span in every_span(view)
    ]
    rows.sort(key=lambda row: (row["start"], -row["failed_session_count"], *(row[name] for name in _TEXTS)))
    extents = [
        Extent(row["start"], row["end"], row["policy_domain"], row["receiving_mx_hostname"], row["result_type"])
        for row in rows
    ]
    for number, (row, story) in enumerate(zip(rows, stories(extents), strict=True), 1):
        row.update(incident=number, story=story)
    frame = pd.DataFrame(rows, columns=list(INCIDENT_COLUMNS))
    for name in _TIMES:
        frame[name] = pd.to_datetime(frame[name].astype("int64"), unit="D", utc=True)
    for name in _TEXTS:
        frame[name] = frame[name].astype("str").replace("", None)
    return frame.astype(INCIDENT_COLUMNS)


def _row(view: Outlook, span: Span, chronic: float) -> dict[str, Any]:
    block = view.block
    host, result_type = block.kinds[view.kind]
    inside = slice(span.first, span.last + 1)
    share = span.failed / max(float(block.sessions[:, inside].sum()), 1.0)
    return {
        "start": int(block.days[span.first]),
        "end": int(block.days[span.last]),
        "peak": int(block.days[span.peak]),
        "policy_domain": block.policy_domain,
        "policy_type": block.policy_type,
        "receiving_mx_hostname": host,
        "result_type": result_type,
        "failed_session_count": int(span.failed),
        "share": min(share, 1.0),
        "reporters": int(span.who.sum()),
        "ongoing": span.ongoing,
        "confidence": _confidence(view, span, share, chronic),
        "peak_failed_session_count": int(span.peak_failed),
        "expected": span.expected,
        "days": span.days,
        "organization_name": "\n".join(name for name, saw in zip(block.reporters, span.who, strict=True) if saw),
    }


def _confidence(view: Outlook, span: Span, share: float, chronic: float) -> Certainty:
    block, inside = view.block, slice(span.first, span.last + 1)
    others = len(block.days) - (span.last - span.first + 1)
    theirs = span.failed / max(float(block.sessions[span.who, inside].sum()), 1.0)
    # Noise differs from day to day and from sender to sender in more ways than a history shows.
    like_noise = view.noisy and (span.strength < 16 or theirs < chronic / 10)
    before_and_after = np.delete(block.sessions[span.who], np.s_[inside], axis=1)
    signed_by = [name for name, saw in zip(block.signed_by, span.who, strict=True) if saw]
    witnesses = independent((before_and_after > 0).sum(axis=1), signed_by)
    invented = not witnesses and others >= LONG
    single = span.days == 1 and min(witnesses, span.who.sum()) < 2
    alone = others < 7 and share < 5 * chronic
    if span.strength < 8 or like_noise or single or alone or invented or block.kinds[view.kind][1] in UNEXPLAINED:
        return Certainty.LOW
    compared = others >= 14 or share >= 5 * chronic
    several = span.days >= 2 and witnesses >= 2
    return Certainty.HIGH if span.strength >= 16 and several and compared else Certainty.MEDIUM


def expected_failures(
    source: Source,
    *,
    policy_domain: str,
    policy_type: str,
    result_type: str,
    receiving_mx_hostname: str | None = None,
    chronic: float = CHRONIC,
    level: float = 0.998,
) -> pd.DataFrame:
    """Return, day by day, how many failures of one kind were reported and how many would have been normal.

    Parameters
    ----------
    source : Source
        An `Archive`, or a store.
    policy_domain, policy_type, result_type, receiving_mx_hostname : str
        The kind; no host for failures that name none.
    chronic : float
        As in `find_incidents`.
    level : float
        Of the upper bound.

    Returns
    -------
    DataFrame
        One row per day for which a report came about that domain and type, with ``day`` (datetime64[us, UTC]), ``failed``
        and ``sessions`` (int64), ``expected`` and ``upper_bound`` (float64), over all reporters. No row where no such
        failure was reported.
    """
    kind = (receiving_mx_hostname or "", result_type)
    for block in blocks(source, policy_type):
        if block.policy_domain != policy_domain or kind not in block.kinds:
            continue
        number = block.kinds.index(kind)
        view = outlook(block, number, chronic)
        return pd.DataFrame(
            {
                "day": pd.to_datetime(block.days, unit="D", utc=True).as_unit("us"),
                "failed": view.failed().sum(axis=0).astype(np.int64),
                "sessions": block.sessions.sum(axis=0).astype(np.int64),
                "expected": view.expected,
                "upper_bound": upper_bound(view.expected, dispersion(block, number, chronic), level),
            }
        )
    empty = {"day": "datetime64[us, UTC]", "failed": "int64", "sessions": "int64"}
    return pd.DataFrame(columns=[*empty, "expected", "upper_bound"]).astype(
        {**empty, "expected": "float64", "upper_bound": "float64"}
    )
