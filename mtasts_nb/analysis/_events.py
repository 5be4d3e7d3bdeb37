"""What was done when, from a file: deployments, changes, calls, to be shown on the timeline."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ..errors import SourceError
from ..files import read_file
from ..markup import clip, one_line

__all__ = ["load_events"]

_LARGEST: Final = 1_000_000
_MOST: Final = 2_000
_LONGEST: Final = 300
_EXPECTED: Final = (
    "Expected a CSV file whose first line is `time,text`, and times such as 2026-02-08 or 2026-02-08T14:05+01:00."
)


def load_events(path: str | Path) -> pd.DataFrame:
    """Return the events in a CSV file with the columns time and text, by time.

    Parameters
    ----------
    path : str or Path
        UTF-8. Times in ISO 8601; without a zone they are taken as UTC. Further columns are ignored, and so are empty
        lines. Semicolons or tabs may replace the commas, as spreadsheets write them.

    Returns
    -------
    DataFrame
        ``time`` (datetime64[us, UTC]) and ``text`` (str, at most about 300 characters).

    Raises
    ------
    SourceError
        There is no such file, it is larger than a list of events is, or it lacks the columns or a time.
    """
    name = one_line(path, 200)
    try:
        raw = read_file(path, _LARGEST)
    except OSError as error:
        raise SourceError(f"The events in {name} cannot be read: {error.strerror or error}. {_EXPECTED}") from error
    try:
        rows = _rows(raw.decode("utf-8-sig", "replace"), name)
    except csv.Error as error:
        raise SourceError(f"{name} is not CSV: {one_line(error, 120)}. {_EXPECTED}") from error
    frame = pd.DataFrame(rows, columns=["time", "text"])
    frame["time"] = pd.to_datetime(frame["time"], utc=True).astype("datetime64[us, UTC]")
    return frame.astype({"text": "str"}).sort_values(["time", "text"], ignore_index=True)


def _rows(text: str, name: str) -> list[tuple[pd.Timestamp, str]]:
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    columns = {str(column).strip().lower(): column for column in reader.fieldnames or ()}
    if not {"time", "text"} <= set(columns):
        first_line = ", ".join(one_line(column, 40) for column in columns) or "nothing"
        raise SourceError(f"{name} has no columns time and text; its first line holds {first_line}. {_EXPECTED}")
    rows: list[tuple[pd.Timestamp, str]] = []
    for row in reader:
        moment, event = (" ".join((row[columns[key]] or "").split()) for key in ("time", "text"))
        if not moment and not event:
            continue
        if len(rows) == _MOST:
            raise SourceError(f"{name} holds more than {_MOST} events. Keep those that concern the incident.")
        stamp: Any = pd.to_datetime([moment], utc=True, format="ISO8601", errors="coerce")[0]
        if pd.isna(stamp):
            where = f"{name}, line {reader.line_num}"
            raise SourceError(f"{where}: {one_line(moment or 'nothing', 60)} is no time. {_EXPECTED}")
        rows.append((stamp.as_unit("us"), clip(event, _LONGEST)))
    return rows
