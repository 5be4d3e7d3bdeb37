"""What a fix was made for: an incident, a cause or a result type, as keys of `daily` with the values that count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from ...knowledge import CauseText, causes, finding_texts
from ...vocabulary import UNATTRIBUTED, UNKNOWN, Concern, ResultType, fold_type, is_on_policy_host

__all__ = ["FixTarget", "fix_target"]

FixTarget = Mapping[str, tuple[str, ...]]

_KEYS: Final = ("policy_domain", "policy_type", "receiving_mx_hostname", "result_type")
_EXPECTED: Final = "a row of find_incidents, a cause or its code, or a result type"


def fix_target(cause: object, reported: Callable[[], Collection[str]]) -> FixTarget:
    """Return the keys of `daily` that a fix was made for, each with the values that count.

    Parameters
    ----------
    cause : object
        A row of `find_incidents` or another mapping with keys of `daily`; a `Concern` such as a cause of a diagnosis, or a
        `CauseText`; or text: a result type, or the code of a cause or finding.
    reported : callable
        Gives the result types that occur in the reports: senders use others than the registered ones.

    Raises
    ------
    ValueError
        It names nothing that reports can show. The message gives what is known, and close matches.
    """
    if isinstance(cause, pd.DataFrame):
        if len(cause) != 1:
            raise ValueError(f"cause has {len(cause)} rows: expected one, for example incidents.iloc[-1]")
        cause = cause.iloc[0]
    if isinstance(cause, Concern):
        hosts = {} if any(map(is_on_policy_host, _types_of(cause.code))) else {"receiving_mx_hostname": cause.mx}
        keys = {"policy_domain": (cause.policy_domain,), "result_type": _types_of(cause.code), **hosts}
        return MappingProxyType({key: values for key, values in keys.items() if any(values)})
    if isinstance(cause, CauseText):
        return MappingProxyType({"result_type": _types_of(cause.code)})
    if isinstance(cause, str):
        return MappingProxyType({"result_type": _types_named(str(cause), reported)})
    if isinstance(cause, (Mapping, pd.Series)):
        return _of_mapping({str(key): cause[key] for key in cause.keys()}, reported)  # noqa: SIM118 - a Series iterates over values
    raise ValueError(f"cause is {type(cause).__name__}: expected {_EXPECTED}")


def _of_mapping(named: Mapping[str, Any], reported: Callable[[], Collection[str]]) -> FixTarget:
    wanted = {key: "" if pd.isna(named[key]) else str(named[key]) for key in _KEYS if key in named}
    if not wanted.get("result_type") and not wanted.get("receiving_mx_hostname"):
        raise ValueError(
            f"cause has {', '.join(map(repr, named)) or 'nothing'}: expected a result_type or a receiving_mx_hostname, or "
            f"{_EXPECTED}"
        )
    keys: dict[str, tuple[str, ...]] = {key: (value,) for key, value in wanted.items()}
    if wanted.get("result_type"):
        keys["result_type"] = _types_named(wanted["result_type"], reported)
    return MappingProxyType(keys)


def _types_named(text: str, reported: Callable[[], Collection[str]]) -> tuple[str, ...]:
    """Return the result types that a text names: itself, or those of the cause whose code it is."""
    name = fold_type(text)
    if text.strip() and (name in (*ResultType, UNATTRIBUTED, UNKNOWN) or name in reported()):
        return (name,)
    code = name.replace("_", "-")
    if code in finding_texts():
        code = finding_texts()[code].cause or code
    if code in causes() or code in finding_texts():
        return _types_of(code)
    known = (*ResultType, *causes(), *finding_texts())
    close = get_close_matches(code, known, n=3)
    near = f" Did you mean {' or '.join(close)}?" if close else ""
    raise ValueError(
        f"cause is {text!r}, which is neither a result type in the reports nor the code of a cause.{near} Expected "
        f"{_EXPECTED}; the registered result types are {', '.join(ResultType)}."
    )


def _types_of(code: str) -> tuple[str, ...]:
    """Return the result types by which senders report a cause: those among whose causes it is highest."""
    text = causes().get(code)
    if text is None or not text.result_types:
        raise ValueError(
            f"cause is {code}, which no result type of RFC 8460 reports: reports cannot confirm the fix. Probe again, and "
            "compare: sts.compare_probes(before, after)."
        )
    best = min(text.result_types.values())
    return tuple(name for name, rank in text.result_types.items() if rank == best)
