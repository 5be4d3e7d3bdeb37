"""From reports to statements: what needs attention, what happened, what it did to mail, and how far to trust it.

Every function takes a `Source` (an `Archive`) and gives something that shows itself in a notebook: a `Table` with its
rows in `.frame`, or sentences. A notebook holds calls of these, so that every number in it is tested.
"""

from __future__ import annotations

from ._breakdown import by_mx, by_reporter, by_result_type, failing_policy_types, impact
from ._calendar import Calendar, Phase, calendar
from ._causes import Candidate
from ._diagnose import Cause, Diagnosis, Evidence, diagnose
from ._diagnose_groups import STATES, Group
from ._diagnose_health import LEVELS, Health
from ._diagnose_plan import Action
from ._events import load_events
from ._evidence_reports import Reported
from ._flow import Answer, Flowchart, Node, flowchart
from ._flow_walk import Clues, Walk, WalkStep
from ._incidents import expected_failures, find_incidents
from ._meanings import Meaning, Meanings, meanings
from ._narrow import narrow
from ._one_report import one_report
from ._overview import overview
from ._plans import Plan, PlanStep
from ._plans_migration import MxMigrationPlan, plan_mx_migration
from ._plans_present import Served
from ._plans_removal import RemovalPlan, plan_removal
from ._policy_history import PolicyHistory, policy_history
from ._postmortem import Case, open_case
from ._quality import arrivals, assumptions, coverage, refusals
from ._readiness import Readiness, readiness
from ._rollback import RollbackPlan, plan_rollback
from ._rollback_forecast import Forecast, about, forecast
from ._rollback_measured import measured_propagation, take_over_table
from ._rollback_model import SenderModel
from ._story import KeyFigures, Story, key_figures, scope, story
from ._table import Table
from ._timeline import timeline
from ._verify_fix import FixCheck, verify_fix

__all__ = [
    "LEVELS",
    "STATES",
    "Action",
    "Answer",
    "Calendar",
    "Candidate",
    "Case",
    "Cause",
    "Clues",
    "Diagnosis",
    "Evidence",
    "FixCheck",
    "Flowchart",
    "Forecast",
    "Group",
    "Health",
    "KeyFigures",
    "Meaning",
    "Meanings",
    "MxMigrationPlan",
    "Node",
    "Phase",
    "Plan",
    "PlanStep",
    "PolicyHistory",
    "Readiness",
    "RemovalPlan",
    "Reported",
    "RollbackPlan",
    "SenderModel",
    "Served",
    "Story",
    "Table",
    "Walk",
    "WalkStep",
    "about",
    "arrivals",
    "assumptions",
    "by_mx",
    "by_reporter",
    "by_result_type",
    "calendar",
    "coverage",
    "diagnose",
    "expected_failures",
    "failing_policy_types",
    "find_incidents",
    "flowchart",
    "forecast",
    "impact",
    "key_figures",
    "load_events",
    "meanings",
    "measured_propagation",
    "narrow",
    "one_report",
    "open_case",
    "overview",
    "plan_mx_migration",
    "plan_removal",
    "plan_rollback",
    "policy_history",
    "readiness",
    "refusals",
    "scope",
    "story",
    "take_over_table",
    "timeline",
    "verify_fix",
]
