"""What was done when: deployments, changes, calls, to be laid over the timeline."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SourceError
from ..markup import clip, one_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_events"]

_LARGEST = 1_000_000
_MOST = 2_000
_LONGEST = 300
_EXPECTED = (
    "Expected a CSV file whose first line is `time,text`, and times such as 2026-02-08 or 2026-02-08T14:05+01:00."
)


def load_events(path: str | Path) -> pd.DataFrame:
    """Return the events in a CSV file with the columns time and text, by time.

    Parameters
    ----------
    path : str or Path
        UTF-8. Times in ISO 8601; without a zone they are taken as UTC. Further columns are ignored, and so are empty
        lines. Semicolons or tabs may stand for the commas, as spreadsheets write them.

    Returns
    -------
    DataFrame
        ``time`` (datetime64[us, UTC]) and ``text`` (str, at most about 300 characters).

    Raises
    ------
    SourceError
        There is no such file, it is larger than a list of events is, or it lacks the columns or a time.
    """
    import pandas as pd

    name = one_line(path, 200)
    try:
        raw = Path(path).read_bytes()[: _LARGEST + 1]
    except OSError as error:
        raise SourceError(f"The events in {name} cannot be read: {error.strerror or error}. {_EXPECTED}") from error
    if len(raw) > _LARGEST:
        raise SourceError(f"{name} is larger than a list of events, 1 MB at most. {_EXPECTED}")
    rows = _rows(raw.decode("utf-8-sig", "replace"), name)
    frame = pd.DataFrame(rows, columns=["time", "text"])
    frame["time"] = pd.to_datetime(frame["time"], utc=True).astype("datetime64[us, UTC]")
    frame["text"] = frame["text"].astype("str")
    return frame.sort_values(["time", "text"], ignore_index=True)


def _rows(text: str, name: str) -> list[tuple[object, str]]:
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        columns = {str(column).strip().lower(): column for column in reader.fieldnames or ()}
        if not {"time", "text"} <= set(columns):
            found = ", ".join(one_line(column, 40) for column in columns) or "nothing"
            raise SourceError(f"{name} has no columns time and text; its first line holds {found}. {_EXPECTED}")
        rows: list[tuple[object, str]] = []
        for row in reader:
            moment, told = row[columns["time"]], row[columns["text"]]
            if not (moment or "").strip() and not (told or "").strip():
                continue
            if len(rows) == _MOST:
                raise SourceError(f"{name} holds more than {_MOST} events. Keep those that bear on the incident.")
            rows.append(
                (_moment(moment, f"{name}, line {reader.line_num}"), clip(" ".join((told or "").split()), _LONGEST))
            )
    except csv.Error as error:
        raise SourceError(f"{name} is not CSV: {one_line(error, 120)}. {_EXPECTED}") from error
    return rows


def _moment(text: str | None, where: str) -> object:
    import pandas as pd

    try:
        stamp = pd.to_datetime((text or "").strip(), utc=True, format="ISO8601")
    except (ValueError, OverflowError, TypeError):
        stamp = None
    if stamp is None or pd.isna(stamp):
        raise SourceError(f"{where}: {one_line(text or 'nothing', 60)} is no time. {_EXPECTED}")
    return stamp.as_unit("us")
