"""The document of one case: what each section of the notebook shows, and how it looks. A new section is a method here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from ..analysis import (
    FixCheck,
    Meanings,
    Story,
    Table,
    by_mx,
    by_reporter,
    by_result_type,
    impact,
    incident_table,
    meanings,
)
from ..diagnosis import Causes
from ..markup import number, plural, share
from ..probe import Probe
from ..render import Block, Document, Paragraph, Quiet, Section, Strong, Terms, document
from ..render import Table as Rows
from ..reports import Archive
from ..vocabulary import Level, verdict_badge, verdict_sentence
from ._case import LATEST, Case, Day, read_case
from ._fleet import MANY, Fleet, fleet
from ._opening import Opening, opening
from ._statements import Facts, Heading, case_title, facts, heading, not_checked, statements
from ._tables import Actions, actions, evidence, nearby_events, other_incidents

__all__ = ["Postmortem", "open_case"]

#: A line to write on, as wide as a name; a cell that is empty looks like one that was forgotten.
_BLANK = "\u00a0" * 14
#: So many domains are open in a table of all.
_FIRST_DOMAINS = 10


class Postmortem(Case):
    """A case and its document, section by section."""

    def heading(self) -> Heading:
        """Return the title, as given or made from the incident, the author and the days."""
        return heading(self, self._fleet_title)

    def opening(self) -> Opening:
        """Return what a reader must know first: status, one sentence, four figures, the next step."""
        return opening(self, actions(self).steps[0][0], case_title(self) if self._fleet_title else "")

    @cached_property
    def all_domains(self) -> Fleet:
        """The policy domains of all reports, the worst first."""
        return fleet(self.history, pd.concat([self.incidents, self.others]))

    @property
    def _fleet_title(self) -> str:
        """The title of a document about many domains; empty for one about few."""
        if not self._may_be_many(MANY):
            return ""
        count = self.all_domains.count()
        if sum(count.values()) < MANY:
            return ""
        urgent = count.get(Level.ACT_NOW, 0)
        first = (
            f"{number(urgent)} {'needs' if urgent == 1 else 'need'} action now" if urgent else "none needs action now"
        )
        return f"{plural(sum(count.values()), 'domain')}, {first}"

    def fleet(self) -> Fleet:
        """Return the policy domains, the worst first, where there are many; else none: `domains` has them."""
        return self.all_domains if self._fleet_title else Fleet(())

    def domains(self) -> Fleet:
        """Return the policy domains, the worst first, where there are several, and few; else none: `fleet` has them."""
        if not self._may_be_many(2) or self._fleet_title or len(self.all_domains.domains) < 2:
            return Fleet(())
        return self.all_domains

    def _may_be_many(self, least: int) -> bool:
        """Whether there may be so many domains: to know of each how it is takes a diagnosis of all reports."""
        return self.history.sessions["policy_domain"].nunique() >= least

    def sentences(self) -> Story:
        """Return what happened, what it did to mail and whether it is over, with numbers."""
        return statements(self)

    def facts(self) -> Facts:
        """Return what, when, where, who, why, and whether it is resolved."""
        return facts(self)

    def impact(self) -> Table:
        """Return what the failures of the incidents did to mail."""
        return impact(self.own_cells)

    def by_mx(self) -> Table:
        """Return where they failed."""
        return by_mx(self.own_cells)

    def by_result_type(self) -> Table:
        """Return how they failed."""
        return by_result_type(self.own_cells)

    def by_reporter(self) -> Table:
        """Return who reported it, and who had sessions then and did not."""
        return by_reporter(self.own_cells)

    def timeline(self) -> Table:
        """Return the incidents, and how many failed sessions of these days are in none."""
        return incident_table(self.incidents, self.all_cells)

    def other_incidents(self) -> Table:
        """Return the incidents in the same reports that the document is not about."""
        return other_incidents(self)

    def incidents_to_plot(self, most: int = 4) -> list[Mapping[str, Any]]:
        """Return the rows to draw, those of the lead first; the largest `most` of them."""
        ordered = self.incidents.assign(lead=self.incidents["incident"].isin(self.lead["incident"])).sort_values(
            ["lead", "failed_session_count", "incident"], ascending=[False, False, True]
        )
        rows = ordered.head(most).drop(columns="lead").to_dict("records")
        return [{str(key): value for key, value in row.items()} for row in rows]

    def nearby_events(self) -> Table:
        """Return the events of these days and ten days around them."""
        return nearby_events(self)

    def evidence(self) -> Table:
        """Return what the reports give as the cause: result type, MX host, its address and the reason given."""
        return evidence(self)

    def cause(self) -> Causes | Meanings:
        """Return the causes from evidence; where none is known, what the result types mean."""
        if self.diagnosis is None:
            return meanings(self.archive, self.own_cells)
        return Causes(self.diagnosis.causes, self.diagnosis.not_observed)

    def fix_check(self) -> FixCheck | Facts:
        """Return what the reports show since it was fixed or last seen, and what a probe shows."""
        return self.fix if self.fix is not None else not_checked(self)

    def actions(self) -> Actions:
        """Return what is left to do, with an owner and a date to fill in."""
        return actions(self)


def open_case(
    archive: Archive,
    *,
    domain: str | None = None,
    period: str | tuple[Day, Day] | list[Day] | None = LATEST,
    events: pd.DataFrame | None = None,
    probe: Probe | None = None,
    fixed_at: Day = None,
    title: str = "",
    author: str = "",
) -> Postmortem:
    """Return the document of one case.

    Parameters
    ----------
    archive : Archive
        What `load` gave; the whole history, since an incident exceeds the baseline of its own history.
    domain : str, optional
        Only this policy domain.
    period : str or pair, optional
        ``latest incident``: the most urgent story, an open one by what it does to mail, else the one that ended last; where
        there is none, all reports. A
        pair of days, both included, each None for an open side: every incident on any of these days, each included
        whole. None: all reports.
    events : DataFrame, optional
        What was done when: ``time`` and ``text``, as `load_events` gives them.
    probe : Probe, optional
        The domain as it was observed live.
    fixed_at : str, date or datetime, optional
        When the fault was fixed; without a time zone, UTC.
    title, author : str, optional
        Of the document.

    Raises
    ------
    SourceError
        No report is about that domain.
    ValueError
        The period is none of these, or ends before it begins.

    Examples
    --------
    >>> import mtasts_nb as sts
    >>> open_case(sts.Archive()).first is None
    True
    """
    known = pd.DataFrame({"time": [], "text": []}) if events is None else events
    return Postmortem(
        **read_case(
            archive, domain, period, events=known, probe=probe, fixed_at=fixed_at, title=title, author=author
        )
    )  # fmt: skip


@document.register
def _(title: Heading) -> Document:
    return Document((Paragraph(title.about, quiet=True),), title=title.title)


@document.register
def _(start: Opening) -> Document:
    badge = verdict_badge(start.level)
    status = Paragraph(badge, Strong(f" · {start.openness}") if start.openness else "", status=True)
    reason = () if start.verdict is None else (Paragraph(verdict_sentence(start.verdict)),)
    body: tuple[Block, ...] = (
        status,
        Paragraph(start.sentence, lead=True),
        *reason,
        *document(start.figures).body,
        Paragraph(Strong("Next step. "), start.step, step=True),
    )
    return Document((Section(start.title, body),) if start.title else body)


@document.register
def _(many: Fleet) -> Document:
    if not many.domains:
        return Document(())
    parts = [
        part for level, count in many.count().items() for part in (verdict_badge(level), f": {number(count)}", "  ")
    ]
    rows = [
        {
            "level": verdict_badge(domain.level),
            "domain": (
                Strong(domain.policy_domain),
                Quiet(f" {domain.why}" if domain.level.rank < Level.FINE.rank else ""),
            ),
            "share": None if domain.share is None else share(domain.share, 1),
            "trend": (domain.trend,),
            "incident": domain.incident,
            "reporters": domain.reporters,
        }
        for domain in many.domains
    ]
    headings = {
        "level": "Status", "domain": "Policy domain", "share": "Failed", "trend": "Trend", "incident": "Open incident",
        "reporters": "Reporters",
    }  # fmt: skip
    caption = "The worst first. Failed: the share of the sessions reported in the last 30 days; trend: the same by day."
    table = Rows(headings, rows, caption=caption, numeric=("share", "reporters"), first=_FIRST_DOMAINS)
    return Document((Paragraph(*parts[:-1], status=True), table))


@document.register
def _(terms: Facts) -> Document:
    return Document((Terms(terms.facts),))


@document.register
def _(todo: Actions) -> Document:
    rows = [
        {"number": str(number), "step": step, "why": why, "owner": _BLANK, "due": _BLANK}
        for number, (step, why) in enumerate(todo.steps, 1)
    ]
    headings = {"number": "#", "step": "What to do", "why": "Why", "owner": "Owner", "due": "Date"}
    return Document((Rows(headings, rows, caption="What to do next, the most urgent first."),))
