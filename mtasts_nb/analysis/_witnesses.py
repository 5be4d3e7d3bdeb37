"""Which reporters count as independent of each other: anyone can mail a report under any name."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..reports import Archive, Source

__all__ = ["HISTORY", "LONG", "independent", "signers"]

#: So many days outside a span with reports of a reporter make it known in the archive.
HISTORY: Final = 3
#: An archive of fewer days outside a span cannot show who is known.
LONG: Final = 14


def independent(days: npt.NDArray[np.int64], signed_by: list[str]) -> int:
    """Return how many of some reporters count as independent witnesses.

    Parameters
    ----------
    days : array of int
        Of each, the days outside the span in question for which it sent a report.
    signed_by : list of str
        Of each, the domain that signed its mails; empty where that is not known.

    Examples
    --------
    >>> independent(np.array([30, 0, 0]), ["", "", ""]), independent(np.array([0, 0]), ["a.example", "b.example"])
    (1, 2)
    >>> independent(np.array([30, 0]), ["a.example", "a.example"])
    1
    """
    known = days >= HISTORY
    taken = {signer for signer, is_known in zip(signed_by, known, strict=True) if is_known}
    others = {signer for signer, is_known in zip(signed_by, known, strict=True) if signer and not is_known}
    return int(known.sum()) + len(others - taken)


def signers(source: Source) -> dict[str, str]:
    """Return by reporter the domain that signed its mails on most days; only an Archive knows who signed."""
    if not isinstance(source, Archive) or not source.reports["signed_by"].notna().any():
        return {}
    counting = source.reports[source.reports["duplicate_of"].isna()]
    day = counting["start_datetime"].dt.floor("D")
    frame = pd.DataFrame(
        {
            "reporter": counting["organization_name"].astype("str"),
            "signer": counting["signed_by"].astype("str"),
            "day": day,
        }
    ).dropna()
    days = frame.drop_duplicates().groupby(["reporter", "signer"]).size().sort_values(kind="stable")
    return {str(reporter): str(signer) for reporter, signer in days.index}
