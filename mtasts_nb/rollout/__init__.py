"""May a domain go to enforce, and how to go back: readiness, rollback, removal, MX migration, forecast."""

from __future__ import annotations

from . import _view as _view  # registers how the values are shown
from ._forecast import Forecast, SenderModel, about, forecast, queue_ends
from ._measured import adoption_table, measured_propagation
from ._migration import MxMigrationPlan, plan_mx_migration
from ._plan import Calendar, Phase, Plan, PlanStep, calendar
from ._present import Served
from ._readiness import Readiness, readiness
from ._removal import RemovalPlan, plan_removal
from ._rollback import Bounce, RollbackPlan, plan_rollback
from ._tlsa import TlsaHost, TlsaRolloverPlan, plan_tlsa_rollover

__all__ = [
    "Bounce",
    "Calendar",
    "Forecast",
    "MxMigrationPlan",
    "Phase",
    "Plan",
    "PlanStep",
    "Readiness",
    "RemovalPlan",
    "RollbackPlan",
    "SenderModel",
    "Served",
    "TlsaHost",
    "TlsaRolloverPlan",
    "about",
    "adoption_table",
    "calendar",
    "forecast",
    "measured_propagation",
    "plan_mx_migration",
    "plan_removal",
    "plan_rollback",
    "plan_tlsa_rollover",
    "queue_ends",
    "readiness",
]
