"""Texts that try to be more than text, and values of the package that hold them wherever a stranger's text can be."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import cycle, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pandas as pd

import mtasts_nb as sts
from mtasts_nb import analysis, lab, plots, policy, postmortem
from mtasts_nb.check import State, decide, observe
from mtasts_nb.diagnosis import diagnose, explain
from mtasts_nb.knowledge import glossary
from mtasts_nb.probe import Probe
from mtasts_nb.probe._many import Probes
from mtasts_nb.publish import evidence
from mtasts_nb.render import Rendered, document
from mtasts_nb.reports import Archive

__all__ = ["HOSTILE", "archive_with", "marked", "probe_with", "reports", "shown_classes", "turned", "values_with"]

#: Each is shorter than what a view clips, so that none of it is left out.
HOSTILE: Final = {
    "html": "</td></script><script>alert(1)</script>\"'onload=x()><img src=x onerror=y()>&#60;",
    "terminal": "\x1b[2J\x1b]0;x\x07\u202etxt\u2066\u200b\x00\x9b31m\r\n\u2028WARNING all is fine",
    "formula": "$\\href{javascript:x}{y}$ \\(z\\) $$w$$ \\[v\\] `code` **bold**",
    "sheet": "=cmd|' /C calc'!A1;=B1\n \t@SUM(1)\t-2+3;\uff1d1+1",
    "surrogate": "half \udcff\ud800 pair",
    "long": "W" * 5000,
}
NOW: Final = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
DOMAIN: Final = "nordwind.example"


def shown_classes() -> set[type]:
    """Return every class of the package that shows itself: what a notebook asks for its HTML, picture or markdown."""
    found: set[type] = set()
    for module in pkgutil.walk_packages([str(Path(sts.__file__).parent)], "mtasts_nb."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name and _shows(value):
                found.add(value)
    return found - {Rendered, _live()}


def _shows(kind: type) -> bool:
    return any(
        name.startswith("_repr_") for part in kind.__mro__ for name in vars(part)
    ) and kind.__module__.startswith("mtasts_nb.")


def _live() -> type:
    from mtasts_nb.widgets._static import Live

    return Live


def turned(by: int) -> list[str]:
    """Return the hostile texts, begun with another: each text comes to each place with one of the turns."""
    texts = list(HOSTILE.values())
    return texts[by:] + texts[:by]


def archive_with(texts: Sequence[str], domain: str | None = None) -> Archive:
    """Return three weeks of reports, and inputs that are no report; each holds one of the texts in every field.

    In each report the policy domain is `domain`, or the text.
    """
    broken = [f'{{"report-id": "{text[:20]}'.encode("utf-8", "replace") for text in texts]
    return sts.load(*reports(texts, domain), *broken, progress=False)


def reports(texts: Sequence[str], domain: str | None) -> Iterator[bytes]:
    for day in range(1, 22):
        text = texts[day % len(texts)]
        when = f"2026-03-{day:02}"
        failed = 400 if day in (12, 13, 14, 15) else 1
        known = {
            "result-type": "validation-failure",
            "sending-mta-ip": text,
            "receiving-mx-hostname": text,
            "receiving-mx-helo": text,
            "receiving-ip": text,
            "failed-session-count": failed,
            "additional-information": text,
            "failure-reason-code": text,
        }
        details = [
            known,
            {**known, "result-type": text},
            {**known, "result-type": "certificate-expired", "receiving-mx-hostname": f"mx1.{DOMAIN}"},
        ]
        policies = [
            {
                "policy": {
                    "policy-type": kind,
                    "policy-string": strings,
                    "policy-domain": domain or text,
                    "mx-host": [text],
                    text: text,
                },
                "summary": {"total-successful-session-count": 500, "total-failure-session-count": 3 * failed},
                "failure-details": details,
            }
            for kind, strings in (
                ("sts", ["version: STSv1", "mode: enforce", f"mx: {text}", "max_age: 86400", text]),
                (text, [text]),
            )
        ]
        yield json.dumps(
            {
                "organization-name": text,
                "contact-info": text,
                "report-id": f"{when} {text}",
                text: text,
                "date-range": {"start-datetime": f"{when}T00:00:00Z", "end-datetime": f"{when}T23:59:59Z"},
                "policies": policies,
            }
        ).encode("utf-8")  # fmt: skip


@cache
def _probe() -> Probe:
    with lab.Lab("dane-mismatch", timeout=10.0) as internet:
        return sts.probe(DOMAIN, internet.settings)


def probe_with(texts: Sequence[str]) -> Probe:
    """Return a probe of the lab with a text in every field in which a server, a resolver or a certificate writes."""
    # Bytes that are no text are escapes by the time a probe holds them.
    return marked(_probe(), [text.encode("utf-8", "backslashreplace").decode() for text in texts])  # type: ignore[no-any-return]


def _slots(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield class and field of each text in a value."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            part = getattr(value, field.name)
            if type(part) is str:
                yield type(value).__name__, field.name
            else:
                yield from ((name, where or field.name) for name, where in _slots(part, type(value).__name__))
    elif type(value) is str:
        yield at, ""
    elif isinstance(value, tuple):
        for part in value:
            yield from _slots(part, at)


def _mark(value: Any, texts: Iterator[str], slots: frozenset[tuple[str, str]], at: tuple[str, str] = ("", "")) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: _mark(getattr(value, field.name), texts, slots, (type(value).__name__, field.name))
            for field in fields(value)
            if field.init
        }
        return replace(value, **changed)
    if isinstance(value, tuple):
        parts = [_mark(part, texts, slots, at) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return f"{value} {next(texts)}" if type(value) is str and at in slots else value


def _stands(value: Any) -> bool:
    """Return whether a view can be made: a text that is a key of the knowledge base cannot be a stranger's."""
    try:
        document(value)
        repr(value)
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError):
        return False
    return True


def marked(value: Any, texts: Sequence[str]) -> Any:
    """Return a value with one of the texts in each of its texts, but for those that are keys: changed, they could not be shown."""
    slots = frozenset(_slots(value))
    made = _mark(value, cycle(texts), slots)
    if _stands(made):
        return made
    for slot in slots:
        key = (type(value), slot)
        if key not in _USABLE:
            _USABLE[key] = _stands(_mark(value, repeat("x"), frozenset({slot})))
    return _mark(value, cycle(texts), frozenset(slot for slot in slots if _USABLE[type(value), slot]))


#: Whether a text of a value is no key, by the value's class and the text's class and field.
_USABLE: Final[dict[tuple[type, tuple[str, str]], bool]] = {}


def values_with(texts: Sequence[str]) -> Iterator[Any]:
    """Yield values of every class that shows itself, with the texts where a stranger's can be."""
    for made in _values(texts):
        for value in _with_parts(made):
            yield value
            if is_dataclass(value) and isinstance(value, Rendered) and not isinstance(value, Probe):
                yield marked(value, texts)


def _with_parts(value: Any) -> Iterator[Any]:
    """Yield a value, and those that it holds and that show themselves."""
    yield value
    if is_dataclass(value) and not isinstance(value, Probe):
        parts = (getattr(value, field.name) for field in fields(value))
        yield from (each for part in parts if isinstance(part, Rendered) for each in _with_parts(part))
    yield from (each for part in getattr(value, "children", ()) for each in _with_parts(part))


def _values(texts: Sequence[str]) -> Iterator[Any]:
    """Yield a value of each class, made as its users make it; what they read holds the texts."""
    archive, known, probe = archive_with(texts), archive_with(texts, DOMAIN), probe_with(texts)
    own = replace(probe, domain=DOMAIN)
    yield from (
        archive,
        known,
        probe,
        Probes([probe], [(text, text) for text in texts]),
        probe.commands,
        probe.findings,
    )
    yield from (probe.verdict, sts.compare_probes(own, _probe()), sts.simulate(probe), evidence(archive))
    yield from (diagnose(probe), diagnose(archive=archive), diagnosis := diagnose(own, known))
    yield from (walk := diagnosis.walk(), plots.flowchart(walk))
    yield from (sts.why_no_reports(probe, archive), sts.why_no_reports(own, known), sts.plan_tlsa_rollover(probe))
    yield from (sts.sending_operators(archive), glossary())
    for text in texts:
        yield explain(text)
        yield explain(f"host mx1.{DOMAIN}[192.0.2.1] said: 550 5.7.1 certificate has expired {text}")
        served = f"version: STSv1\nmode: enforce\nmx: {text}\nmax_age: 604800\n{text}\n"
        yield sts.validate(text, served, [text], text)
        yield sts.validate(f"v=STSv1; id={text}", policy_of(text), text, f"v=TLSRPTv1; rua={text}")
        yield policy.beside(served, text)
        yield policy.mx_table(served, [text, f"mx1.{DOMAIN}"])
        yield sts.widgets.DomainProbe(text, probe=probe)
        yield sts.widgets.RollbackPlanner(served, text, 3600, text, domain=text, blocked_since=text)
    yield from _plans(policy_of(f"mx1.{DOMAIN}"), known)
    yield from _analyses(archive)
    yield from _case(archive, texts)
    yield from _case(known, texts)
    yield from _pictures(archive)
    yield from _news(archive, own)
    with TemporaryDirectory() as folder:
        yield sts.ingest(*reports(texts, None), store=folder)
    yield sts.widgets.PublishButton(sts.publish, texts[0])
    yield sts.widgets.ReportExplorer(archive, by="organization_name")
    yield sts.widgets.DiagnosticFlowchart(own, known)


def _news(archive: Archive, probe: Probe) -> Iterator[Any]:
    """Yield what a check announces, and the problems behind it."""
    news, _ = decide(State(), observe(archive, [probe], now=NOW), NOW)
    for each in news:
        yield each
        if each.problem is not None:
            yield each.problem


def policy_of(host: str) -> str:
    """Return a policy file that names a host."""
    return f"version: STSv1\nmode: enforce\nmx: {host}\nmax_age: 604800\n"


def _plans(fine: str, known: Archive) -> Iterator[Any]:
    record = "v=STSv1; id=20260801000000Z"
    options: dict[str, Any] = {"ttl": 3600, "domain": DOMAIN, "now": lambda: NOW}
    yield from (
        sts.plan_rollback(fine, record, source=known, **options),
        sts.plan_removal(fine, record, source=known, **options),
        sts.plan_mx_migration(fine, record, new_mx=[f"mx9.{DOMAIN}"], **options),
    )
    yield sts.readiness(known)


def _analyses(archive: Archive) -> Iterator[Any]:
    """Yield what each function of the analysis that takes an archive alone returns."""
    for name in dir(analysis):
        function = getattr(analysis, name)
        if name.startswith(("_", "load_")) or not inspect.isfunction(function):
            continue
        parameters = list(inspect.signature(function).parameters.values())
        needed = [each.name for each in parameters if each.default is each.empty]
        if needed not in (["source"], ["archive"]):
            continue
        made = function(archive)
        if isinstance(made, Rendered):
            yield made


def _case(archive: Archive, texts: Sequence[str]) -> Iterator[Any]:
    """Yield the parts of a postmortem: what its methods without an argument return."""
    events = pd.DataFrame(
        {
            "time": pd.to_datetime(["2026-03-12T09:00Z"] * len(texts)).as_unit("us"),
            "text": [text.encode("utf-8", "replace").decode() for text in texts],
        }
    )
    case = postmortem.open_case(archive, events=events, title=texts[0], author=texts[1])
    for name, method in inspect.getmembers(type(case), inspect.isfunction):
        if not name.startswith("_") and isinstance(made := _called(case, method), Rendered):
            yield made


def _called(case: object, method: Callable[..., Any]) -> Any:
    needed = [each for each in inspect.signature(method).parameters.values() if each.default is each.empty]
    return method(case) if len(needed) == 1 else None


def _pictures(archive: Archive) -> Iterator[Any]:
    for draw in (
        plots.failures_over_time,
        plots.failures_by_mx,
        plots.success_share,
        plots.mx_by_result,
        plots.reporter_coverage,
        plots.policy_history,
    ):
        yield from (ax := draw(archive), plots.show(ax))
    for _, incident in sts.find_incidents(archive).head(1).iterrows():
        yield sts.verify_fix(archive, incident, NOW)
        yield plots.show(plots.incident(archive, incident))
