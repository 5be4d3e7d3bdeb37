"""May a domain go to enforce, and how it comes back: readiness, rollback, removal, MX migration, forecast."""

from __future__ import annotations

from ._calendar import Calendar, Phase, calendar
from ._forecast import Forecast, about, forecast
from ._measured import measured_propagation, take_over_table
from ._migration import MxMigrationPlan, plan_mx_migration
from ._plan import Plan, PlanStep
from ._present import Served
from ._readiness import Readiness, readiness
from ._removal import RemovalPlan, plan_removal
from ._rollback import RollbackPlan, plan_rollback
from ._sender_model import SenderModel

__all__ = [
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
    "about",
    "calendar",
    "forecast",
    "measured_propagation",
    "plan_mx_migration",
    "plan_removal",
    "plan_rollback",
    "readiness",
    "take_over_table",
]
