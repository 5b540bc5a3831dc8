"""Which launches need a reason when a person asks for them, and what is said to whoever gave none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import dagster as dg

from psp_core.domain.operations.operator_actions import require_reason

REASON_TAG = "psp/reason"
"""Where a dialog has fields for tags and none for the config: Dagster's "Re-execute" is one."""

SETTLEMENT_OP = "settlement"
_SETTLEMENT = dg.AssetKey(SETTLEMENT_OP)
_SETTLEMENT_JOB = "settle_due_payables"
_OPS_OF_JOBS = MappingProxyType(
    {
        "settle_early_dates": "settle_dates",
        "redrive": "redrive_dead_letters",
        "repair": "repair_transactions",
        "fail_refund": "fail_one_refund",
        "write_off": "write_off_debt",
    }
)
_ACTIONS = MappingProxyType(
    {
        SETTLEMENT_OP: "settle",
        "settle_dates": "settle",
        "redrive_dead_letters": "redrive",
        "repair_transactions": "repair",
        "fail_one_refund": "refunds fail",
        "write_off_debt": "write-off",
    }
)


@dataclass(frozen=True, slots=True)
class Launch:
    """What is to be launched: a job or some assets, maybe only some of their steps."""

    job_name: str
    assets: Collection[dg.AssetKey] | None
    steps: Collection[str] | None
    run_config: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def op(self) -> str | None:
        """The step that needs a reason, if any."""
        is_settlement = _SETTLEMENT in self.assets if self.assets else self.job_name == _SETTLEMENT_JOB
        op = SETTLEMENT_OP if is_settlement else _OPS_OF_JOBS.get(self.job_name)
        return None if op is None or (self.steps and op not in self.steps) else op

    @property
    def reason(self) -> str:
        """The reason in the config, or else in a tag; empty without one."""
        config: Any = self.run_config
        for name in ("ops", self.op, "config", "reason"):
            config = config.get(name) if isinstance(config, Mapping) else None
        return str(config or "").strip() or self.tags.get(REASON_TAG, "")


def refusal_of(launch: Launch) -> str | None:
    """Return why a person may not launch it so; None when they may."""
    if launch.op is None:
        return None
    try:
        require_reason(launch.reason, action=_ACTIONS[launch.op])
    except ValueError as refusal:
        form = f"ops: {{{launch.op}: {{config: {{reason: WHY}}}}}}"
        return f"{refusal}. Nothing was launched. Write under Config: {form} or under Tags: {REASON_TAG} and why."
    return None


def launch_of(run: dg.DagsterRun) -> Launch:
    """Return a run as what it launches."""
    return Launch(run.job_name, run.asset_selection, run.step_keys_to_execute, run.run_config, run.tags)
